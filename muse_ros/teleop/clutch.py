"""From a tracked hand to the arm: relative to where the clutch was pressed, at a bounded speed, never a jump.

A hand that is faster than the arm may be leaves a rest, which is made up for as long as it is small; more than that is
dropped, so that the arm stops soon after the hand does. Motions are deltas on the arm's last command, so a lost message
costs a step and nothing else. Pure: no clock, no ROS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from muse_core.geometry import (
    quaternion_from_rotation_vector,
    quaternion_multiply,
    quaternion_normalize,
    rotation_vector_from_quaternion,
    turn_between,
)
from muse_ros.teleop.mapper import euler_deltas
from muse_ros.teleop.raw_input import DeviceError

JUMP_M, JUMP_RAD = 0.3, 1.0
"""A tracked hand does not get this far between two of its poses: its tracker lost it, or found another."""
LEASH_M, LEASH_RAD = 0.05, 0.2


@dataclass(frozen=True)
class Pose:
    """Where a hand is.

    Attributes:
        position: [m], shape (3,).
        orientation: Quaternion xyzw, shape (4,).
    """

    position: np.ndarray
    orientation: np.ndarray


class Clutch:
    """Follows the hand while the clutch is held.

    Args:
        linear_speed: The arm's tool is asked for no more than this [m/s].
        angular_speed: And no more than this [rad/s].
        period_s: Time between two calls of :meth:`step` [s].
        source_yaw: Angle about z by which the source's frame is turned in the arm's base frame [rad].
    """

    def __init__(self, linear_speed: float, angular_speed: float, period_s: float, source_yaw: float = 0.0) -> None:
        self._step_m, self._step_rad = linear_speed * period_s, angular_speed * period_s
        self._to_base = quaternion_from_rotation_vector(np.array([0.0, 0.0, source_yaw]))
        self._last: Pose | None = None
        self._held = False
        self._rest_m = np.zeros(3)
        self._rest_rad = np.zeros(3)

    def step(self, pose: Pose, held: bool, scale: float = 1.0) -> np.ndarray:
        """The motion of one period.

        Args:
            pose: Where the hand is now, in the source's frame.
            held: Whether the clutch is held.
            scale: How far the tool moves for a metre of the hand; turns are not scaled.

        Returns:
            (6,) float64: dx dy dz [m], extrinsic xyz Euler deltas [rad], in the base frame; zeros with the clutch up.

        Raises:
            DeviceError: where the pose is not finite or has jumped; as after :meth:`lose`.
        """
        pose = self._checked(pose)
        before, self._last = self._last, pose
        if not held or not self._held or before is None:
            self._held = held
            self._rest_m, self._rest_rad = np.zeros(3), np.zeros(3)
            return np.zeros(6)
        shift, turn = pose.position - before.position, turn_between(before.orientation, pose.orientation)
        if np.linalg.norm(shift) > JUMP_M or np.linalg.norm(turn) > JUMP_RAD:
            self.lose()
            raise DeviceError("the tracked pose jumped: let go of the deadman and press it anew")
        self._rest_m = self._rest_m + scale * _rotate(self._to_base, shift)
        self._rest_rad = _followed_by(self._rest_rad, _rotate(self._to_base, turn))
        step_m, self._rest_m = _portion(self._rest_m, self._step_m, LEASH_M)
        step_rad, self._rest_rad = _portion(self._rest_rad, self._step_rad, LEASH_RAD)
        return np.concatenate([step_m, euler_deltas(step_rad)])

    def lose(self) -> None:
        """The hand is lost: what is left of its motion is dropped, and the clutch takes hold anew."""
        self._last, self._held = None, False

    def _checked(self, pose: Pose) -> Pose:
        if not np.isfinite(pose.position).all():
            self.lose()
            raise DeviceError(f"the tracked position is not finite: {pose.position.tolist()}")
        try:
            return Pose(pose.position, quaternion_normalize(pose.orientation))
        except ValueError as error:
            self.lose()
            raise DeviceError(f"the tracked orientation: {error}") from error


def _rotate(quaternion: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """A vector, turned."""
    axis, w = quaternion[:3], quaternion[3]
    across = 2.0 * np.cross(axis, vector)
    return vector + w * across + np.cross(axis, across)


def _followed_by(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The rotation vector [rad] of `first` and then `second`, both about fixed axes."""
    turned = quaternion_multiply(quaternion_from_rotation_vector(second), quaternion_from_rotation_vector(first))
    return rotation_vector_from_quaternion(turned)


def _portion(wanted: np.ndarray, longest: float, leash: float) -> tuple[np.ndarray, np.ndarray]:
    """What is carried out of a wanted vector now, and what of the rest is kept for later."""
    length = math.sqrt(float(wanted @ wanted))
    if length <= longest:
        return wanted, np.zeros(3)
    direction = wanted / length
    return direction * longest, direction * min(length - longest, leash)
