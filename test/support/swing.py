"""A swing of all joints, the set-points of it as they arrive at a controller, and how well what is desired follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from running_controller import POSE, RunningController

AMPLITUDE = np.array([0.15, 0.08, 0.1, 0.12, 0.15, 0.15, 0.15])
TURN = np.pi  # rad/s: 0.47 rad/s and 1.5 rad/s^2 at most
PERIOD_S = 0.02


@dataclass(frozen=True)
class Desired:
    """What a controller wanted, cycle by cycle.

    Attributes:
        positions: [rad], shape (cycles, 7), a millisecond each.
        velocities: [rad/s], likewise.
    """

    positions: np.ndarray
    velocities: np.ndarray

    def largest_acceleration(self) -> float:
        """Of any joint [rad/s^2]."""
        return float(np.abs(np.diff(self.velocities, axis=0)).max() * 1e3)

    def behind(self, last: int = 1500) -> tuple[int, float, float]:
        """How far the last cycles lie behind the swing [ms], and how far off it they are by then [rad], [rad/s]."""
        cycles = np.arange(len(self.positions))[-last:]
        differences = []
        for late in range(0, 100):
            swing = [motion((cycle - late) * 1e-3)[0] for cycle in cycles]
            differences.append(float(np.abs(self.positions[cycles] - swing).max()))
        late = int(np.argmin(differences))
        swing = [motion((cycle - late) * 1e-3)[1] for cycle in cycles]
        return late, differences[late], float(np.abs(self.velocities[cycles] - swing).max())


def motion(time_s: float) -> tuple[np.ndarray, np.ndarray]:
    """The swing, from standstill: positions [rad] and velocities [rad/s], shape (7,) each."""
    angle = TURN * max(time_s, 0.0)
    return POSE + AMPLITUDE * (1.0 - np.cos(angle)), AMPLITUDE * TURN * np.sin(angle)


def stream(archive: bytes, arrivals_s: np.ndarray, indices: np.ndarray, cycles: int = 3000) -> Desired:
    """Run a controller while set-points of the swing arrive, on an arm that is always where it is wanted.

    Args:
        archive: The controller.
        arrivals_s: When each arrives [s], ascending.
        indices: Which of the swing's set-points each is; number 0 lies a period after the start.
        cycles: How many milliseconds.
    """
    arm = RunningController(archive)
    arm.forward(POSE)
    coming = list(zip(np.round(1e3 * arrivals_s).astype(int), indices, strict=True))
    positions, velocities = [], []
    for cycle in range(cycles):
        while coming and coming[0][0] <= cycle:
            _, index = coming.pop(0)
            arm.update(*motion((index + 1) * PERIOD_S), PERIOD_S, number=int(index) + 1)
        arm.forward(arm.desired, arm.desired_velocity)
        positions.append(arm.desired)
        velocities.append(arm.desired_velocity)
    return Desired(np.array(positions), np.array(velocities))
