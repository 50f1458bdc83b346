"""Round behind the lid and over it: where the hand goes, in a machine that stands at the origin."""

import numpy as np
import pytest

from muse_core.control.state import RobotState
from muse_core.environments.panda.closing import HINGE, LENGTH_M, Lid, close_goal
from muse_core.geometry import quaternion_from_euler

MACHINE = (np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0]))


def _state(x: float, z: float) -> RobotState:
    zeros = np.zeros(7)
    down = np.array([1.0, 0.0, 0.0, 0.0])
    return RobotState(0, zeros, zeros, np.array([x, 0.0, z]), down, np.zeros(6), np.zeros(6), 0.0)


def test_the_lids_angle_is_measured_in_a_turned_machine():
    turned = quaternion_from_euler(np.array([0.0, 0.0, 0.3]))
    opened = quaternion_from_euler(np.array([0.0, -1.2, 0.3]))
    assert Lid.measured((np.zeros(3), turned), (np.zeros(3), opened)).angle == pytest.approx(1.2)


def test_an_upright_lid_ends_straight_over_its_hinge():
    np.testing.assert_allclose(Lid(np.pi / 2).edge, HINGE + np.array([0.0, LENGTH_M]), atol=1e-12)


def test_from_the_holder_the_hand_first_goes_up():
    goal = close_goal(_state(0.0, 0.15), MACHINE, Lid(1.9))
    assert goal.position[0] == pytest.approx(0.0)
    assert goal.position[2] > Lid(1.9).edge[1]


def test_over_the_lid_the_hand_goes_behind_it():
    goal = close_goal(_state(0.0, Lid(1.9).edge[1] + 0.05), MACHINE, Lid(1.9))
    assert goal.position[0] < Lid(1.9).edge[0] - 0.03


def test_behind_and_low_the_hand_pushes_forward():
    lid = Lid(1.9)
    goal = close_goal(_state(lid.edge[0] - 0.06, lid.edge[1] - 0.03), MACHINE, lid)
    assert goal.position[0] > lid.edge[0]


def test_with_the_lid_closed_the_hand_leaves_and_is_done_once_it_is_away():
    assert close_goal(_state(0.0, 0.13), MACHINE, Lid(0.02)).position[2] > 0.2
    assert not close_goal(_state(0.0, 0.13), MACHINE, Lid(0.02)).done
    assert close_goal(_state(0.0, 0.2), MACHINE, Lid(0.02)).done
