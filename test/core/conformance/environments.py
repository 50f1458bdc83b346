"""What every environment must do. A new one inherits these checks by overriding `make`:

class TestPendulum(EnvironmentConformance):
    def make(self):
        return GymnasiumEnvironment("Pendulum-v1")
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from muse_core.environments.environment import Environment, EpisodeOverError
from muse_core.spec import Arrays, SpecError

Step = tuple[Arrays, float, bool, bool, dict[str, Any]]


class EnvironmentConformance:
    """Checks of one environment.

    Attributes:
        max_steps: Every episode must be over after so many random actions.
        draws: Whether episodes differ by seed.
    """

    max_steps = 1000
    draws = True

    def make(self) -> Environment:
        """A new environment, with episodes that end within `max_steps`."""
        raise NotImplementedError("override make()")

    @pytest.fixture
    def environment(self):
        made = self.make()
        yield made
        made.close()

    def action(self, environment: Environment, rng: np.random.Generator) -> Arrays:
        """One legal action."""
        return environment.action_spec.sample(rng)

    def episode(self, environment: Environment, seed: int | None, steps: int = 10, **reset: Any) -> list[Step]:
        """The first steps of an episode under actions that are the same each time."""
        rng = np.random.default_rng(5)
        observation, info = environment.reset(seed=seed, **reset)
        taken: list[Step] = [(observation, 0.0, False, False, info)]
        while len(taken) <= steps and not (taken[-1][2] or taken[-1][3]):
            taken.append(environment.step(self.action(environment, rng)))
        return taken

    def run_to_the_end(self, environment: Environment) -> Step:
        last = self.episode(environment, 0, self.max_steps)[-1]
        assert last[2] or last[3], f"the episode is not over after {self.max_steps} steps"
        return last

    def test_observations_are_as_the_spec_says_and_hold_nothing_else(self, environment):
        for observation, *_ in self.episode(environment, 1):
            environment.observation_spec.check(observation)
            assert set(observation) == set(environment.observation_spec)
            assert all(type(array) is np.ndarray for array in observation.values())

    def test_what_a_step_returns_has_the_promised_types(self, environment):
        for _, reward, terminated, truncated, info in self.episode(environment, 1)[1:]:
            assert isinstance(reward, float) and math.isfinite(reward)
            assert type(terminated) is bool and type(truncated) is bool
            assert type(info["success"]) is bool

    def test_a_reset_returns_an_observation_and_an_info(self, environment):
        _, info = environment.reset(seed=3)
        assert isinstance(info, dict) and type(info["success"]) is bool

    def test_roles_say_which_arrays_are_actions(self, environment):
        assert {array.role for array in environment.action_spec.values()} == {"action"}
        assert "action" not in {array.role for array in environment.observation_spec.values()}
        assert not set(environment.action_spec) & set(environment.observation_spec)

    def test_the_rate_is_positive(self, environment):
        assert environment.rate_hz > 0

    def test_the_same_seed_gives_the_same_episode_whatever_ran_before(self, environment):
        first = self.episode(environment, 7)
        self.episode(environment, 8, steps=3)
        same_episode(first, self.episode(environment, 7))

    def test_two_environments_give_the_same_episode_for_the_same_seed(self, environment):
        other = self.make()
        try:
            same_episode(self.episode(environment, 7), self.episode(other, 7))
        finally:
            other.close()

    def test_another_seed_gives_another_episode(self, environment):
        if self.draws:
            assert differs(self.episode(environment, 7, steps=0), self.episode(environment, 8, steps=0))

    def test_without_a_seed_the_stream_of_the_last_seed_goes_on(self, environment):
        runs = []
        for _ in range(2):
            environment.reset(seed=5)
            runs.append([self.episode(environment, None, steps=0) for _ in range(2)])
        for one, other in zip(*runs, strict=True):
            same_episode(one, other)
        if self.draws:
            assert differs(*runs[0])

    def test_observations_are_not_written_to_by_later_steps(self, environment):
        first, _ = environment.reset(seed=1)
        kept = {key: array.copy() for key, array in first.items()}
        second, *_ = environment.step(self.action(environment, np.random.default_rng(0)))
        environment.reset(seed=2)
        for key, array in first.items():
            np.testing.assert_array_equal(array, kept[key])
            assert not np.shares_memory(array, second[key])

    def test_an_observation_may_be_written_to(self, environment):
        for array in environment.reset(seed=1)[0].values():
            array[...] = 0
        clean = self.episode(self.make(), 1, steps=2)
        same_episode(clean, self.episode(environment, 1, steps=2))

    def test_an_action_is_not_changed(self, environment):
        environment.reset(seed=1)
        action = self.action(environment, np.random.default_rng(0))
        kept = {key: array.copy() for key, array in action.items()}
        environment.step(action)
        for key, array in action.items():
            np.testing.assert_array_equal(array, kept[key])

    def test_an_action_without_one_of_its_arrays_is_refused(self, environment):
        name = next(iter(environment.action_spec))
        self.refused(environment, {}, f"missing {name}")

    def test_an_action_of_another_shape_is_refused(self, environment):
        for name, array in environment.action_spec.items():
            action = self.action(environment, np.random.default_rng(0))
            action[name] = np.zeros((*array.shape, 1), array.dtype)
            self.refused(environment, action, f"{name}.*expected shape")

    def test_an_action_that_is_not_finite_is_refused(self, environment):
        for name, array in environment.action_spec.items():
            if array.zeros().dtype.kind == "f":
                action = self.action(environment, np.random.default_rng(0))
                action[name].flat[0] = np.nan
                self.refused(environment, action, f"{name}.*not finite")

    def test_an_action_beyond_its_limits_is_refused(self, environment):
        for name, array in environment.action_spec.items():
            for limit, step in ((array.low, -1), (array.high, 1)):
                if limit is not None:
                    action = self.action(environment, np.random.default_rng(0))
                    action[name].flat[-1] = limit + step
                    self.refused(environment, action, f"{name}.*expected values")

    def refused(self, environment: Environment, action: Arrays, message: str) -> None:
        environment.reset(seed=0)
        with pytest.raises(SpecError, match=message):
            environment.step(action)

    def test_a_refused_action_leaves_the_episode_as_it_was(self, environment):
        expected = self.episode(environment, 4, steps=2)
        environment.reset(seed=4)
        with pytest.raises(SpecError):
            environment.step({})
        rng = np.random.default_rng(5)
        again = [environment.step(self.action(environment, rng)) for _ in range(len(expected) - 1)]
        same_episode(expected[1:], again)

    def test_an_episode_ends_and_a_step_after_the_end_is_refused(self, environment):
        self.run_to_the_end(environment)
        with pytest.raises(EpisodeOverError, match=r"reset\(\)"):
            environment.step(self.action(environment, np.random.default_rng(0)))
        environment.reset(seed=1)
        environment.step(self.action(environment, np.random.default_rng(0)))

    def test_a_step_before_the_first_reset_is_refused(self, environment):
        with pytest.raises(EpisodeOverError, match=r"reset\(\)"):
            environment.step(self.action(environment, np.random.default_rng(0)))

    def test_a_preset_is_a_start_that_repeats(self, environment):
        for name in list(environment.presets)[:3]:
            first = self.episode(environment, 1, options={"preset": name})
            same_episode(first, self.episode(environment, 1, options={"preset": name}))
            same_episode(first, self.episode(environment, 1, options={"preset": environment.presets[name]}))

    def test_presets_differ_from_each_other(self, environment):
        starts = [self.episode(environment, 1, 0, options={"preset": name}) for name in list(environment.presets)[:4]]
        for one, other in pairwise(starts):
            assert differs(one, other)

    def test_presets_that_do_not_exist_are_refused(self, environment):
        for preset in ("no such preset", {"no such quantity": [0.0]}, [0.1, 0.2]):
            with pytest.raises(ValueError, match="preset"):
                environment.reset(seed=0, options={"preset": preset})

    def test_no_options_and_empty_options_are_the_same(self, environment):
        for options in ({}, {"preset": None}):
            same_episode(self.episode(environment, 2, 1), self.episode(environment, 2, 1, options=options))

    def test_it_can_be_closed_twice(self):
        environment = self.make()
        environment.reset(seed=0)
        environment.close()
        environment.close()


def same_episode(one: list[Step], other: list[Step]) -> None:
    """Fail unless two runs of steps agree bit for bit."""
    assert len(one) == len(other)
    for (first, *outcome, info), (second, *other_outcome, other_info) in zip(one, other, strict=True):
        assert outcome == other_outcome
        assert info["success"] == other_info["success"]
        assert set(first) == set(second)
        for key in first:
            np.testing.assert_array_equal(first[key], second[key])


def differs(one: list[Step], other: list[Step]) -> bool:
    """Whether two episodes begin differently."""
    return any(not np.array_equal(one[0][0][key], other[0][0][key]) for key in one[0][0])
