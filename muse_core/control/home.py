"""Moving home: actions that lead the arm's joints to HOME_Q, under the same limits as any other. Imports numpy only."""

from __future__ import annotations

import numpy as np

from muse_core.control.kinematics import HOME_Q
from muse_core.control.state import ArmAction

PERIOD_S = 0.1
STEP_RAD = 0.08
REACHED_RAD = 0.002
LONGEST_S = 30.0


class HomeMove:
    """One move home.

    Args:
        start_ns: When it begins [ns].
    """

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._action: ArmAction | None = None

    def action(self, now_ns: int, q: np.ndarray, gripper: float) -> ArmAction | None:
        """The action of this instant: a new one each period, the same one in between.

        Args:
            now_ns: Now [ns].
            q: The last set-point [rad], shape (7,).
            gripper: How far the hand is to be closed, 0 to 1: it stays as it is.

        Returns:
            A `joint_position` action; None when the arm is home, or has not got there in 30 s.
        """
        way = HOME_Q - q
        largest = np.abs(way).max()
        if largest < REACHED_RAD or now_ns - self._start_ns > LONGEST_S * 1e9:
            return None
        if self._action is None or now_ns - self._action.stamp_ns >= PERIOD_S * 1e9:
            waypoint = q + way * min(1.0, STEP_RAD / largest)
            self._action = ArmAction("joint_position", np.append(waypoint, gripper), PERIOD_S, now_ns, "home")
        return self._action
