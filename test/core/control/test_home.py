"""The move home ends at home, within the limits of any other motion, or gives up."""

import numpy as np
import pytest

from muse_core.control.home import HomeMove, checked_pose
from muse_core.control.kinematics import HOME_Q, PandaKinematics
from muse_core.control.limits import default_limits
from muse_core.control.motion import MotionController
from muse_core.control.state import RobotState


def state(q):
    """An arm that is measured at `q`, its hand open."""
    return RobotState(0, q, np.zeros(7), np.zeros(3), np.array([0, 0, 0, 1.0]), np.zeros(6), np.zeros(6), 0.08)


def test_home_is_reached_from_far_away_and_then_there_is_nothing_left_to_do():
    limits, home, q = default_limits(), HomeMove(0), HOME_Q + np.array([0.8, 0.3, -0.5, 0.2, 0.4, 0.3, -0.6])
    motion = MotionController(PandaKinematics(limits), limits)
    motion.anchor(state(q))
    for now_ns in range(0, 15_000_000_000, 10_000_000):
        action = home.action(now_ns, motion.q, 0.25)
        if action is None:
            break
        if action.stamp_ns == now_ns:
            motion.accept(action, now_ns)
        last = motion.update(now_ns, state(motion.q))
    assert action is None
    np.testing.assert_allclose(motion.q, HOME_Q, atol=0.003)
    assert last.gripper_width == pytest.approx(0.06)


def test_another_home_is_gone_to_with_an_open_hand_where_that_is_wanted():
    home = HomeMove(0, HOME_Q + 0.01, opens_hand=True)
    np.testing.assert_allclose(home.action(0, HOME_Q, 1.0).values, [*(HOME_Q + 0.01), 0.0])


def test_a_home_of_ones_own_is_inside_the_joint_limits():
    assert np.array_equal(checked_pose(HOME_Q.tolist(), default_limits()), HOME_Q)
    with pytest.raises(ValueError, match="joint 4 must be between"):
        checked_pose([0.0] * 7, default_limits())
    with pytest.raises(ValueError, match="seven joints"):
        checked_pose([0.0], default_limits())


def test_a_move_home_that_gets_nowhere_ends():
    home = HomeMove(0)
    assert home.action(30_000_000_000, HOME_Q + 1.0, 0.0) is not None
    assert home.action(30_000_000_001, HOME_Q + 1.0, 0.0) is None
