"""How a tool goes to a waypoint: the next action of the way, and when it is there.

Relabelling makes actions with it, HYDRA carries waypoints out with it. Pure numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from muse_core.geometry import quaternion_normalize, shortened, toward, turn_between

GRIPPER_TARGET = "target/gripper"  # key of what the gripper does on the way to a waypoint


@dataclass(frozen=True)
class Pose:
    """Where a tool is or is to be.

    Attributes:
        position: (..., N) [m].
        quaternion: (..., 4) xyzw; None for a point, which does not turn.
    """

    position: np.ndarray
    quaternion: np.ndarray | None = None


@dataclass(frozen=True)
class WaypointSteps:
    """Straight to a waypoint in bounded steps.

    Attributes:
        step_m: Longest translation of one action [m].
        step_rad: Largest turn of one action [rad].
        gain: Share of the remaining way that one action may go. A delta moves the arm's target, not the arm: with 1,
            one that lags behind would overshoot.
        translation_scale: Numbers of an action for a metre: 1 where actions are metres, the rate where they are m/s.
        rotation_scale: The same for a radian.
        tolerance_m: A waypoint is reached within this distance ...
        tolerance_rad: ... and this angle.
    """

    step_m: float = 0.025
    step_rad: float = 0.25
    gain: float = 0.5
    translation_scale: float = 1.0
    rotation_scale: float = 1.0
    tolerance_m: float = 0.0075
    tolerance_rad: float = 0.075

    def action(self, pose: Pose, target: Pose) -> np.ndarray:
        """The next action from a pose to another: (..., N), or (..., N + 3) with extrinsic xyz Euler angles."""
        way = np.asarray(target.position, np.float64) - pose.position
        translation = self.translation_scale * shortened(self.gain * way, self.step_m)
        if pose.quaternion is None:
            return translation
        still = np.zeros((*way.shape[:-1], 3))
        there = np.concatenate([still, target.quaternion], axis=-1)
        turn = toward(still, pose.quaternion, there, self.step_m, self.step_rad, self.gain)[..., 3:]
        return np.concatenate([translation, self.rotation_scale * turn], axis=-1)

    def reached(self, pose: Pose, target: Pose) -> np.ndarray:
        """Whether a pose is within the tolerances of another, (...) bool."""
        way = np.asarray(target.position, np.float64) - pose.position
        near = np.linalg.norm(way, axis=-1) <= self.tolerance_m
        if pose.quaternion is None:
            return near
        turn = turn_between(quaternion_normalize(pose.quaternion), quaternion_normalize(target.quaternion))
        return near & (np.linalg.norm(turn, axis=-1) <= self.tolerance_rad)
