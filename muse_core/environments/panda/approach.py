"""Where a hand goes to take or to put a thing: functions of what is measured now, shared by the experts. Pure."""

from __future__ import annotations

import numpy as np

from muse_core.control.state import RobotState
from muse_core.environments.panda.task import CLOSED, OPEN, Goal
from muse_core.geometry import matrix_from_quaternion

HOVER_M = 0.10  # highest approach over the grasp
ALIGNED_M = 0.012  # sideways error at which the fingers close on a thing; upwards it is three quarters of that
CLOSING_M = 0.017  # the same once they are closing: wider, so that a shaking hand does not open again
HELD_M = 0.028  # the same once they have stopped on it: it may have slipped
ALIGNED_RAD = 0.15
STOPPED_M = (-0.012, 0.004)  # fingers this near to a thing's width have stopped on it; on a round thing they go further


def yaw_of(quaternion: np.ndarray) -> float:
    """Turn about z [rad] of a body that stands upright, or of the tool that points down: where its x axis points."""
    x, y, z, w = quaternion
    return float(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))


def cube_yaw(quaternion: np.ndarray) -> float:
    """Turn about z [rad] of a cube on any of its faces, from -45 to 45 degrees."""
    axes = matrix_from_quaternion(quaternion)
    flattest = axes[:, int(np.argmin(np.abs(axes[2])))]
    return _folded(float(np.arctan2(flattest[1], flattest[0])), 4)


def tilt_of(quaternion: np.ndarray) -> float:
    """Angle [rad] between a body's z axis and the vertical."""
    x, y, _, _ = quaternion
    return float(np.arccos(np.clip(1 - 2 * (x * x + y * y), -1.0, 1.0)))


def funnel(sideways_m: float, free_m: float = ALIGNED_M, slope: float = 2.5, top_m: float = HOVER_M) -> float:
    """Height over a target [m] to keep while `sideways_m` away from it: down as the hand lines up, without phases."""
    return float(np.clip(slope * (sideways_m - free_m), 0.0, top_m))


def holds(state: RobotState, grasp: np.ndarray, width_m: float) -> bool:
    """Whether the fingers have stopped on a thing of `width_m` whose grasp point is at `grasp` (3,) [m]."""
    offset = state.ee_position - grasp
    between = np.linalg.norm(offset[:2]) < HELD_M and abs(offset[2]) < HELD_M
    return bool(between and STOPPED_M[0] < state.gripper_width - width_m < STOPPED_M[1])


def grasp_goal(state: RobotState, grasp: np.ndarray, yaw: float, open_width_m: float = 0.08) -> Goal:
    """Over the grasp point, down through a funnel, and close when lined up.

    Args:
        state: What the arm measures.
        grasp: Where the tool shall be when the fingers close [m], shape (3,).
        yaw: Turn of the tool about z [rad].
        open_width_m: Opening between open fingers [m]; anything less means that they are closing.
    """
    offset = state.ee_position - grasp
    sideways = float(np.linalg.norm(offset[:2]))
    turn = abs(yaw_of(state.ee_orientation) - yaw)
    closing = state.gripper_width < open_width_m - 0.004
    reach = CLOSING_M if closing else ALIGNED_M
    ready = sideways < reach and abs(offset[2]) < 0.75 * reach and turn < ALIGNED_RAD * (2 if closing else 1)
    target = grasp + np.array([0.0, 0.0, funnel(sideways + 0.05 * max(0.0, turn - ALIGNED_RAD))])
    return Goal(target, yaw, CLOSED if ready else OPEN, care=_care(float(np.linalg.norm(offset))))


def carry_goal(
    state: RobotState,
    thing: np.ndarray,
    seat: np.ndarray,
    yaw: float,
    via: np.ndarray | None = None,
    top_m: float = HOVER_M,
    free_m: float = ALIGNED_M,
) -> Goal:
    """With a thing in the hand: up, over its seat, and down through a funnel.

    Args:
        state: What the arm measures.
        thing: Where the thing is [m], shape (3,).
        seat: Where it shall be [m], shape (3,).
        yaw: Turn of the tool about z [rad].
        via: Point to pass over on the way to the seat [m], shape (3,); the seat itself where None.
        top_m: Height over the seat at which it travels [m].
        free_m: Sideways error at which it comes all the way down [m].
    """
    way = seat - thing
    rise = way[2] + funnel(float(np.linalg.norm(way[:2])), free_m, top_m=top_m)
    # Far below the travelling height it goes up only, so that the thing passes over what stands around its seat.
    share = float(np.clip(1.0 - (rise - 0.01) / 0.03, 0.0, 1.0))
    aside = way if via is None else via - thing
    target = state.ee_position + np.array([share * aside[0], share * aside[1], rise])
    return Goal(target, yaw, CLOSED, care=_care(float(np.linalg.norm(way))))


def release_goal(state: RobotState, width_m: float, yaw: float, leave_m: float = 0.15) -> Goal:
    """Open around a thing of `width_m`, and once the fingers are clear of it go up to `leave_m` over the table."""
    clear = state.gripper_width > width_m + 0.014
    target = np.array([*state.ee_position[:2], leave_m]) if clear else state.ee_position
    return Goal(target, yaw, OPEN, care=0.4, done=clear and state.ee_position[2] > leave_m - 0.02)


def _care(distance_m: float) -> float:
    return float(np.clip(distance_m / 0.06, 0.4, 1.0))


def _folded(angle: float, symmetry: int) -> float:
    turn = 2 * np.pi / symmetry
    return float((angle + turn / 2) % turn - turn / 2)
