"""What ros2_controllers' joint trajectory controller does with what is published to it, as far as a driver can tell.

Its documentation and source (jazzy) say: a trajectory without a stamp begins when it is first sampled; up to its first
point it goes on from the controller's desired state (`interpolate_from_desired_state`) or from the measured one (the
default); cubic where points have velocities; the last point is held; wrong joints, a last velocity that is not zero,
or times that do not rise are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

Point = tuple[float, np.ndarray, np.ndarray]


class TrajectoryController:
    """The desired state of one arm.

    Args:
        joints: Names.
        q: Where it stands [rad].
        from_desired: Whether trajectories are joined from the desired state, not the measured one.
    """

    def __init__(self, joints: Sequence[str], q: np.ndarray, from_desired: bool = True) -> None:
        self.joints, self.from_desired = list(joints), from_desired
        self.q, self.qdot = np.array(q, dtype=float), np.zeros(len(q))
        self.refused: list[str] = []
        self.accepted = 0
        self._new: list[Point] | None = None
        self._points: list[Point] = []
        self._time_s = 0.0

    def take(self, joint_names: Sequence[str], points: Sequence[Point]) -> None:
        """A message has come."""
        times = [time_s for time_s, _, _ in points]
        if sorted(joint_names) != sorted(self.joints):
            self.refused.append("joints")
        elif not points or np.abs(points[-1][2]).max() > 1e-7:
            self.refused.append("velocity at the end")
        elif any(later <= earlier for earlier, later in pairwise(times)):
            self.refused.append("times")
        else:
            order = [list(joint_names).index(name) for name in self.joints]
            self._new = [(t, np.asarray(p)[order], np.asarray(v)[order]) for t, p, v in points]
            self.accepted += 1

    def step(self, dt_s: float, q: np.ndarray, qdot: np.ndarray) -> None:
        """One control cycle of `dt_s` [s], for an arm measured at q [rad], qdot [rad/s]."""
        self._time_s += dt_s
        if self._new is not None:
            start = (self.q, self.qdot) if self.from_desired else (q, qdot)
            self._points, self._new = [*self._new], None
            self._time_s = 0.0
            if self._points[0][0] > 0.0:
                self._points.insert(0, (0.0, *start))
        for (t0, p0, v0), (t1, p1, v1) in pairwise(self._points):
            if t0 <= self._time_s < t1:
                self.q, self.qdot = cubic(t1 - t0, p0, v0, p1, v1, self._time_s - t0)
                return
        if self._points:
            self.q, self.qdot = self._points[-1][1], self._points[-1][2]


def cubic(
    T: float, p0: np.ndarray, v0: np.ndarray, p1: np.ndarray, v1: np.ndarray, t: float
) -> tuple[np.ndarray, np.ndarray]:
    """Position and velocity at t of the cubic from (p0, v0) to (p1, v1) over T."""
    a = (3 * (p1 - p0) - (2 * v0 + v1) * T) / T**2
    b = (2 * (p0 - p1) + (v0 + v1) * T) / T**3
    return p0 + v0 * t + a * t**2 + b * t**3, v0 + 2 * a * t + 3 * b * t**2
