"""Where experts send the hand, worked by hand."""

import numpy as np
import pytest

from muse_core.control.state import RobotState
from muse_core.environments.panda.approach import carry_goal, cube_yaw, funnel, grasp_goal, holds, tilt_of, yaw_of
from muse_core.geometry import quaternion_from_euler

DOWN = (1.0, 0.0, 0.0, 0.0)


def _state(position: tuple[float, float, float], width: float = 0.08) -> RobotState:
    zeros = np.zeros(7)
    return RobotState(0, zeros, zeros, np.array(position), np.array(DOWN), np.zeros(6), np.zeros(6), width)


def test_yaw_and_tilt_are_read_from_a_quaternion():
    turned = quaternion_from_euler(np.array([0.0, 0.0, 0.3]))
    leaning = quaternion_from_euler(np.array([0.2, 0.0, 0.0]))
    assert yaw_of(turned) == pytest.approx(0.3)
    assert tilt_of(leaning) == pytest.approx(0.2)


@pytest.mark.parametrize("face", [(0, 0), (np.pi / 2, 0), (np.pi, 0), (0, np.pi / 2)])
def test_a_cube_has_the_same_yaw_on_any_face(face: tuple[float, float]):
    turned = quaternion_from_euler(np.array([*face, np.radians(80)]))
    assert cube_yaw(turned) == pytest.approx(np.radians(-10), abs=1e-6)


def test_the_funnel_keeps_the_hand_up_until_it_is_over_the_thing():
    assert funnel(0.5, free_m=0.01, slope=2.0, top_m=0.1) == 0.1
    assert funnel(0.03, free_m=0.01, slope=2.0, top_m=0.1) == pytest.approx(0.04)
    assert funnel(0.005, free_m=0.01, slope=2.0, top_m=0.1) == 0.0


def test_the_fingers_close_only_where_the_thing_is_between_them():
    grasp = np.array([0.5, 0.0, 0.03])
    assert grasp_goal(_state((0.5, 0.0, 0.035)), grasp, 0.0).gripper == 1.0
    assert grasp_goal(_state((0.5, 0.02, 0.035)), grasp, 0.0).gripper == 0.0
    assert grasp_goal(_state((0.5, 0.0, 0.06)), grasp, 0.0).gripper == 0.0
    assert grasp_goal(_state((0.5, 0.0, 0.035)), grasp, 0.4).gripper == 0.0


def test_a_hand_that_has_begun_to_close_goes_on_with_a_larger_error():
    grasp = np.array([0.5, 0.0, 0.03])
    assert grasp_goal(_state((0.5, 0.015, 0.03), width=0.08), grasp, 0.0).gripper == 0.0
    assert grasp_goal(_state((0.5, 0.015, 0.03), width=0.06), grasp, 0.0).gripper == 1.0


def test_a_thing_is_held_when_the_fingers_have_stopped_on_it():
    grasp = np.array([0.5, 0.0, 0.03])
    assert holds(_state((0.5, 0.0, 0.03), width=0.044), grasp, 0.044)
    assert not holds(_state((0.5, 0.0, 0.03), width=0.060), grasp, 0.044)
    assert not holds(_state((0.5, 0.0, 0.03), width=0.0), grasp, 0.044)
    assert not holds(_state((0.5, 0.1, 0.03), width=0.044), grasp, 0.044)


def test_a_carried_thing_goes_up_before_it_goes_sideways():
    thing, seat = np.array([0.4, 0.0, 0.02]), np.array([0.5, 0.1, 0.02])
    low = carry_goal(_state((0.4, 0.0, 0.02)), thing, seat, 0.0)
    np.testing.assert_allclose(low.position, (0.4, 0.0, 0.12))
    high = carry_goal(_state((0.4, 0.0, 0.12)), thing + np.array([0, 0, 0.1]), seat, 0.0)
    np.testing.assert_allclose(high.position, (0.5, 0.1, 0.12))
