"""The move home ends at home, within the limits of any other motion, or gives up."""

import numpy as np
import pytest

from muse_core.control.home import HomeMove
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


def test_a_move_home_that_gets_nowhere_ends():
    home = HomeMove(0)
    assert home.action(30_000_000_000, HOME_Q + 1.0, 0.0) is not None
    assert home.action(30_000_000_001, HOME_Q + 1.0, 0.0) is None
