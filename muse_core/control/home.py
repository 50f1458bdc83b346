"""Moving home: actions that lead the arm's joints there, under the same limits as any other. Imports numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from muse_core.control.kinematics import HOME_Q
from muse_core.control.limits import Limits
from muse_core.control.state import ArmAction

PERIOD_S = 0.1
STEP_RAD = 0.08
REACHED_RAD = 0.002
LONGEST_S = 30.0
READY_Q = np.array([0.0, -0.215986, 0.0, -2.620694, 0.0, 2.404708, 0.785398])
"""Hand down, tool at (0.42, 0, 0.22) m [rad]: every simulated episode starts near it."""
READY_Q.setflags(write=False)


class HomeMove:
    """One move home.

    Args:
        start_ns: When it begins [ns].
        pose: The joints at home [rad], shape (7,).
        opens_hand: Open the hand on the way; else it stays as it is.
    """

    def __init__(self, start_ns: int, pose: np.ndarray = HOME_Q, opens_hand: bool = False) -> None:
        self._start_ns, self._pose, self._opens_hand = start_ns, pose, opens_hand
        self._action: ArmAction | None = None

    def action(self, now_ns: int, q: np.ndarray, gripper: float) -> ArmAction | None:
        """The action of this instant: a new one each period, the same one in between.

        Args:
            now_ns: Now [ns].
            q: The last set-point [rad], shape (7,).
            gripper: How far the hand is to be closed as it is, 0 to 1.

        Returns:
            A `joint_position` action; None when the arm is home, or has not got there in 30 s.
        """
        way = self._pose - q
        largest = np.abs(way).max()
        if largest < REACHED_RAD or now_ns - self._start_ns > LONGEST_S * 1e9:
            return None
        if self._action is None or now_ns - self._action.stamp_ns >= PERIOD_S * 1e9:
            waypoint = q + way * min(1.0, STEP_RAD / largest)
            hand = 0.0 if self._opens_hand else gripper
            self._action = ArmAction("joint_position", np.append(waypoint, hand), PERIOD_S, now_ns, "home")
        return self._action


def checked_pose(q: Sequence[float], limits: Limits) -> np.ndarray:
    """A home of one's own.

    Args:
        q: Its joints [rad].
        limits: Of the arm.

    Raises:
        ValueError: unless these are seven numbers inside the joint limits; the message names the joint.
    """
    if len(q) != 7:
        raise ValueError(f"must be seven joints [rad], got {len(q)}")
    for number, (value, lower, upper) in enumerate(zip(q, limits.q_lower, limits.q_upper, strict=True), start=1):
        if not lower <= value <= upper:
            raise ValueError(f"joint {number} must be between {lower:.4f} and {upper:.4f} rad, got {value}")
    return np.array(q)
