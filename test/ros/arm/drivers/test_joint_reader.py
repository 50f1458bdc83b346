"""Joint states: any names, any order, spread over messages, without velocities, by another computer's clock."""

from types import SimpleNamespace

import numpy as np
import pytest

from muse_ros.arm.drivers.joint_reader import JointReader

JOINTS = [f"fr3_joint{i}" for i in range(1, 8)]
FINGERS = ["fr3_finger_joint1", "fr3_finger_joint2"]
SECOND = 1_000_000_000


def states(names, position, velocity=(), stamp_ns=5 * SECOND):
    stamp = SimpleNamespace(sec=stamp_ns // SECOND, nanosec=stamp_ns % SECOND)
    header = SimpleNamespace(stamp=stamp)
    return SimpleNamespace(header=header, name=list(names), position=list(position), velocity=list(velocity))


@pytest.fixture
def reader():
    return JointReader(JOINTS, FINGERS)


def test_joints_are_found_by_name_in_any_order_among_others(reader):
    names = [*reversed(JOINTS), "gripper_motor", *FINGERS]
    reader.hear(states(names, [7, 6, 5, 4, 3, 2, 1, 99, 0.01, 0.02], range(10)), 5 * SECOND, 3 * SECOND)
    assert reader.q.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert reader.qdot.tolist() == [6, 5, 4, 3, 2, 1, 0]
    assert reader.width_m == pytest.approx(0.03)
    assert (reader.stamp_ns, reader.count) == (5 * SECOND, 1)


def test_an_order_that_changes_is_followed(reader):
    reader.hear(states(JOINTS, [1, 2, 3, 4, 5, 6, 7]), 5 * SECOND, 0)
    reader.hear(states(JOINTS[::-1], [1, 2, 3, 4, 5, 6, 7], stamp_ns=6 * SECOND), 6 * SECOND, 0)
    assert reader.q.tolist() == [7, 6, 5, 4, 3, 2, 1]


def test_arm_and_fingers_may_come_in_messages_of_their_own(reader):
    reader.hear(states(FINGERS, [0.02, 0.02]), 5 * SECOND, SECOND)
    assert (reader.count, reader.width_m) == (0, 0.04)
    assert reader.age_s(2 * SECOND) == float("inf")
    reader.hear(states(JOINTS, [0] * 7), 5 * SECOND, SECOND)
    assert (reader.count, reader.width_m) == (1, 0.04)
    assert reader.age_s(3 * SECOND) == 2.0


def test_one_finger_measures_half_the_opening(reader):
    reader.hear(states([FINGERS[0]], [0.035]), 5 * SECOND, 0)
    assert reader.width_m == 0.07


def test_what_is_said_again_with_its_old_stamp_is_not_new(reader):
    for second in range(5):
        reader.hear(states(JOINTS, [1] * 7), (5 + second) * SECOND, second * SECOND)
    assert (reader.count, reader.repeated, reader.age_s(5 * SECOND)) == (1, 4, 5.0)
    reader.hear(states(JOINTS, [2] * 7, stamp_ns=6 * SECOND), 9 * SECOND, 5 * SECOND)
    assert (reader.count, reader.repeated, reader.age_s(5 * SECOND)) == (2, 0, 0.0)
    for second in (6, 7):  # without stamps their arrival counts
        reader.hear(states(JOINTS, [2] * 7, stamp_ns=0), second * SECOND, second * SECOND)
    assert reader.count == 4


def test_without_all_seven_joints_nothing_is_taken_and_the_names_are_kept(reader):
    reader.hear(states(JOINTS[:6], [1] * 6), 5 * SECOND, 0)
    assert reader.count == 0
    assert reader.others == tuple(JOINTS[:6])


@pytest.mark.parametrize("position", [[0, 0, 0, float("nan"), 0, 0, 0], [0] * 6, []])
def test_positions_that_are_missing_or_no_numbers_leave_the_last_ones(reader, position):
    reader.hear(states(JOINTS, [1] * 7), 5 * SECOND, SECOND)
    reader.hear(states(JOINTS, position), 6 * SECOND, 2 * SECOND)
    assert (reader.q.tolist(), reader.count, reader.refused) == ([1] * 7, 1, 1)
    assert reader.age_s(2 * SECOND) == 1.0


@pytest.mark.parametrize("velocity", [[], [float("nan")] * 7])
def test_velocities_that_are_missing_come_from_the_positions(reader, velocity):
    reader.hear(states(JOINTS, [1] * 7, velocity, 5 * SECOND), 5 * SECOND, 0)
    assert reader.qdot.tolist() == [0] * 7
    reader.hear(states(JOINTS, [1.01] * 7, velocity, 5 * SECOND + SECOND // 10), 5 * SECOND + SECOND // 10, 0)
    assert reader.qdot == pytest.approx(np.full(7, 0.1))


@pytest.mark.parametrize(
    ("stamp_ns", "expected_ns"),
    [
        (5 * SECOND - 100_000_000, 5 * SECOND - 100_000_000),  # 0.1 s of delay still is delay
        (5 * SECOND - 100_000_001, 5 * SECOND),
        (5 * SECOND + 100_000_001, 5 * SECOND),
        (0, 5 * SECOND),  # no stamp at all
    ],
)
def test_a_stamp_by_another_clock_gives_way_to_the_time_of_arrival(reader, stamp_ns, expected_ns):
    reader.hear(states(JOINTS, [0] * 7, stamp_ns=stamp_ns), 5 * SECOND, 0)
    assert reader.stamp_ns == expected_ns
    assert reader.clock_difference_ns == (5 * SECOND - stamp_ns if stamp_ns else 0)
