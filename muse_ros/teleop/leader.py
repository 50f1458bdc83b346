"""From a leader arm's joints to the Panda's: aligned before anything moves, then followed at a bounded speed.

:class:`LeaderMapping` says which joint of a JointState is which (``config/teleop/gello.yaml``); :class:`Follower`
decides what the arm is told. Pure: no clock, no ROS; messages are duck-typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from muse_core.control.kinematics import JOINT_NAMES
from muse_ros.teleop.mapping_file import MappingError, check_keys, read_yaml
from muse_ros.teleop.raw_input import DeviceError

LEASH_RAD = 0.6
"""A leader this far ahead of what the arm was told has fallen or was let go: what it says is no longer meant."""
GRIPPER_TAKEN_WITHIN = 0.15
"""The leader's grip takes the hand over once it is this near to how the hand is: a grip is not dropped by pressing."""


@dataclass(frozen=True)
class LeaderMapping:
    """Which joints of a leader are the Panda's, and how they turn.

    Attributes:
        joints: Seven names in the leader's message, in the order of the Panda's; empty: its first seven.
        signs: 1 or -1 for each.
        offsets: Added after the sign [rad].
        gripper: Name of the gripper's joint; empty: the eighth of the message; None: there is none.
        gripper_open: What it says when open.
        gripper_closed: What it says when closed.
    """

    joints: tuple[str, ...] = ()
    signs: tuple[float, ...] = (1.0,) * 7
    offsets: tuple[float, ...] = (0.0,) * 7
    gripper: str | None = None
    gripper_open: float = 0.0
    gripper_closed: float = 1.0

    def __post_init__(self) -> None:
        if len(self.joints) not in (0, 7):
            raise ValueError(f"joints must hold seven names or none, got {len(self.joints)}")
        if len(self.signs) != 7 or not {*self.signs} <= {1.0, -1.0}:
            raise ValueError(f"signs must be seven times 1 or -1, got {list(self.signs)}")
        if len(self.offsets) != 7 or not np.isfinite(self.offsets).all():
            raise ValueError(f"offsets must be seven finite numbers [rad], got {list(self.offsets)}")
        if self.gripper_open == self.gripper_closed:
            raise ValueError(f"gripper.open and gripper.closed must differ, got {self.gripper_open} for both")

    def read(self, message: Any) -> tuple[np.ndarray, float | None]:
        """The Panda's joints [rad], shape (7,), that a JointState means, and the grip [0 open .. 1 closed] or None.

        Raises:
            DeviceError: naming the joint that is missing or not finite.
        """
        names, positions = list(message.name), np.asarray(message.position, dtype=np.float64)
        q = np.array([self._pick(i, names, positions) for i in range(7)])
        q = np.asarray(self.signs) * q + np.asarray(self.offsets)
        if self.gripper is None:
            return q, None
        travel = self._one(self.gripper, 7, names, positions) - self.gripper_open
        return q, float(np.clip(travel / (self.gripper_closed - self.gripper_open), 0.0, 1.0))

    def _pick(self, index: int, names: list[str], positions: np.ndarray) -> float:
        return self._one(self.joints[index] if self.joints else "", index, names, positions)

    def _one(self, name: str, index: int, names: list[str], positions: np.ndarray) -> float:
        """The position of a joint by name, or by place where it has none."""
        if name and name not in names:
            raise DeviceError(f"the leader's message has no joint {name!r}; it has {', '.join(names) or 'no names'}")
        index = names.index(name) if name else index
        if index >= len(positions):
            raise DeviceError(f"the leader's message has {len(positions)} positions; joint {index + 1} is missing")
        if not np.isfinite(positions[index]):
            raise DeviceError(f"the leader's joint {name or index + 1} says {positions[index]}")
        return float(positions[index])


