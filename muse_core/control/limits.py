"""Every limit the arm is held to: the arm maker's figures, and how much of them Muse uses.

``config/robot/limits.yaml`` holds the same values with their reasons; a copy of it is what a user edits. A limit that
a file leaves out is an error, never a default. Imports numpy and PyYAML only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntFlag
from pathlib import Path
from typing import Any

import numpy as np
import yaml


class LimitError(ValueError):
    """A limit that is missing, unknown or impossible; the message names the file or arm, and the limit."""


class Limit(IntFlag):
    """Bits of `limited_by`; the same numbers as the constants of msg/AppliedAction.msg."""

    NOT_LIMITED = 0
    WORKSPACE = 1
    JOINT_POSITION = 2
    JOINT_VELOCITY = 4
    JOINT_ACCELERATION = 8
    CARTESIAN_SPEED = 16
    STEP_SIZE = 32
    NOT_FINITE = 64
    STALE = 128
    NO_DEADMAN = 256
    STOPPED = 512
    UNREACHABLE = 1024
    SINGULARITY = 2048
    JOINT_JERK = 4096


_VECTORS = {
    "joint_position_lower": 7,
    "joint_position_upper": 7,
    "joint_velocity_max": 7,
    "joint_acceleration_max": 7,
    "joint_jerk_max": 7,
    "joint_torque_max": 7,
    "workspace_lower": 3,
    "workspace_upper": 3,
}

_SCALES = ("velocity_scale", "acceleration_scale", "jerk_scale")


@dataclass(frozen=True, eq=False)
class Limits:
    """The limits of one arm.

    Attributes:
        arm_id: Name of the profile, such as ``panda``.
        joint_position_lower: Mechanical lower limits [rad], shape (7,).
        joint_position_upper: Mechanical upper limits [rad], shape (7,).
        joint_velocity_max: The maker's maxima [rad/s], shape (7,).
        joint_acceleration_max: The maker's maxima [rad/s^2], shape (7,).
        joint_jerk_max: The maker's maxima [rad/s^3], shape (7,).
        joint_torque_max: The maker's maxima [N m], shape (7,).
        velocity_scale: Share of `joint_velocity_max` that is used, above 0 and at most 1.
        acceleration_scale: Share of `joint_acceleration_max` that is used, above 0 and at most 1.
        jerk_scale: Share of `joint_jerk_max` that is used, above 0 and at most 1.
        joint_margin: Distance kept from either joint limit [rad].
        workspace_lower: Lower corner of the box that the tool stays in, base frame [m], shape (3,).
        workspace_upper: Upper corner of that box [m], shape (3,).
        linear_speed: Largest speed of the tool [m/s].
        angular_speed: Largest angular speed of the tool [rad/s].
        singularity_slow: Clearance (see ``PandaKinematics.clearance``) below which poses are approached slower [m/rad].
        singularity_stop: Clearance at which they are not approached any more [m/rad].
        step_linear: Largest translation of one action [m].
        step_angular: Largest rotation of one action [rad].
        step_joint: Largest change of any joint by one action [rad].
        gripper_max_width: Opening of the open hand [m].
    """

    arm_id: str
    joint_position_lower: np.ndarray
    joint_position_upper: np.ndarray
    joint_velocity_max: np.ndarray
    joint_acceleration_max: np.ndarray
    joint_jerk_max: np.ndarray
    joint_torque_max: np.ndarray
    velocity_scale: float
    acceleration_scale: float
    jerk_scale: float
    joint_margin: float
    workspace_lower: np.ndarray
    workspace_upper: np.ndarray
    linear_speed: float
    angular_speed: float
    singularity_slow: float
    singularity_stop: float
    step_linear: float
    step_angular: float
    step_joint: float
    gripper_max_width: float

    def __post_init__(self) -> None:
        for name, size in _VECTORS.items():
            vector = np.array(getattr(self, name), dtype=np.float64)
            if vector.shape != (size,) or not np.isfinite(vector).all():
                raise LimitError(f"{self.arm_id}: {name} must hold {size} finite numbers, got {getattr(self, name)}")
            vector.setflags(write=False)
            object.__setattr__(self, name, vector)
        for field in fields(self):
            if field.name not in _VECTORS and field.name != "arm_id":
                object.__setattr__(self, field.name, float(getattr(self, field.name)))
        self._check_signs()

    def _check_signs(self) -> None:
        positive = [f.name for f in fields(self) if f.name.endswith("_max") or f.name.startswith("step_")]
        for name in (*positive, *_SCALES, "linear_speed", "angular_speed", "singularity_stop"):
            if not np.all(np.asarray(getattr(self, name)) > 0.0):
                raise LimitError(f"{self.arm_id}: {name} must be > 0, got {getattr(self, name)}")
        for name in _SCALES:
            if getattr(self, name) > 1.0:
                raise LimitError(f"{self.arm_id}: {name} must be at most 1, got {getattr(self, name)}")
        if not 0.0 <= self.joint_margin < 0.5 * float(np.min(self.joint_position_upper - self.joint_position_lower)):
            raise LimitError(f"{self.arm_id}: joint_margin {self.joint_margin} leaves a joint no room")
        if not np.all(self.workspace_lower < self.workspace_upper):
            raise LimitError(f"{self.arm_id}: workspace_lower must lie below workspace_upper on every axis")
        if not self.singularity_stop < self.singularity_slow:
            raise LimitError(f"{self.arm_id}: singularity_stop must lie below singularity_slow")
        if not 0.0 < self.gripper_max_width <= 0.5:
            raise LimitError(f"{self.arm_id}: gripper_max_width must be in (0, 0.5] m, got {self.gripper_max_width}")

    @property
    def joint_velocity(self) -> np.ndarray:
        """Joint speeds in use [rad/s], shape (7,)."""
        return self.velocity_scale * self.joint_velocity_max

    @property
    def joint_acceleration(self) -> np.ndarray:
        """Joint accelerations in use [rad/s^2], shape (7,)."""
        return self.acceleration_scale * self.joint_acceleration_max

    @property
    def joint_jerk(self) -> np.ndarray:
        """Joint jerks in use [rad/s^3], shape (7,)."""
        return self.jerk_scale * self.joint_jerk_max

    @property
    def q_lower(self) -> np.ndarray:
        """Lower joint limits with the margin [rad], shape (7,)."""
        return self.joint_position_lower + self.joint_margin

    @property
    def q_upper(self) -> np.ndarray:
        """Upper joint limits with the margin [rad], shape (7,)."""
        return self.joint_position_upper - self.joint_margin

    @classmethod
    def from_dict(cls, arm_id: str, data: Mapping[str, Any], where: str = "limits") -> Limits:
        """Limits from plain data.

        Raises:
            LimitError: naming `where`, the arm, and every limit that is missing or unknown.
        """
        known = [field.name for field in fields(cls) if field.name != "arm_id"]
        missing = [name for name in known if name not in data]
        unknown = [name for name in data if name not in known]
        if missing or unknown:
            found = f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
            raise LimitError(f"{where}: {arm_id}: {found}. Every limit must be given: {', '.join(known)}")
        try:
            return cls(arm_id=arm_id, **data)
        except (TypeError, ValueError) as error:
            raise LimitError(f"{where}: {error}") from error

    @classmethod
    def load(cls, path: str | Path, arm_id: str = "panda") -> Limits:
        """The limits of `arm_id` from a YAML file that holds one mapping of limits per arm.

        Raises:
            LimitError: naming the file and what is wrong with it.
        """
        try:
            data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise LimitError(f"{path}: cannot be read as YAML: {error}") from error
        if not isinstance(data, dict) or not isinstance(data.get(arm_id), dict):
            found = ", ".join(map(str, data)) if isinstance(data, dict) else type(data).__name__
            raise LimitError(f"{path}: has no limits for arm {arm_id!r}; it has {found or 'nothing'}")
        return cls.from_dict(arm_id, data[arm_id], str(path))


_IN_USE = {
    "velocity_scale": 0.5,
    "acceleration_scale": 0.5,
    "jerk_scale": 0.1,
    "joint_margin": 0.05,
    "workspace_lower": (0.20, -0.50, 0.01),
    "workspace_upper": (0.80, 0.50, 0.75),
    "linear_speed": 0.25,
    "angular_speed": 0.6,
    "singularity_slow": 0.012,
    "singularity_stop": 0.004,
    "step_linear": 0.05,
    "step_angular": 0.15,
    "step_joint": 0.2,
    "gripper_max_width": 0.08,
}

_MAKERS = {
    "panda": {
        "joint_position_lower": (-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973),
        "joint_position_upper": (2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973),
        "joint_velocity_max": (2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61),
        "joint_acceleration_max": (15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0),
        "joint_jerk_max": (7500.0, 3750.0, 5000.0, 6250.0, 7500.0, 10000.0, 10000.0),
        "joint_torque_max": (87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0),
    },
    "fr3": {
        "joint_position_lower": (-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159),
        "joint_position_upper": (2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159),
        "joint_velocity_max": (2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26),
        "joint_acceleration_max": (10.0,) * 7,
        "joint_jerk_max": (5000.0,) * 7,
        "joint_torque_max": (87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0),
    },
}


def default_limits(arm_id: str = "panda") -> Limits:
    """The limits Muse ships with, equal to those of ``config/robot/limits.yaml``.

    Raises:
        LimitError: if no such arm is known; it lists those that are.
    """
    if arm_id not in _MAKERS:
        raise LimitError(f"no limits for arm {arm_id!r}; known are {', '.join(_MAKERS)}")
    return Limits.from_dict(arm_id, {**_MAKERS[arm_id], **_IN_USE}, "default limits")
