"""Tells from the set-points of an arm whether it has come home. Pure; imports no ROS.

Set-points, because they come from the arm's own control loop whatever the contract records, and say who moves it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from muse_core.control.kinematics import HOME_Q

NEAR_RAD = 0.01
STILL_RAD_PER_S = 0.01
LONGEST_S = 40.0
IDLE_S = 1.0
SILENT_S = 2.0
"""An arm without set-points for so long has a fault, or its node is gone."""


class HomeWatch:
    """Watches one move home.

    Args:
        steady_s: When it begins, on a clock that nobody sets [s].
        pose: The joints at home [rad], shape (7,).

    Attributes:
        home: The arm is there.
        failure: Why it will not come; empty where it may.
        gave_up: Nobody moves the arm any more, though it is not home: the move may be asked for again.
    """

    def __init__(self, steady_s: float, pose: np.ndarray = HOME_Q) -> None:
        self._pose = pose
        self._began_s = self._moved_s = self._seen_s = steady_s
        self.home = self.gave_up = False
        self.failure = ""

    def see(
        self, position: Sequence[float], velocity: Sequence[float], source: str, stopped: bool, steady_s: float
    ) -> None:
        """One set-point.

        Args:
            position: Of the joints [rad], shape (7,).
            velocity: Of the joints [rad/s], shape (7,).
            source: Who moves the arm; empty where nobody does.
            stopped: The arm's latched stop is set.
            steady_s: Now [s].
        """
        self._seen_s = steady_s
        near = np.abs(np.asarray(position) - self._pose).max() <= NEAR_RAD
        still = np.abs(np.asarray(velocity)).max() <= STILL_RAD_PER_S
        if stopped:
            self.failure = "the arm was stopped on its way home: recover it first"
        elif source in ("teleop", "policy", "replay"):
            self.failure = f"{source} took the arm on its way home: let go of it first"
        elif near and still:
            self.home = True
        elif source or not still:
            self._moved_s = steady_s
        else:
            self.gave_up = steady_s - self._moved_s > IDLE_S

    def look(self, steady_s: float) -> None:
        """Give up where it takes too long, or the arm is not heard of any more."""
        self.gave_up = self.gave_up or steady_s - self._seen_s > SILENT_S
        if steady_s - self._began_s > LONGEST_S and not self.failure:
            self.failure = f"the arm was not home after {LONGEST_S:g} s"