class Follower:
    """Decides the arm's joints from the leader's.

    Args:
        speed: No joint is asked to be faster than this [rad/s].
        period_s: Time between two calls of :meth:`step` [s].
        tolerance: The leader takes the arm only where every joint is this near [rad].
    """

    def __init__(self, speed: float, period_s: float, tolerance: float) -> None:
        self._reach, self._tolerance = speed * period_s, tolerance
        self._told: np.ndarray | None = None
        self._grip = 0.0
        self._grip_taken = False

    def step(
        self, leader: np.ndarray, arm: np.ndarray, held: bool, grip: float | None, arm_grip: float
    ) -> np.ndarray | None:
        """What the arm is told now.

        Args:
            leader: The leader's joints, as the arm's [rad], shape (7,).
            arm: The arm's measured joints [rad], shape (7,).
            held: Whether the deadman is held.
            grip: The leader's grip [0 open .. 1 closed]; None where it has none.
            arm_grip: How the hand is commanded, the same.

        Returns:
            (8,) float64: seven joints [rad], gripper [0 open .. 1 closed]; None with the deadman up.

        Raises:
            DeviceError: where the leader is not where the arm is, or ran away from it; nothing moves then.
        """
        if not held:
            self.lose()
            return None
        if self._told is None:
            self._check(leader, arm, self._tolerance, "bring it there")
            self._told, self._grip, self._grip_taken = np.array(arm, dtype=np.float64), arm_grip, False
        else:
            self._check(leader, self._told, LEASH_RAD, "bring it back")
        ahead = leader - self._told
        self._told = self._told + ahead * min(1.0, self._reach / max(float(np.abs(ahead).max()), 1e-12))
        return np.append(self._told, self._follow_grip(grip, arm_grip))

    def lose(self) -> None:
        """The leader is gone, or let go: it must be where the arm is before it moves it again."""
        self._told = None

    def _follow_grip(self, grip: float | None, arm_grip: float) -> float:
        if grip is None:
            self._grip = arm_grip
        elif self._grip_taken or abs(grip - self._grip) <= GRIPPER_TAKEN_WITHIN:
            self._grip, self._grip_taken = grip, True
        return self._grip

    def _check(self, leader: np.ndarray, arm: np.ndarray, within: float, cure: str) -> None:
        off = [
            f"{name} by {ours - theirs:+.2f} rad"
            for name, ours, theirs in zip(JOINT_NAMES, leader, arm, strict=True)
            if abs(ours - theirs) > within
        ]
        if off:
            self.lose()
            raise DeviceError(f"the leader is off the arm: {', '.join(off)}; within {within:g} rad, so {cure}")


def load_leader_mapping(path: Path) -> LeaderMapping:
    """Read a leader's mapping.

    Raises:
        MappingError: naming what is wrong and what is legal.
    """
    content, where = read_yaml(path), str(path)
    check_keys(content, ("joints", "signs", "offsets", "gripper"), where)
    gripper = content.get("gripper")
    values: dict[str, Any] = {}
    if "joints" in content:
        values["joints"] = tuple(str(name) for name in _list(content["joints"], f"{where}: joints"))
    for key in ("signs", "offsets"):
        if key in content:
            values[key] = tuple(_number(value, f"{where}: {key}") for value in _list(content[key], f"{where}: {key}"))
    if gripper is not None:
        if not isinstance(gripper, dict):
            raise MappingError(f"{where}: gripper must hold keys, got {gripper!r}")
        check_keys(gripper, ("joint", "open", "closed"), f"{where}: gripper")
        values["gripper"] = str(gripper.get("joint", ""))
        for key in ("open", "closed"):
            if key in gripper:
                values[f"gripper_{key}"] = _number(gripper[key], f"{where}: gripper.{key}")
    try:
        return LeaderMapping(**values)
    except ValueError as error:
        raise MappingError(f"{where}: {error}") from error


def _list(value: Any, where: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise MappingError(f"{where} must be a list, got {value!r}")
    return value


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise MappingError(f"{where} must hold numbers, got {value!r}")
    return float(value)
