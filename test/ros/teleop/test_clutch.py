"""A tracked hand moves the arm from where the clutch was pressed, at a bounded speed, and never by a jump."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.geometry import (
    quaternion_from_euler,
    quaternion_from_rotation_vector,
    quaternion_multiply,
    rotation_vector_from_quaternion,
)
from muse_ros.teleop.clutch import LEASH_M, Clutch, Pose
from muse_ros.teleop.raw_input import DeviceError


def hand(x=0.0, y=0.0, z=0.0, turn=(0.0, 0.0, 0.0)):
    return Pose(np.array([x, y, z]), quaternion_from_rotation_vector(np.array(turn)))


def clutch(**changes):
    """0.2 m/s and 0.5 rad/s at 50 Hz: 4 mm and 0.01 rad a step."""
    return Clutch(**{"linear_speed": 0.2, "angular_speed": 0.5, "period_s": 0.02} | changes)


def test_the_press_moves_nothing_wherever_the_hand_is_and_small_motions_are_followed_at_once():
    follower = clutch()
    assert not follower.step(hand(7.0), held=False).any()
    assert not follower.step(hand(7.2), held=True).any()
    np.testing.assert_allclose(follower.step(hand(7.203, 0.001), held=True), [0.003, 0.001, 0, 0, 0, 0], atol=1e-12)
    assert not follower.step(hand(7.203, 0.001), held=True).any()


def test_what_the_hand_did_with_the_clutch_up_does_not_count():
    follower = clutch()
    follower.step(hand(0.0), held=True), follower.step(hand(0.001), held=True)
    follower.step(hand(0.2), held=False)
    assert not follower.step(hand(0.4), held=True).any()


def test_a_fast_hand_is_followed_at_the_set_speed_and_made_up_for():
    follower = clutch()
    follower.step(hand(), held=True)
    steps = [follower.step(hand(0.01), held=True)[0] for _ in range(5)]
    np.testing.assert_allclose(steps, [0.004, 0.004, 0.002, 0, 0], atol=1e-12)


def test_more_than_the_leash_is_dropped_so_that_the_arm_stops_soon_after_the_hand():
    follower = clutch()
    follower.step(hand(), held=True)
    total = sum(follower.step(hand(0.25), held=True)[0] for _ in range(100))
    assert total == pytest.approx(0.004 + LEASH_M)


def test_turns_follow_the_hand_exactly_about_a_skew_axis():
    follower = clutch()
    first, axis = quaternion_from_euler(np.array([0.3, -0.2, 1.0])), np.array([0.6, 0.0, 0.8])
    follower.step(Pose(np.zeros(3), first), held=True)
    turned = quaternion_multiply(quaternion_from_rotation_vector(0.1 * axis), first)
    done = np.array([0.0, 0.0, 0.0, 1.0])
    for _ in range(20):
        deltas = follower.step(Pose(np.zeros(3), turned), held=True)[3:]
        step = quaternion_from_euler(deltas)
        assert np.linalg.norm(rotation_vector_from_quaternion(step)) <= 0.01 + 1e-12
        done = quaternion_multiply(step, done)
    np.testing.assert_allclose(rotation_vector_from_quaternion(done), 0.1 * axis, atol=1e-9)


def test_a_frame_turned_left_by_a_quarter_moves_the_arm_left_where_the_hand_goes_forward():
    follower = clutch(source_yaw=np.pi / 2)
    follower.step(hand(), held=True)
    moved = follower.step(hand(0.002, turn=(0.004, 0, 0)), held=True)
    np.testing.assert_allclose(moved, [0, 0.002, 0, 0, 0.004, 0], atol=1e-12)


def test_the_scale_shortens_the_way_and_not_the_turn():
    follower = clutch()
    follower.step(hand(), held=True)
    moved = follower.step(hand(0.004, turn=(0, 0, 0.004)), held=True, scale=0.25)
    np.testing.assert_allclose(moved, [0.001, 0, 0, 0, 0, 0.004], atol=1e-12)


@pytest.mark.parametrize("jumped", [hand(0.31), hand(turn=(1.01, 0, 0))])
def test_a_pose_that_jumps_is_refused_and_the_next_one_is_a_new_press(jumped):
    follower = clutch()
    follower.step(hand(), held=True)
    with pytest.raises(DeviceError, match="the tracked pose jumped"):
        follower.step(jumped, held=True)
    assert not follower.step(jumped, held=True).any()


@pytest.mark.parametrize(
    ("pose", "words"),
    [
        (Pose(np.array([np.nan, 0, 0]), np.array([0, 0, 0, 1.0])), "position is not finite"),
        (Pose(np.zeros(3), np.zeros(4)), "a quaternion must be finite and not zero"),
    ],
)
def test_a_pose_that_is_none_is_refused(pose, words):
    with pytest.raises(DeviceError, match=words):
        clutch().step(pose, held=True)
