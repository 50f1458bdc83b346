"""Random, scripted, replayed and timed-out policies, and several as one batch."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.policies.batch import PolicyBatch
from muse_core.policies.policy import LabellingPolicy, SeededPolicy, TerminatingPolicy, has_terminated, label_of
from muse_core.policies.random import RandomPolicy
from muse_core.policies.replay import ReplayPolicy
from muse_core.policies.scripted import ExpertPolicy, ScriptedPolicy
from muse_core.policies.timeout import TimeoutPolicy
from muse_core.spec import ArraySpec, Spec

LIMITED = Spec({"action": ArraySpec((3,), low=-0.1, high=0.3, role="action"), "grip": ArraySpec((1,), "bool")})


def drawn(policy: RandomPolicy, steps: int = 200) -> np.ndarray:
    policy.reset()
    return np.stack([policy.act({})["action"] for _ in range(steps)])


def test_random_actions_fill_their_limits_and_keep_the_spec():
    policy = RandomPolicy(LIMITED, seed=3)
    LIMITED.check(policy.act({}))
    actions = drawn(policy)
    assert actions.min() >= np.float32(-0.1) and actions.max() <= np.float32(0.3)
    assert actions.mean() == pytest.approx(0.1, abs=0.02)
    assert actions.std() == pytest.approx(0.4 / np.sqrt(12), abs=0.01)


def test_random_actions_repeat_with_their_seed():
    policy = RandomPolicy(LIMITED, seed=3)
    first = drawn(policy)
    np.testing.assert_array_equal(first, drawn(policy))
    policy.seed(4)
    assert (drawn(policy) != first).any()
    policy.seed(3)
    np.testing.assert_array_equal(first, drawn(policy))
    assert isinstance(policy, SeededPolicy)


def test_a_limit_that_float32_cannot_hold_is_not_overstepped():
    # 0.1 in float32 is 0.100000001: outside of a limit of 0.1 in float64
    policy = RandomPolicy(Spec({"action": ArraySpec((1,), low=0.1, high=0.1, role="action")}))
    assert policy.act({})["action"].astype(np.float64) <= 0.1


def test_random_actions_need_limits_and_take_them_for_each_number():
    spec = Spec({"action": ArraySpec((2,), role="action")})
    with pytest.raises(ValueError, match=r"'action' has no limits in the spec to draw between; give limits"):
        RandomPolicy(spec)
    actions = drawn(RandomPolicy(spec, limits={"action": ([-1, 5], [1, 6])}))
    assert (np.abs(actions[:, 0]) <= 1).all() and ((actions[:, 1] >= 5) & (actions[:, 1] <= 6)).all()
    with pytest.raises(ValueError, match=r"do not fit an action of shape \(2,\)"):
        RandomPolicy(spec, limits={"action": ([0, 0, 0], 1)})
    with pytest.raises(ValueError, match="low at most high"):
        RandomPolicy(spec, limits={"action": (1, 0)})
    with pytest.raises(ValueError, match="limits of actoin, but the actions are action"):
        RandomPolicy(spec, limits={"actoin": (0, 1)})


def test_a_function_is_a_policy():
    begun = []
    policy = ScriptedPolicy(lambda observation: {"action": 2 * observation["x"]}, lambda: begun.append(1))
    policy.reset()
    assert policy.act({"x": np.float32([3])})["action"] == 6
    assert begun == [1]
    assert not isinstance(policy, TerminatingPolicy) and not isinstance(policy, LabellingPolicy)


def test_a_shaken_expert_executes_the_noise_and_labels_what_it_meant():
    expert_module = pytest.importorskip("muse_core.environments.panda.expert")
    simulated = pytest.importorskip("muse_core.environments.simulated_panda")
    environment = simulated.SimulatedPanda("reach", images={})
    expert = expert_module.make_expert("reach", noise_m=0.01)
    policy = ExpertPolicy(expert, lambda: (environment.state(), environment.world.objects()))
    environment.reset(seed=1)

    def first_action(seed: int) -> tuple[np.ndarray, np.ndarray]:
        policy.seed(seed)
        policy.reset()
        assert label_of(policy) is None
        return policy.act({})["action"], label_of(policy)["action"]

    (executed, label), (again, _), (other, other_label) = (first_action(seed) for seed in (5, 5, 6))
    environment.close()
    assert np.abs(executed - label)[:3].min() > 0 and (executed[3:] == label[3:]).all()
    np.testing.assert_array_equal(executed, again)
    np.testing.assert_array_equal(label, other_label)
    assert (executed != other).any()


def test_a_replay_plays_each_row_of_one_episode_and_ends_with_it(tiny_dataset):
    policy = ReplayPolicy(tiny_dataset, episode=2)
    recorded = tiny_dataset.get_episode(2).arrays["action"]
    for _ in range(2):
        policy.reset()
        played = []
        while not policy.terminated:
            played.append(policy.act({})["action"])
        np.testing.assert_array_equal(played, recorded)
    with pytest.raises(RuntimeError, match="episode 'episode_002' has 12 steps, and all are played"):
        policy.act({})


def test_a_replay_of_what_is_not_there_is_refused(tiny_dataset):
    with pytest.raises(KeyError, match="no array named 'q'"):
        ReplayPolicy(tiny_dataset, keys=["q"])
    with pytest.raises(IndexError):
        ReplayPolicy(tiny_dataset, episode=8)
    with pytest.raises(KeyError, match="no episode was recorded with seed 5; the dataset names seeds of none"):
        ReplayPolicy(tiny_dataset).seed(5)


def test_a_replay_finds_the_episode_that_was_recorded_with_a_seed(tiny_dataset):
    arrays = dict(tiny_dataset.get_episode(3).arrays)
    arrays["action"] = arrays["action"] + np.float32(1)
    tiny_dataset.add_episode("late", arrays, {"seed": 1007})
    policy = ReplayPolicy(tiny_dataset)
    policy.seed(1007)
    policy.reset()
    np.testing.assert_array_equal(policy.act({})["action"], arrays["action"][0])


class Endless:
    """Says how often it was asked since its last reset."""

    def __init__(self):
        self.count, self.resets = 0, 0

    def reset(self):
        self.count, self.resets = 0, self.resets + 1

    def act(self, observation):
        self.count += 1
        return {"action": observation["x"] + np.float32([self.count])}


def test_a_timeout_ends_an_episode_after_its_steps_and_counts_anew():
    policy = TimeoutPolicy(Endless(), 3)
    for _ in range(2):
        policy.reset()
        ended = []
        for _ in range(3):
            policy.act({"x": np.zeros(1)})
            ended.append(policy.terminated)
        assert ended == [False, False, True]
    with pytest.raises(ValueError, match="at least 1, got 0"):
        TimeoutPolicy(Endless(), 0)


def test_a_timeout_ends_when_its_policy_does_and_passes_the_rest_on(tiny_dataset):
    policy = TimeoutPolicy(ReplayPolicy(tiny_dataset), 100)
    policy.reset()
    for _ in range(12):
        assert not has_terminated(policy)
        policy.act({})
    assert has_terminated(policy) and label_of(policy) is None


def test_a_batch_asks_each_policy_and_resets_those_that_begin_anew():
    policies = [Endless(), TimeoutPolicy(Endless(), 2)]
    batch = PolicyBatch(policies)
    batch.reset()
    observation = {"x": np.array([[10], [20]], np.float32)}
    assert batch.act(observation)["action"].tolist() == [[11], [21]]
    batch.reset(np.array([True, False]))
    assert batch.act(observation)["action"].tolist() == [[11], [22]]
    assert batch.terminated.tolist() == [False, True]
    with pytest.raises(ValueError, match=r"must have 2 rows, one for each policy, got \{'x': 1\}"):
        batch.act({"x": np.zeros((1, 1))})
    with pytest.raises(ValueError, match="one policy of its own for each episode"):
        PolicyBatch([policies[0], policies[0]])
