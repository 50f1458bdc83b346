"""Which action labels a row: the first of its period, or the sum; the clean one where a teleoperator has one."""

import numpy as np
import pytest

from muse_core.geometry import apply_delta
from muse_ros.contract.action_track import ActionTrack
from muse_ros.contract.contract import load_contract
from muse_ros.contract.sample_buffer import SampleBuffer
from muse_ros.contract.stream import Stream
from synthetic import action

MS = 1_000_000
T = 1_760_000_000_000 * MS
SUM = load_contract("panda_sim").actions["action"]
NEXT = Stream.from_dict("action", "action", {**SUM.to_dict(), "align": "next"})


def values(x, gripper=0.0):
    """An ee_delta that moves by x."""
    return [x, 0.0, 0.0, 0.0, 0.0, 0.0, gripper]


def buffer(*messages):
    """A buffer of messages received as stamped."""
    made = SampleBuffer("muse_ros/msg/Action")
    for message in messages:
        made.add(message, T)
    return made


def at(ms, x, **more):
    """An action, milliseconds after the tick."""
    gripper = more.pop("gripper", 0.0)
    return action(T + ms * MS, values(x, gripper), **more)


def label(stream, actions, labels=None):
    """The label of the 100 ms row at T."""
    return ActionTrack(stream, actions, labels).label(T, T + 100 * MS)


def test_next_is_the_first_action_of_the_period():
    found = label(NEXT, buffer(at(-1, 1.0), at(20, 2.0), at(60, 3.0)))
    assert found.values[0] == 2.0 and found.stamp_ns == T + 20 * MS and found.count == 1


def test_an_action_stamped_exactly_at_the_tick_is_its_label():
    assert label(NEXT, buffer(at(0, 1.0))).values[0] == 1.0


def test_an_action_stamped_at_the_next_tick_is_not():
    assert label(NEXT, buffer(at(100, 1.0))) == "no action on action between this tick and the next"


def test_heartbeats_without_values_are_no_actions():
    empty = action(T + 10 * MS, [])
    assert label(NEXT, buffer(empty, at(20, 2.0))).values[0] == 2.0
    assert isinstance(label(NEXT, buffer(empty)), str)


def test_a_heartbeat_that_repeats_a_stamp_counts_once():
    assert label(SUM, buffer(at(10, 1.0), at(10, 1.0), at(30, 2.0))).values[0] == 3.0


def test_sum_adds_translations_and_keeps_the_last_gripper():
    found = label(
        SUM, buffer(at(0, 1.0, gripper=1.0), at(40, 2.0, gripper=0.0), at(99, 4.0, gripper=1.0), at(100, 8.0))
    )
    np.testing.assert_allclose(found.values, values(7.0, 1.0))
    assert found.count == 3 and found.stamp_ns == T


def test_sum_composes_rotations_as_the_arm_would():
    deltas = [np.array([0.0, 0.0, 0.0, *euler, 0.0]) for euler in ((0.3, 0.1, 0.0), (0.0, 0.4, -0.2), (0.1, 0.0, 0.5))]
    found = label(SUM, buffer(*(action(T + n * 10 * MS, delta) for n, delta in enumerate(deltas))))
    position, one_by_one = np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])
    for delta in deltas:
        position, one_by_one = apply_delta(position, one_by_one, delta[:6])
    _, at_once = apply_delta(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0]), found.values[:6].astype(float))
    assert abs(np.dot(one_by_one, at_once)) == pytest.approx(1.0, abs=1e-6)


def test_what_an_operator_adds_after_a_policys_action_is_not_summed_into_its_row():
    found = label(SUM, buffer(at(0, 1.0, source="policy"), at(40, 0.1), at(60, 0.1)))
    assert (found.values[0], found.source, found.count, found.displaced) == (1.0, "policy", 1, True)


def test_a_row_that_the_operator_began_holds_all_that_the_operator_asked_for_and_nothing_of_the_policys():
    found = label(SUM, buffer(at(10, 0.25), at(30, 0.5), at(90, 1.0, source="policy")))
    assert (found.values[0], found.source, found.count, found.displaced) == (0.75, "teleop", 2, True)


def test_joint_deltas_are_added():
    stream = Stream.from_dict("a", "action", {**SUM.to_dict(), "space": "joint_delta", "shape": [8]})
    messages = [action(T + n * MS, [0.1 * n] * 7 + [n], space="joint_delta") for n in (1, 2)]
    np.testing.assert_allclose(label(stream, buffer(*messages)).values, [0.3] * 7 + [2.0], rtol=1e-6)


def test_a_teleoperators_action_is_labelled_by_the_clean_one_of_its_stamp():
    found = label(NEXT, buffer(at(0, 1.0)), buffer(at(0, 5.0)))
    assert found.values[0] == 5.0 and found.clean


def test_a_clean_label_of_another_stamp_is_never_used():
    assert "no label on action/teleop_label" in label(NEXT, buffer(at(0, 1.0)), buffer(at(10, 5.0)))


def test_a_policys_action_labels_itself():
    found = label(NEXT, buffer(at(0, 1.0, source="policy")), buffer(at(0, 5.0)))
    assert found.values[0] == 1.0 and found.source == "policy" and not found.clean


def test_without_any_clean_label_the_teleoperators_action_labels_itself():
    assert label(NEXT, buffer(at(0, 1.0)), buffer()).values[0] == 1.0


def test_an_action_of_another_space_is_a_reason():
    assert "action_space is 'ee_pose'" in label(NEXT, buffer(action(T, [0.0] * 8, space="ee_pose")))


def test_latency_is_taken_off_the_stamp_of_actions_too():
    stream = Stream.from_dict("a", "action", {**NEXT.to_dict(), "latency_s": 0.05})
    found = label(stream, buffer(at(0, 1.0), at(50, 2.0)))
    assert found.values[0] == 2.0 and found.stamp_ns == T
