from pathlib import Path

import numpy as np
import pytest

from muse_core.control.limits import Limits
from muse_ros.polymetis.controller_limits import ControllerLimits

CONFIG = Path(__file__).resolve().parents[3] / "config" / "robot"
OURS = ControllerLimits()


@pytest.mark.parametrize("name", ["limits", "limits_polymetis"])
def test_the_safety_filter_limits_before_the_controller_does(name):
    limits = Limits.load(CONFIG / f"{name}.yaml")
    assert np.all(1.1 * limits.joint_velocity <= OURS.velocity)  # a tenth faster to catch up
    assert np.all(5 / 3 * limits.joint_acceleration <= OURS.acceleration)  # of the cubics between set-points
    assert limits.step_joint <= OURS.step
    assert np.all(OURS.torque <= limits.joint_torque_max)


def test_in_front_of_polymetis_that_is_so_of_the_joints_ends_too():
    limits = Limits.load(CONFIG / "limits_polymetis.yaml")
    assert np.all(limits.joint_position_lower + limits.joint_margin >= OURS.position_lower)
    assert np.all(limits.joint_position_upper - limits.joint_margin <= OURS.position_upper)


def test_polymetis_client_stops_the_arm_beyond_what_the_controller_lets_through():
    # its franka_hardware.yaml: joints 0.1 rad from their ends, 2.075 and 2.51 rad/s, 86 and 11.5 N m
    maker = Limits.load(CONFIG / "limits.yaml")
    assert np.all(np.array(OURS.position_lower) > maker.joint_position_lower + 0.1)
    assert np.all(np.array(OURS.position_upper) < maker.joint_position_upper - 0.1)
    assert np.all(np.array(OURS.velocity) < [2.075] * 4 + [2.51] * 3)
    assert np.all(np.array(OURS.torque) <= [86.0] * 4 + [11.5] * 3)
