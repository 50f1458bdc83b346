"""A leader arm takes the arm only where the arm is, is followed at a bounded speed, and lets go when it runs away."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from muse_ros.teleop.leader import Follower, LeaderMapping, load_leader_mapping
from muse_ros.teleop.mapping_file import MappingError, find_file
from muse_ros.teleop.raw_input import DeviceError

ARM = np.array([0.1, -0.2, 0.3, -1.5, 0.5, 1.6, 0.7])


def message(*positions, names=()):
    return SimpleNamespace(name=list(names), position=[float(p) for p in positions])


def test_the_shipped_mapping_loads_and_takes_eight_positions_in_their_order():
    mapping = load_leader_mapping(find_file("gello"))
    q, grip = mapping.read(message(1, 2, 3, 4, 5, 6, 7, 0.25))
    np.testing.assert_array_equal(q, [1, 2, 3, 4, 5, 6, 7])
    assert grip == 0.25


def test_joints_are_found_by_name_turned_and_shifted():
    mapping = LeaderMapping(
        tuple("abcdefg"), (1, -1, 1, 1, 1, 1, 1), (0, 0.5, 0, 0, 0, 0, 0), "grip", gripper_open=0.8, gripper_closed=0.0
    )
    q, grip = mapping.read(message(0.2, 7, 6, 5, 4, 3, 2, 1, names=["grip", *"gfedcba"]))
    np.testing.assert_array_equal(q, [1, -1.5, 3, 4, 5, 6, 7])
    assert grip == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (message(1, 2, names=["a", "b"]), "has no joint 'c'; it has a, b"),
        (message(*range(6), names=list("abcdefg")), "has 6 positions; joint 7 is missing"),
        (message(*range(6), float("nan"), names=list("abcdefg")), "joint g says nan"),
    ],
)
def test_a_message_without_a_joint_is_refused_by_name(said, words):
    with pytest.raises(DeviceError, match=words):
        LeaderMapping(tuple("abcdefg")).read(said)


def follower():
    return Follower(speed=0.5, period_s=0.02, tolerance=0.1)


def test_a_leader_away_from_the_arm_moves_nothing_and_every_joint_that_is_off_is_named():
    away = ARM + np.array([0, 0.4, 0, 0, -0.2, 0, 0.05])
    with pytest.raises(DeviceError, match=r"panda_joint2 by \+0.40 rad, panda_joint5 by -0.20 rad; within 0.1 rad"):
        follower().step(away, ARM, True, None, 0.0)


def test_the_arm_starts_where_it_is_and_follows_along_a_straight_line_at_the_set_speed():
    leader = follower()
    ahead = np.array([0.04, -0.02, 0, 0, 0, 0, 0])
    found = np.array([leader.step(ARM + ahead, ARM, True, None, 0.0)[:7] - ARM for _ in range(6)])
    np.testing.assert_allclose(found[:, 0], [0.01, 0.02, 0.03, 0.04, 0.04, 0.04], atol=1e-12)
    np.testing.assert_allclose(found[:, 1], -0.5 * found[:, 0], atol=1e-12)


def test_a_leader_that_falls_is_let_go_and_must_come_back_to_the_arm():
    leader = follower()
    leader.step(ARM, ARM, True, None, 0.0)
    with pytest.raises(DeviceError, match=r"panda_joint1 by \+0.70 rad"):
        leader.step(ARM + np.eye(7)[0] * 0.7, ARM, True, None, 0.0)
    with pytest.raises(DeviceError, match="bring it there"):
        leader.step(ARM + np.eye(7)[0] * 0.3, ARM, True, None, 0.0)
    assert leader.step(ARM, ARM, True, None, 0.0) is not None


def test_with_the_deadman_up_nothing_is_asked_for_and_the_next_press_starts_where_the_arm_is():
    leader = follower()
    leader.step(ARM + 0.05, ARM, True, None, 0.0)
    assert leader.step(ARM + 0.05, ARM, False, None, 0.0) is None
    np.testing.assert_allclose(leader.step(ARM, ARM, True, None, 0.0)[:7], ARM)


def test_a_grip_is_taken_over_where_the_leaders_meets_it():
    leader = follower()
    grips = [leader.step(ARM, ARM, True, grip, 1.0)[7] for grip in (0.0, 0.5, 0.86, 0.3)]
    assert grips == [1.0, 1.0, 0.86, 0.3], "a grip is not dropped by pressing the deadman with an open leader"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("joint: []", "there is no key 'joint'; did you mean 'joints'?"),
        ("joints: [a, b]", "joints must hold seven names or none, got 2"),
        ("signs: [1, 1, 1, 1, 1, 1, 2]", "signs must be seven times 1 or -1"),
        ("offsets: 3", "offsets must be a list, got 3"),
        ("offsets: [1, 2, 3, 4, 5, 6, x]", "offsets must hold numbers, got 'x'"),
        ("gripper: {width: 1}", "gripper: there is no key 'width'; known are joint, open, closed"),
        ("gripper: {open: 1, closed: 1}", "gripper.open and gripper.closed must differ, got 1.0 for both"),
    ],
)
def test_a_mapping_that_means_nothing_is_refused_in_words(tmp_path: Path, text: str, words: str):
    path = tmp_path / "leader.yaml"
    path.write_text(text)
    with pytest.raises(MappingError) as error:
        load_leader_mapping(path)
    assert str(path) in str(error.value) and words in str(error.value)
