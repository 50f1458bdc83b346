"""What a Polymetis server says of its arm, as plain values: who it is, and how it is.

Must not import ROS or torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from muse_ros.polymetis.controller_limits import JOINTS
from muse_ros.polymetis.errors import PolymetisError


@dataclass(frozen=True)
class RobotMetadata:
    """What the robot client told the server about itself.

    Attributes:
        urdf: The robot's description, XML.
        hz: Control cycles per second.
        Kq: Default joint stiffness [N m/rad], shape (7,).
        Kqd: Default joint damping [N m s/rad], shape (7,).
        rest_pose: Joint positions [rad], shape (7,).
        version: Polymetis' version; empty where the server does not say.
        dof: Number of joints.
        ee_link: Name of the URDF's link that Polymetis calls the end effector.
    """

    urdf: str
    hz: int
    Kq: np.ndarray
    Kqd: np.ndarray
    rest_pose: np.ndarray
    version: str
    dof: int
    ee_link: str


@dataclass(frozen=True)
class ArmState:
    """The arm at one control cycle, as the server has it (single precision, given as double).

    Attributes:
        stamp_ns: When the robot client read it from the arm [ns], by the server computer's clock.
        q: Joint positions [rad], shape (7,).
        qdot: Joint velocities [rad/s], shape (7,).
        torques_external: Joint torques that the model does not explain [N m], shape (7,).
        torques_measured: Joint torques [N m], shape (7,).
        error_code: 0 while the arm reports none.
        command_successful: Whether the arm took the previous cycle's torques.
        controller_latency_ms: How long the previous cycle waited for the server [ms].
    """

    stamp_ns: int
    q: np.ndarray
    qdot: np.ndarray
    torques_external: np.ndarray
    torques_measured: np.ndarray
    error_code: int
    command_successful: bool
    controller_latency_ms: float


def robot_metadata(message: Any) -> RobotMetadata:
    """A :class:`RobotMetadata` of the protocol's RobotClientMetadata.

    Raises:
        PolymetisError: ``refused`` where it is not of an arm with seven joints.
    """
    return RobotMetadata(
        urdf=message.urdf_file,
        hz=message.hz,
        Kq=_joints(message.default_Kq, "default_Kq"),
        Kqd=_joints(message.default_Kqd, "default_Kqd"),
        rest_pose=_joints(message.rest_pose, "rest_pose"),
        version=message.polymetis_version,
        dof=message.dof,
        ee_link=message.ee_link_name,
    )


def arm_state(message: Any) -> ArmState:
    """An :class:`ArmState` of the protocol's RobotState.

    Raises:
        PolymetisError: ``refused`` where it is not of an arm with seven joints.
    """
    stamp = message.timestamp
    return ArmState(
        stamp_ns=stamp.seconds * 1_000_000_000 + stamp.nanos,
        q=_joints(message.joint_positions, "joint_positions"),
        qdot=_joints(message.joint_velocities, "joint_velocities"),
        torques_external=_joints(message.motor_torques_external, "motor_torques_external"),
        torques_measured=_joints(message.motor_torques_measured, "motor_torques_measured"),
        error_code=message.error_code,
        command_successful=message.prev_command_successful,
        controller_latency_ms=message.prev_controller_latency_ms,
    )


def _joints(values: Any, what: str) -> np.ndarray:
    found = np.array(values, dtype=np.float64)
    if found.shape != (JOINTS,):
        text = f"the server's {what} has {len(found)} values; Muse drives arms of {JOINTS} joints"
        raise PolymetisError("refused", text)
    return found
