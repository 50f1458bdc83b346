"""From what a teleoperation device says to the action it means: one mapper for every device with six axes and buttons.

A device (keyboard, gamepad, SpaceMouse) becomes a :class:`DeviceSample`; :class:`TwistMapper` makes it an ``ee_delta``
action of one publishing period, below the speed limits. Pure: no clock, no device, no ROS.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from muse_core.geometry import euler_from_quaternion, matrix_from_quaternion, quaternion_from_rotation_vector
from muse_ros.teleop.mapping import MOTIONS

SPEED_SCALES = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class DeviceSample:
    """What a device says at one instant.

    Attributes:
        linear: x, y, z of the wanted translation, each in -1 .. 1 of full speed, in the arm's base frame.
        angular: Wanted rotation about the base frame's x, y, z axes, each in -1 .. 1 of full speed.
        gripper: The gripper button is down; going down toggles the gripper.
        deadman: The enable switch is held.
        faster: The button for the next higher speed is down.
        slower: The button for the next lower speed is down.
        click: The button that marks an instant is down; going down marks it.
        enable: The switch is held that lets a policy or a replay move the arm.
        verbs: Verbs (of :data:`muse_ros.teleop.mapping.VERBS`) whose button is down; going down calls them.
    """

    linear: tuple[float, float, float] = (0.0, 0.0, 0.0)
    angular: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gripper: bool = False
    deadman: bool = False
    faster: bool = False
    slower: bool = False
    click: bool = False
    enable: bool = False
    verbs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TwistSettings:
    """How fast a device may ask the arm to move.

    Attributes:
        linear_speed: Speed of the tool at full deflection and scale 1 [m/s].
        angular_speed: Rotation speed of the tool at full deflection and scale 1 [rad/s].
        period_s: Time that one action is spread over: the period at which actions are published [s].
        scale_index: Which of ``SPEED_SCALES`` is set at first.
    """

    linear_speed: float = 0.2
    angular_speed: float = 0.5
    period_s: float = 0.02
    scale_index: int = 2

    def __post_init__(self) -> None:
        for name in ("linear_speed", "angular_speed", "period_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, got {value}")
        if not 0 <= self.scale_index < len(SPEED_SCALES):
            raise ValueError(f"scale_index must be in 0 .. {len(SPEED_SCALES) - 1}, got {self.scale_index}")


class TwistMapper:
    """Turns device samples into ``ee_delta`` actions; remembers gripper, speed scale and which buttons were down."""

    def __init__(self, settings: TwistSettings | None = None) -> None:
        """A mapper with the gripper open."""
        self.settings = settings or TwistSettings()
        self.gripper_closed = False
        self._scale_index = self.settings.scale_index
        self._previous = DeviceSample()

    @property
    def speed_scale(self) -> float:
        """The fraction of full speed that full deflection asks for."""
        return SPEED_SCALES[self._scale_index]

    def step(self, sample: DeviceSample, measured_closed: bool | None = None) -> np.ndarray:
        """The action of one period.

        Zeros with the deadman up: then neither motion nor the gripper button count. Pressing the deadman takes the
        gripper over as it is, so that a grip begun by a policy is not dropped.

        Args:
            sample: What the device says now.
            measured_closed: Whether the arm's gripper is commanded closed, where that is known.

        Returns:
            (7,) float64: dx dy dz [m], extrinsic xyz Euler deltas [rad], gripper [0 open .. 1 closed].
        """
        before, self._previous = self._previous, sample
        self._change_speed(before, sample)
        if sample.deadman and not before.deadman and measured_closed is not None:
            self.gripper_closed = measured_closed
        values = np.zeros(7)
        if sample.deadman:
            if sample.gripper and not before.gripper:
                self.gripper_closed = not self.gripper_closed
            reach = self.speed_scale * self.settings.period_s
            values[:3] = _within_unit_ball(sample.linear) * self.settings.linear_speed * reach
            turn = _within_unit_ball(sample.angular) * self.settings.angular_speed * reach
            values[3:6] = euler_deltas(turn)
        values[6] = float(self.gripper_closed)
        return values

    def _change_speed(self, before: DeviceSample, sample: DeviceSample) -> None:
        change = (sample.faster and not before.faster) - (sample.slower and not before.slower)
        self._scale_index = min(max(self._scale_index + change, 0), len(SPEED_SCALES) - 1)


def lock_axes(sample: DeviceSample, locked: Collection[str]) -> DeviceSample:
    """The sample without the motions that are `locked`, names of :data:`MOTIONS`."""
    if not locked:
        return sample
    motion = [
        0.0 if name in locked else value for name, value in zip(MOTIONS, (*sample.linear, *sample.angular), strict=True)
    ]
    return replace(sample, linear=tuple(motion[:3]), angular=tuple(motion[3:]))


def from_tool_frame(sample: DeviceSample, tool_orientation: np.ndarray) -> DeviceSample:
    """The same motion in the base frame, of a sample whose axes are the tool's.

    Args:
        sample: Along and about the tool's axes.
        tool_orientation: Quaternion xyzw of the tool in the base frame, shape (4,).
    """
    rotation = matrix_from_quaternion(tool_orientation)
    linear, angular = (rotation @ np.asarray(axes, dtype=np.float64) for axes in (sample.linear, sample.angular))
    return replace(sample, linear=tuple(linear.tolist()), angular=tuple(angular.tolist()))


def euler_deltas(turn: np.ndarray) -> np.ndarray:
    """The extrinsic xyz Euler angles [rad], shape (3,), of a rotation vector [rad]: exact for large turns, too."""
    return euler_from_quaternion(quaternion_from_rotation_vector(turn))


def _within_unit_ball(axes: tuple[float, float, float]) -> np.ndarray:
    """The axes, shortened to length 1 where longer (a diagonal is no faster); zeros where they are not finite."""
    vector = np.asarray(axes, dtype=np.float64)
    if not np.isfinite(vector).all():
        return np.zeros(3)
    return vector / max(1.0, float(np.linalg.norm(vector)))
