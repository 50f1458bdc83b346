"""Closing a hinged lid from behind: where the hand goes, as a function of what is measured now. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from muse_core.control.state import RobotState
from muse_core.environments.panda.approach import yaw_of
from muse_core.environments.panda.scene import Pose
from muse_core.environments.panda.task import CLOSED, Goal
from muse_core.geometry import matrix_from_quaternion

HINGE = np.array([-0.0725, 0.113])  # x and z of the hinge in the machine's frame [m]
LENGTH_M = 0.121
PUSH_M = 0.085  # distance from the hinge at which the hand pushes
SKIN_M = 0.018  # half the lid and half a finger: from the lid's middle to the tool when they touch
LEAD_RAD = 0.45  # how far into the lid the hand aims while pushing
CLOSED_RAD = np.radians(8)
BEHIND_M = 0.060  # how far behind the lid's edge the hand goes down
OVER_M = 0.045  # how far over the lid's edge the tool passes


@dataclass(frozen=True)
class Lid:
    """A hinged lid as it is measured.

    Attributes:
        angle: Opening [rad]; 0 is closed.
    """

    angle: float

    @classmethod
    def measured(cls, machine: Pose, lid: Pose) -> Lid:
        """From the poses of machine and lid."""
        along = matrix_from_quaternion(machine[1]).T @ matrix_from_quaternion(lid[1])[:, 0]
        return cls(float(np.arctan2(along[2], along[0])))

    @property
    def edge(self) -> np.ndarray:
        """Where the free edge is: x and z in the machine's frame [m]."""
        return HINGE + LENGTH_M * _along(self.angle)

    def behind(self, point: np.ndarray) -> float:
        """Distance of a point (x, z) in the machine's frame from the lid's plane, positive on its outer side [m]."""
        return float((point - HINGE) @ _outward(self.angle))


def close_goal(state: RobotState, machine: Pose, lid: Lid) -> Goal:
    """Up and over the lid's edge, down behind it, push it over and down, then leave upwards.

    Args:
        state: What the arm measures.
        machine: Pose of the machine.
        lid: The lid as measured.
    """
    rotation, yaw = matrix_from_quaternion(machine[1]), yaw_of(machine[1])
    tool = rotation.T @ (state.ee_position - machine[0])
    point = tool[[0, 2]]
    wanted, care = _wanted(point, lid)
    position = machine[0] + rotation @ np.array([wanted[0], 0.0, wanted[1]])
    closed = lid.angle < CLOSED_RAD
    return Goal(position, yaw, CLOSED, care=care, done=closed and point[1] > HINGE[1] + 0.06)


def _wanted(point: np.ndarray, lid: Lid) -> tuple[np.ndarray, float]:
    """Where the tool goes, as (x, z) in the machine's frame [m], and how much noise it may take."""
    edge = lid.edge
    if lid.angle < CLOSED_RAD:
        return np.array([point[0], HINGE[1] + 0.10]), 1.0
    push = HINGE + PUSH_M * _along(max(lid.angle - LEAD_RAD, -0.1)) + SKIN_M * _outward(lid.angle)
    if lid.angle < np.radians(70):
        return push, 0.5
    low_enough = point[1] < edge[1] - 0.015
    if lid.behind(point) > 0.0 and low_enough:
        return push, 0.5
    back = edge[0] - BEHIND_M
    if lid.behind(point) > 0.0 and point[0] < back + 0.015:
        return np.array([back, edge[1] - 0.030]), 1.0
    over = edge[1] + OVER_M
    share = np.clip(1.0 - (over - point[1] - 0.005) / 0.02, 0.0, 1.0)
    return np.array([point[0] + share * (back - point[0]), over]), 1.0


def _along(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle)])


def _outward(angle: float) -> np.ndarray:
    return np.array([-np.sin(angle), np.cos(angle)])
