"""Rewards without a model, the environment that pays them, and discounted returns, worked out by hand."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from muse_core.environments.point_mass import PointMass
from muse_core.rewards.environment import RewardedEnvironment
from muse_core.rewards.returns import RunningReturn, discounted_returns
from muse_core.rewards.reward import DistanceReward, SuccessReward


def test_a_distance_is_taken_after_the_step():
    reward = DistanceReward("tip", "cup", scale=2.0)
    reward.reset()
    # 3-4-5: from (0, 0) to (3, 4)
    after = {"tip": np.float32([0, 0]), "cup": np.float32([3, 4])}
    assert reward({"tip": np.zeros(2), "cup": np.zeros(2)}, {}, after, {}) == -10.0
    fixed = DistanceReward("tip", np.array([0.0, 0.1]), reached=0.1, bonus=5.0)
    assert fixed({}, {}, {"tip": np.zeros(2)}, {}) == pytest.approx(4.9)
    assert fixed({}, {}, {"tip": np.array([0.0, -0.1])}, {}) == pytest.approx(-0.2)


def test_a_distance_between_what_does_not_fit_is_refused():
    with pytest.raises(KeyError, match="no 'cup' in the observation; it has tip"):
        DistanceReward("tip", "cup")({}, {}, {"tip": np.zeros(3)}, {})
    with pytest.raises(ValueError, match=r"arrays of one shape, got \(3,\) and \(1,\)"):
        DistanceReward("tip", np.zeros(1))({}, {}, {"tip": np.zeros(3)}, {})
    with pytest.raises(ValueError, match="at least 0, got -1 and 0"):
        DistanceReward("tip", "cup", scale=-1)


def test_success_pays_once_in_an_episode():
    reward = SuccessReward(10.0, step_cost=1.0)
    for _ in range(2):
        reward.reset()
        assert [reward({}, {}, {}, {"success": s}) for s in (False, True, True, False)] == [-1.0, 9.0, -1.0, -1.0]
    assert reward({}, {}, {}, {}) == -1.0


def test_an_environment_pays_another_reward_and_keeps_its_own():
    plain, environment = PointMass(), RewardedEnvironment(PointMass(), DistanceReward("position", "goal/position"))
    environment.reset(seed=3)
    plain.reset(seed=3)
    action = {"action": np.float32([0.1, 0.0])}
    observation, reward, terminated, truncated, info = environment.step(action)
    expected, own, *ends, _ = plain.step(action)
    np.testing.assert_array_equal(observation["position"], expected["position"])
    assert reward == pytest.approx(-np.linalg.norm(observation["position"] - observation["goal/position"]))
    assert (info["own_reward"], [terminated, truncated]) == (own, ends)
    assert (environment.rate_hz, environment.presets) == (plain.rate_hz, plain.presets)
    environment.close()
    pickle.loads(pickle.dumps(RewardedEnvironment(PointMass(), SuccessReward())))


def test_a_reward_sees_what_was_before_even_where_the_environment_writes_over_it():
    class Overwriting:
        def __init__(self):
            self.x = np.zeros(1)

        def reset(self, *, seed=None, options=None):
            self.x[:] = 0
            return {"x": self.x}, {}

        def step(self, action):
            self.x += 1
            return {"x": self.x}, 0.0, False, False, {}

    class Gained:
        def reset(self):
            self.resets = getattr(self, "resets", 0) + 1

        def __call__(self, observation, action, next_observation, info):
            return float(next_observation["x"][0] - observation["x"][0])

    reward = Gained()
    environment = RewardedEnvironment(Overwriting(), reward)
    environment.reset()
    assert [environment.step({})[1] for _ in range(3)] == [1.0, 1.0, 1.0]
    environment.reset()
    assert reward.resets == 2


def test_returns_are_discounted_up_to_the_end_of_an_episode():
    # backwards with 1/2: 8, 4 + 4 = 8 | 2, 1 + 1 = 2
    rewards, dones = np.array([1.0, 2.0, 4.0, 8.0]), np.array([False, True, False, True])
    assert discounted_returns(rewards, dones, 0.5).tolist() == [2.0, 2.0, 8.0, 8.0]
    dones[-1] = False
    assert discounted_returns(rewards, dones, 0.5, last_value=16.0).tolist() == [2.0, 2.0, 12.0, 16.0]


def test_returns_of_a_batch_are_those_of_its_rows():
    rng = np.random.default_rng(0)
    rewards, dones, last = rng.normal(size=(5, 30)), rng.random((5, 30)) < 0.1, rng.normal(size=5)
    together = discounted_returns(rewards, dones, 0.97, last)
    for i in range(5):
        np.testing.assert_allclose(together[i], discounted_returns(rewards[i], dones[i], 0.97, last[i]))


def test_a_running_return_ends_where_the_backward_one_begins():
    rewards = np.array([[1.0, 2.0, 4.0], [3.0, 0.0, -1.0]])
    running = RunningReturn(0.5, batch_size=2)
    sums = [running.update(step).tolist() for step in rewards.T]
    assert sums == [[1.0, 3.0], [2.0, 3.0], [3.0, 2.75]]
    backward = discounted_returns(rewards, np.zeros((2, 3), bool), 0.5)
    assert running.value.tolist() == backward[:, 0].tolist()
    running.reset(np.array([True, False]))
    assert running.update(np.array([1.0, 8.0])).tolist() == [1.0, 3.75]


def test_a_discount_or_a_shape_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match=r"gamma must be in 0 \.\. 1, got 1.1"):
        discounted_returns(np.zeros(2), np.zeros(2), 1.1)
    with pytest.raises(ValueError, match=r"got \(2,\) and \(3,\)"):
        discounted_returns(np.zeros(2), np.zeros(3), 0.9)
    with pytest.raises(ValueError, match="gamma"):
        RunningReturn(-0.1)
