"""Policies that go from pose to pose: a straight line at bounded speed, gripper and time limit for each waypoint.

:func:`muse_core.geometry.toward` is the one step of such a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from muse_core.geometry import apply_delta, quaternion_multiply, quaternion_normalize, toward, turn_between
from muse_core.spec import Arrays


@dataclass(frozen=True)
class Waypoint:
    """A pose to go to.

    Attributes:
        position: [m]; in the base frame, or from where the tool is when the waypoint begins, along the base's axes.
        orientation: xyzw; absolute, or the turn from the orientation when the waypoint begins; None keeps that one.
        relative: Whether the pose is relative to the one when the waypoint begins.
        gripper: 0 open .. 1 closed, from the waypoint's first action on.
        tolerance_m: The waypoint is reached within this distance ...
        tolerance_rad: ... and this angle.
        hold_s: Time to stay once it is reached, for the gripper to close [s].
        timeout_s: Time after which the next waypoint begins, reached or not [s].
        speed_m_s: Highest speed [m/s].
        speed_rad_s: Highest turning speed [rad/s].
    """

    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float] | None = None
    relative: bool = False
    gripper: float = 0.0
    tolerance_m: float = 0.01
    tolerance_rad: float = 0.05
    hold_s: float = 0.0
    timeout_s: float = 10.0
    speed_m_s: float = 0.1
    speed_rad_s: float = 0.5

    def __post_init__(self) -> None:
        for name in ("tolerance_m", "tolerance_rad", "timeout_s", "speed_m_s", "speed_rad_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"a waypoint's {name} must be positive, got {getattr(self, name)}")
        if not self.hold_s >= 0 or not 0 <= self.gripper <= 1:
            raise ValueError(f"hold_s must be at least 0 and gripper in 0..1, got {self.hold_s} and {self.gripper}")

    def target(self, position: np.ndarray, quaternion: np.ndarray) -> np.ndarray:
        """Where it is for a tool that is at this pose when it begins: position [m] and quaternion xyzw, (7,)."""
        goal, turn = np.asarray(self.position, np.float64), quaternion
        if self.relative:
            goal = goal + position
        if self.orientation is not None:
            given = quaternion_normalize(self.orientation)
            turn = quaternion_multiply(given, quaternion) if self.relative else given
        return np.concatenate([goal, quaternion_normalize(turn)])


class WaypointPolicy:
    """Goes through waypoints in order and terminates at the last.

    Args:
        waypoints: At least one.
        rate_hz: Actions a second.
        action_space: ``ee_delta``: (7,) as :func:`muse_core.geometry.toward` gives it, and the gripper;
            ``ee_pose``: (8,) position, quaternion xyzw, gripper.
        gain: Share of the remaining way that one `ee_delta` action may go. A delta moves the arm's target, not the
            arm: with 1, one that lags behind would overshoot.
        keys: Names of the observed position, the observed orientation (xyzw), and the action.

    Raises:
        ValueError: without a waypoint, or when an argument is out of range.
    """

    def __init__(
        self,
        waypoints: Sequence[Waypoint],
        rate_hz: float,
        action_space: Literal["ee_delta", "ee_pose"] = "ee_delta",
        gain: float = 0.5,
        keys: tuple[str, str, str] = ("ee_position", "ee_orientation", "action"),
    ) -> None:
        if not waypoints or not rate_hz > 0 or not 0 < gain <= 1:
            raise ValueError(f"expected waypoints, rate_hz > 0 and gain in (0, 1]; got {waypoints}, {rate_hz}, {gain}")
        if action_space not in ("ee_delta", "ee_pose"):
            raise ValueError(f"action_space must be ee_delta or ee_pose, got {action_space!r}")
        self._waypoints = tuple(waypoints)
        self._rate_hz = float(rate_hz)
        self._action_space = action_space
        self._gain = gain
        self._keys = keys
        self.reset()

    @property
    def index(self) -> int:
        """Number of the waypoint that the last action went for."""
        return self._index

    @property
    def terminated(self) -> bool:
        """Whether the last waypoint is done with, reached or timed out."""
        return self._terminated

    def reset(self) -> None:
        """Begin with the first waypoint."""
        self._index = 0
        self._terminated = False
        self._begin()

    def act(self, observation: Arrays) -> Arrays:
        """The next step towards the waypoint."""
        position = np.asarray(observation[self._keys[0]], np.float64)
        quaternion = quaternion_normalize(observation[self._keys[1]])
        target = self._target_from(position, quaternion)
        if self._done(position, quaternion, target):
            if self._index + 1 < len(self._waypoints):
                self._index += 1
                self._begin()
                target = self._target_from(position, quaternion)
            else:
                self._terminated = True
        self._steps += 1
        waypoint = self._waypoints[self._index]
        step_m, step_rad = waypoint.speed_m_s / self._rate_hz, waypoint.speed_rad_s / self._rate_hz
        if self._action_space == "ee_delta":
            pose = toward(position, quaternion, target, step_m, step_rad, self._gain)
        else:
            delta = toward(position, quaternion, target, step_m, step_rad)
            pose = np.concatenate(apply_delta(position, quaternion, delta))
        return {self._keys[2]: np.append(pose, waypoint.gripper).astype(np.float32)}

    def _begin(self) -> None:
        self._target: np.ndarray | None = None
        self._steps = 0
        self._held = 0

    def _target_from(self, position: np.ndarray, quaternion: np.ndarray) -> np.ndarray:
        if self._target is None:
            self._target = self._waypoints[self._index].target(position, quaternion)
        return self._target

    def _done(self, position: np.ndarray, quaternion: np.ndarray, target: np.ndarray) -> bool:
        """Whether the present waypoint is over: reached and held long enough, or out of time."""
        waypoint = self._waypoints[self._index]
        distance = np.linalg.norm(target[:3] - position)
        angle = np.linalg.norm(turn_between(quaternion, target[3:]))
        reached = distance <= waypoint.tolerance_m and angle <= waypoint.tolerance_rad
        over = reached and self._held >= round(waypoint.hold_s * self._rate_hz)
        self._held += bool(reached)
        return bool(over or self._steps >= round(waypoint.timeout_s * self._rate_hz))
