"""What control reads and writes: the arm's state, an action asked of it, and the set-point that answers.

Plain frozen values with time as integer nanoseconds. Imports numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ACTION_SIZES = {"ee_delta": 7, "ee_pose": 8, "joint_position": 8, "joint_delta": 8}
"""How many values an action of each space holds; see msg/Action.msg for what they are."""

ACTION_LIFE_PERIODS = 2.5
"""An action is carried out for this many of its periods; then the arm holds."""


class ActionError(ValueError):
    """An action that asks for nothing that the arm could do; the message says what was wrong with it."""


class LateActionError(ActionError):
    """An action that was to be complete before it could begin."""


@dataclass(frozen=True)
class RobotState:
    """What the arm measures at one instant. Poses are those of the tool (`panda_hand_tcp`) in `panda_link0`.

    Attributes:
        stamp_ns: When it was measured [ns].
        q: Joint positions [rad], shape (7,).
        qdot: Joint velocities [rad/s], shape (7,).
        ee_position: Tool position [m], shape (3,).
        ee_orientation: Tool orientation, quaternion xyzw, shape (4,).
        ee_twist: Linear [m/s], then angular [rad/s] velocity of the tool in the base frame, shape (6,).
        wrench: External force [N], then torque [N m] on the tool in the base frame, shape (6,).
        gripper_width: Opening between the fingers [m].
    """

    stamp_ns: int
    q: np.ndarray
    qdot: np.ndarray
    ee_position: np.ndarray
    ee_orientation: np.ndarray
    ee_twist: np.ndarray
    wrench: np.ndarray
    gripper_width: float


@dataclass(frozen=True)
class SetPoint:
    """What the driver is told to do over the next control period.

    Attributes:
        position: Joint positions at the end of the period [rad], shape (7,).
        velocity: Joint velocities over the period [rad/s], shape (7,).
        gripper_width: Commanded opening between the fingers [m].
        limited_by: Which limits acted: bits of :class:`muse_core.control.limits.Limit`.
        source: Source of the action that it serves; empty while the arm holds.
        action_stamp_ns: Stamp of that action [ns]; 0 while the arm holds.
    """

    position: np.ndarray
    velocity: np.ndarray
    gripper_width: float
    limited_by: int
    source: str
    action_stamp_ns: int


@dataclass(frozen=True)
class ArmAction:
    """One action asked of the arm.

    Attributes:
        space: One of :data:`ACTION_SIZES`.
        values: In the units of msg/Action.msg, shape (7,) or (8,).
        period_s: Time over which the action is spread [s].
        stamp_ns: The tick at which it was decided [ns].
        source: Who asks.
        deadman: Whether motion is allowed.
        target_ns: When it is to be complete [ns]; 0: a period after it begins.
    """

    space: str
    values: np.ndarray
    period_s: float
    stamp_ns: int
    source: str
    deadman: bool = True
    target_ns: int = 0
