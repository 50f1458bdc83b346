"""The limits that the real Panda's client keeps by itself: springs before each, and a reflex beyond it. Pure.

The numbers are those of Polymetis' configuration for the hardware: Franka's own limits less a margin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOWER_Q = np.array([-2.80, -1.66, -2.80, -2.97, -2.80, 0.08, -2.80])
UPPER_Q = np.array([2.80, 1.66, 2.80, -0.17, 2.80, 3.65, 2.80])
LARGEST_QDOT = np.array([2.075, 2.075, 2.075, 2.075, 2.51, 2.51, 2.51])
LOWER_TOOL = np.array([0.1, -0.4, -0.05])
UPPER_TOOL = np.array([1.0, 0.4, 1.0])


@dataclass(frozen=True)
class Band:
    """What one quantity keeps.

    Attributes:
        name: For the reason of a reflex.
        lower: Its lowest values.
        upper: Its highest values.
        margin: This far before a limit its spring begins to push.
        stiffness: Of that spring.
    """

    name: str
    lower: np.ndarray
    upper: np.ndarray
    margin: float
    stiffness: float

    def push(self, values: np.ndarray) -> np.ndarray:
        """What its springs push back with."""
        beyond_upper = np.maximum(values - (self.upper - self.margin), 0.0)
        beyond_lower = np.maximum((self.lower + self.margin) - values, 0.0)
        return self.stiffness * (beyond_lower - beyond_upper)

    def exceeded(self, values: np.ndarray) -> str:
        """Which limit is exceeded, in words; empty where none is."""
        for index, (value, lower, upper) in enumerate(zip(values, self.lower, self.upper, strict=True)):
            if not lower <= value <= upper:
                return f"{self.name} {index + 1} of {value:.3f} is outside {lower:g} .. {upper:g}"
        return ""


TOOL = Band("tool position", LOWER_TOOL, UPPER_TOOL, 0.05, 200.0)
JOINTS = Band("joint position", LOWER_Q, UPPER_Q, 0.2, 50.0)
SPEEDS = Band("joint velocity", -LARGEST_QDOT, LARGEST_QDOT, 0.5, 20.0)


class ArmLimits:
    """Watches one arm. A limit that is newly exceeded is a reflex; one that still is, after a recovery, is not."""

    def __init__(self) -> None:
        self._beyond: set[str] = set()

    def look(self, q: np.ndarray, qdot: np.ndarray, tool: np.ndarray) -> str:
        """Why the arm stops itself now; empty where it does not.

        Args:
            q: Joint positions [rad], shape (7,).
            qdot: Joint velocities [rad/s], shape (7,).
            tool: The tool's position in the base frame [m], shape (3,).
        """
        reason = ""
        for band, values in ((TOOL, tool), (JOINTS, q), (SPEEDS, qdot)):
            exceeded = band.exceeded(values)
            if not exceeded:
                self._beyond.discard(band.name)
            elif band.name not in self._beyond:
                self._beyond.add(band.name)
                reason = reason or f"Safety limits exceeded: {exceeded}"
        return reason


def safety_torques(q: np.ndarray, qdot: np.ndarray) -> np.ndarray:
    """What the springs of joints and velocities add to a controller's torques [N m], shape (7,)."""
    return JOINTS.push(q) + SPEEDS.push(qdot)


def safety_force(tool: np.ndarray) -> np.ndarray:
    """What the springs of the tool's position push the tool with [N], shape (3,)."""
    return TOOL.push(tool)
