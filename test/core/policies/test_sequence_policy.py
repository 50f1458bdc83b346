"""A sequence of policies: who acts when, who is reset when."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.policies.policy import label_of
from muse_core.policies.sequence import SequencePolicy, Stage
from muse_core.policies.timeout import TimeoutPolicy


class Named:
    """Gives its number as the action, and terminates after some steps."""

    def __init__(self, number: int, length: int = 10**9):
        self.number, self.length, self.count, self.resets = number, length, 0, 0

    def reset(self):
        self.count, self.resets = 0, self.resets + 1

    @property
    def terminated(self):
        return self.count >= self.length

    @property
    def label(self):
        return {"action": np.array([-self.number])}

    def act(self, observation):
        self.count += 1
        return {"action": np.array([self.number])}


def play(policy: SequencePolicy) -> tuple[list[int], list[bool]]:
    """Numbers of the acting policies, and the flags of a switch, until the sequence ends."""
    policy.reset()
    numbers, switches = [], []
    while not policy.terminated:
        numbers.append(int(policy.act({})["action"][0]))
        switches.append(policy.policy_switch)
    return numbers, switches


def test_the_next_policy_acts_where_one_terminates_or_reaches_its_cap():
    stages = [Stage(Named(1, 2)), Stage(Named(2), 3), Stage(Named(3, 1))]
    policy = SequencePolicy(stages)
    for episode in (1, 2, 3):  # counters begin anew with each episode
        assert play(policy) == ([1, 1, 2, 2, 2, 3], [False, False, True, False, False, True])
        assert [stage.policy.resets for stage in stages] == [episode] * 3


def test_an_episode_that_ends_early_begins_with_the_first_policy_again():
    first, second = Named(1, 1), Named(2, 5)
    policy = SequencePolicy([Stage(first), Stage(second, name="insert")])
    policy.reset()
    assert [int(policy.act({})["action"][0]) for _ in range(3)] == [1, 2, 2]
    assert (policy.index, policy.policy_name, label_of(policy)["action"].tolist()) == (1, "insert", [-2])
    policy.reset()
    assert (policy.index, policy.policy_switch, policy.terminated, label_of(policy)) == (0, False, False, None)
    assert play(policy)[0] == [1, 2, 2, 2, 2, 2]


def test_one_policy_may_have_several_stages():
    both = Named(1)
    assert play(SequencePolicy([Stage(both, 2), Stage(both, 1)])) == ([1, 1, 1], [False, False, True])
    assert both.resets == 2


def test_sequences_nest():
    inner = SequencePolicy([Stage(Named(1, 1)), Stage(Named(2, 1))])
    outer = SequencePolicy([Stage(inner), Stage(TimeoutPolicy(Named(3), 2))])
    assert play(outer) == ([1, 2, 3, 3], [False, False, True, False])


def test_a_sequence_needs_stages_of_at_least_a_step():
    with pytest.raises(ValueError, match="at least one stage"):
        SequencePolicy([])
    with pytest.raises(ValueError, match="max_steps of stage 'reach' must be at least 1, got 0"):
        Stage(Named(1), 0, "reach")
