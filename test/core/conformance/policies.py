"""What every policy must do. A new one inherits these checks by overriding `make` and the two specs:

class TestTimeout(PolicyConformance):
    observation_spec, action_spec = OBSERVATIONS, ACTIONS

    def make(self):
        return TimeoutPolicy(RandomPolicy(ACTIONS), max_steps=20)
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from muse_core.policies.batch import PolicyBatch
from muse_core.policies.policy import Policy, has_terminated, seed_policy
from muse_core.spec import Arrays, Spec


class PolicyConformance:
    """Checks of one policy.

    Attributes:
        observation_spec: What it needs.
        action_spec: What it gives.
        steps: Steps of an episode of the checks; a policy that terminates must not do so within them.
    """

    observation_spec: Spec
    action_spec: Spec
    steps = 8

    def make(self) -> Policy:
        """A new policy."""
        raise NotImplementedError("override make()")

    def observations(self, seed: int = 0) -> list[Arrays]:
        """What one episode observes."""
        rng = np.random.default_rng(seed)
        return [self.observation_spec.sample(rng) for _ in range(self.steps)]

    def episode(self, policy: Policy, observations: list[Arrays] | None = None, seed: int = 0) -> list[Arrays]:
        """The actions of one episode, begun as a rollout begins it."""
        seed_policy(policy, seed)
        policy.reset()
        return [policy.act(observation) for observation in observations or self.observations()]

    def test_actions_are_as_the_spec_says_and_nothing_else(self):
        for action in self.episode(self.make()):
            self.action_spec.check(action)
            assert set(action) == set(self.action_spec)
            assert all(type(array) is np.ndarray for array in action.values())

    def test_the_same_episode_gives_the_same_actions_whatever_ran_before(self):
        policy = self.make()
        first = self.episode(policy)
        self.episode(policy, self.observations(seed=1)[:3])
        same_actions(first, self.episode(policy))

    def test_two_policies_made_alike_act_alike(self):
        same_actions(self.episode(self.make()), self.episode(self.make()))

    def test_a_second_reset_changes_nothing(self):
        policy = self.make()
        first = self.episode(policy)
        seed_policy(policy, 0)
        policy.reset()
        same_actions(first, self.episode(policy))

    def test_observations_are_not_changed_and_may_be_read_only(self):
        observations, copies = self.observations(), self.observations()
        for observation in observations:
            for array in observation.values():
                array.setflags(write=False)
        self.episode(self.make(), observations)
        for observation, copy in zip(observations, copies, strict=True):
            assert set(observation) == set(copy)
            for key, array in observation.items():
                np.testing.assert_array_equal(array, copy[key])

    def test_an_observation_that_is_written_over_later_is_remembered_as_it_was(self):
        policy, buffer = self.make(), self.observation_spec.zeros()
        expected = self.episode(policy)
        seed_policy(policy, 0)
        policy.reset()
        found = []
        for observation in self.observations():
            for key, array in observation.items():
                buffer[key][...] = array
            found.append(policy.act(buffer))
        same_actions(expected, found)

    def test_further_keys_are_ignored(self):
        observations = [{**each, "of no concern": np.full(3, np.nan)} for each in self.observations()]
        same_actions(self.episode(self.make()), self.episode(self.make(), observations))

    def test_actions_are_arrays_of_their_own(self):
        policy = self.make()
        expected = self.episode(policy)
        seed_policy(policy, 0)
        policy.reset()
        found = []
        for observation in self.observations():
            action = policy.act(observation)
            found.append({key: array.copy() for key, array in action.items()})
            for array in action.values():
                array[...] = 0
        same_actions(expected, found)
        for one, other in pairwise(expected):
            assert not any(np.shares_memory(array, other[key]) for key, array in one.items())

    def test_it_has_not_terminated_after_a_reset_nor_while_the_checks_run(self):
        policy = self.make()
        policy.reset()
        assert not has_terminated(policy)
        for observation in self.observations()[:-1]:
            policy.act(observation)
            assert not has_terminated(policy)

    def test_episodes_side_by_side_go_as_each_would_alone_even_when_one_begins_anew(self):
        half = self.steps // 2
        ours, others = self.observations(seed=2), self.observations(seed=3)
        batch = PolicyBatch([self.make(), self.make()])
        batch.seed([0, 0])
        batch.reset()
        found: list[Arrays] = []
        for step in range(self.steps):
            if step == half:
                batch.reset(np.array([False, True]))
            rows = (ours[step], others[step % half])
            found.append(batch.act({key: np.stack([row[key] for row in rows]) for key in self.observation_spec}))
        same_actions(
            [{key: array[0] for key, array in each.items()} for each in found], self.episode(self.make(), ours)
        )
        alone = self.episode(self.make(), others)[:half]
        same_actions([{key: array[1] for key, array in each.items()} for each in found[:half]], alone)


def same_actions(one: list[Arrays], other: list[Arrays]) -> None:
    """Fail unless two lists of actions agree bit for bit."""
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        assert set(first) == set(second)
        for key in first:
            np.testing.assert_array_equal(first[key], second[key])
