"""The reference that the arm follows: it runs from where it is to the action's target in equal steps.

It lives in the base frame for poses and in joints for joint actions, keeps a per-action step size, stays in the
workspace, slows down before singularities of the arm, and never runs away from the set-points: where the safety filter
holds the arm back, it waits. Part of the motion controller; it limits nothing by itself.
"""

from __future__ import annotations

import numpy as np

from muse_core.control.kinematics import PandaKinematics
from muse_core.control.limits import Limit, Limits
from muse_core.control.state import ArmAction
from muse_core.geometry import (
    IDENTITY_QUATERNION,
    apply_delta,
    quaternion_from_matrix,
    quaternion_from_rotation_vector,
    quaternion_multiply,
    quaternion_normalize,
    turn_between,
)

WORKSPACE_INSET_M = 0.002
"""Targets stay this far inside the workspace, so that the arm can slide along its walls."""
REACHED_M = 1e-3
"""Inverse kinematics that ends further off than this has not found the pose."""
LEASH_M, LEASH_JOINT_RAD = 0.03, 0.15
"""How far the reference may be ahead of the set-points before it waits for them."""
HOME_PULL_PER_S = 0.5
_MAX_ITERATIONS = 10
_TOLERANCE_M = 1e-5


class Reference:
    """A point that moves to the target of the last action.

    Args:
        kinematics: Of the arm.
        limits: For step sizes, speeds and the workspace.
        dt_s: Time of one :meth:`advance` [s].
    """

    def __init__(self, kinematics: PandaKinematics, limits: Limits, dt_s: float) -> None:
        self._kinematics, self._limits, self._dt = kinematics, limits, dt_s
        self.rest_at(np.zeros(7))

    def rest_at(self, q: np.ndarray) -> None:
        """Stand at the joints `q` [rad], shape (7,), with the target there too."""
        self._q = np.array(q, dtype=np.float64)
        self._position, self._quaternion = self._kinematics.forward(self._q)
        self._target = (self._position, self._quaternion)
        self._target_q = self._q
        self._clearance = self._kinematics.clearance(self._q)
        self._in_joints = False
        self._steps_left = 0
        self._turn_step = np.array(IDENTITY_QUATERNION)
        self._blocked = Limit.NOT_LIMITED

    def aim(self, action: ArmAction, time_s: float, q: np.ndarray, transform: np.ndarray) -> Limit:
        """Set the target that `action` asks for, from the last target.

        Args:
            action: Checked by the caller.
            time_s: In which to get there [s], above 0.
            q: The last set-point [rad], shape (7,).
            transform: The tool's pose there, shape (4, 4).

        Returns:
            The limits that made the step shorter than asked.
        """
        in_joints = action.space.startswith("joint")
        if self._ahead(q, transform):
            self._jump_to(q, transform)
        elif in_joints != self._in_joints:
            self._jump_to(self._q, self._kinematics.tool_transforms(self._q))
        self._in_joints, self._blocked = in_joints, Limit.NOT_LIMITED
        self._steps_left = max(1, round(time_s / self._dt))
        values = np.asarray(action.values, dtype=np.float64)
        return self._aim_joints(action, values) if in_joints else self._aim_pose(action, values, time_s)

    def advance(self, q: np.ndarray, transform: np.ndarray) -> tuple[np.ndarray, np.ndarray, Limit]:
        """Go one step towards the target, unless the set-points are too far behind.

        Args:
            q: The last set-point [rad], shape (7,).
            transform: The tool's pose there, shape (4, 4).

        Returns:
            Joints wanted next [rad], shape (7,); their velocity [rad/s], shape (7,); UNREACHABLE from where inverse
            kinematics failed, and the reference stayed, until the next action.
        """
        if self._ahead(q, transform):
            return self._q, np.zeros(7), self._blocked
        before = self._q
        share = 1.0 / self._steps_left if self._steps_left else 0.0
        if self._in_joints:
            self._q = self._q + share * (self._target_q - self._q)
        else:
            self._advance_pose(share)
        self._steps_left = max(0, self._steps_left - 1)
        return self._q, (self._q - before) / self._dt, self._blocked

    def _advance_pose(self, share: float) -> None:
        position = self._position + share * (self._target[0] - self._position)
        quaternion = quaternion_multiply(self._turn_step, self._quaternion) if share else self._quaternion
        q, error = self._solve(position, quaternion, self._q)
        clearance = self._kinematics.clearance(q)
        share = self._singular_share(clearance)
        if share < 1.0 and error <= REACHED_M:
            self._blocked |= Limit.SINGULARITY
            short = (1.0 - share) * (position - self._position)
            self._target = (self._target[0] - short, self._target[1])  # what is not gone is not made up for
            position, quaternion = position - short, _between(self._quaternion, quaternion, share)
            q, error = self._solve(position, quaternion, self._q) if share else (self._q, 0.0)
            clearance = self._kinematics.clearance(q)
        if error > REACHED_M:
            self._target, self._steps_left = (self._position, self._quaternion), 0
            self._blocked = Limit.UNREACHABLE
        else:
            self._q, self._position, self._quaternion, self._clearance = q, position, quaternion, clearance

    def _singular_share(self, clearance: float) -> float:
        """How much of a step is made that ends this far from the next singularity: all of one that leads away."""
        limits = self._limits
        if clearance >= min(self._clearance, limits.singularity_slow):
            return 1.0
        room = self._clearance - limits.singularity_stop
        return float(np.clip(room / (limits.singularity_slow - limits.singularity_stop), 0.0, 1.0))

    def _solve(self, position: np.ndarray, quaternion: np.ndarray, q_seed: np.ndarray) -> tuple[np.ndarray, float]:
        return self._kinematics.inverse(
            position,
            quaternion,
            q_seed,
            home_pull=HOME_PULL_PER_S * self._dt,
            max_iterations=_MAX_ITERATIONS,
            tolerance=_TOLERANCE_M,
        )

    def _aim_pose(self, action: ArmAction, values: np.ndarray, time_s: float) -> Limit:
        base_position, base_quaternion = self._target
        if action.space == "ee_delta":
            position, quaternion = apply_delta(base_position, base_quaternion, values[:6])
        else:
            position, quaternion = values[:3], quaternion_normalize(values[3:7])
        shift, turn = position - base_position, turn_between(base_quaternion, quaternion)
        limits = self._limits
        shift, limited = _shorten(shift, limits.step_linear, limits.linear_speed * time_s)
        turn, limited_turn = _shorten(turn, limits.step_angular, limits.angular_speed * time_s)
        free = base_position + shift
        lower, upper = limits.workspace_lower + WORKSPACE_INSET_M, limits.workspace_upper - WORKSPACE_INSET_M
        inside = np.clip(free, np.minimum(lower, base_position), np.maximum(upper, base_position))
        if (inside != free).any():
            limited |= Limit.WORKSPACE
        quaternion = quaternion_normalize(quaternion_multiply(quaternion_from_rotation_vector(turn), base_quaternion))
        self._target = (inside, quaternion)
        self._turn_step = quaternion_from_rotation_vector(turn_between(self._quaternion, quaternion) / self._steps_left)
        return limited | limited_turn

    def _aim_joints(self, action: ArmAction, values: np.ndarray) -> Limit:
        shift = values[:7] - (self._target_q if action.space == "joint_position" else 0.0)
        largest, limited = np.abs(shift).max(), Limit.NOT_LIMITED
        if largest > self._limits.step_joint:
            shift, limited = shift * (self._limits.step_joint / largest), Limit.STEP_SIZE
        free = self._target_q + shift
        lower, upper = self._limits.q_lower, self._limits.q_upper
        self._target_q = np.clip(free, np.minimum(lower, self._target_q), np.maximum(upper, self._target_q))
        return limited | (Limit.JOINT_POSITION if (self._target_q != free).any() else Limit.NOT_LIMITED)

    def _ahead(self, q: np.ndarray, transform: np.ndarray) -> bool:
        if np.abs(self._q - q).max() > LEASH_JOINT_RAD:
            return True
        apart = self._position - transform[:3, 3]
        return not self._in_joints and bool(apart @ apart > LEASH_M**2)

    def _jump_to(self, q: np.ndarray, transform: np.ndarray) -> None:
        self._q, self._clearance = q.copy(), self._kinematics.clearance(q)
        self._position, self._quaternion = transform[:3, 3].copy(), quaternion_from_matrix(transform[:3, :3])
        self._target, self._target_q = (self._position, self._quaternion), self._q


def _between(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """The quaternion a share of the way from one to another that is near it."""
    return quaternion_normalize(start + share * (end * (1.0 if start @ end >= 0.0 else -1.0) - start))


def _shorten(vector: np.ndarray, longest_step: float, longest_by_speed: float) -> tuple[np.ndarray, Limit]:
    """The vector, at most this long, and which of the two limits made it shorter."""
    length = float(np.sqrt(vector @ vector))
    if length <= min(longest_step, longest_by_speed):
        return vector, Limit.NOT_LIMITED
    limit = Limit.STEP_SIZE if longest_step < longest_by_speed else Limit.CARTESIAN_SPEED
    return vector * (min(longest_step, longest_by_speed) / length), limit
