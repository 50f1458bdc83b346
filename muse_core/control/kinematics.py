"""The Panda's kinematics: from joints to the tool's pose, its Jacobian, and back.

Franka's published modified Denavit-Hartenberg parameters (the FR3 has the same), with the tool between the fingertips:
flange + 0.107 m, turned by -45 degrees about z, hand + 0.1034 m. The tool's pose is given in `panda_link0`. Pure numpy,
fast enough to be called at every set-point.
"""

from __future__ import annotations

import numpy as np

from muse_core.control.limits import Limits, default_limits
from muse_core.geometry import matrix_from_quaternion, quaternion_from_matrix, quaternion_normalize

JOINT_NAMES = tuple(f"panda_joint{i}" for i in range(1, 8))
FINGER_NAMES = ("panda_finger_joint1", "panda_finger_joint2")
BASE_FRAME = "panda_link0"
TOOL_FRAME = "panda_hand_tcp"
HOME_Q = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])
HOME_Q.setflags(write=False)

_DH = (  # a [m], d [m], alpha [rad] of the transform that ends in the rotation about joint i
    (0.0, 0.333, 0.0),
    (0.0, 0.0, -np.pi / 2),
    (0.0, 0.316, np.pi / 2),
    (0.0825, 0.0, np.pi / 2),
    (-0.0825, 0.384, -np.pi / 2),
    (0.0, 0.0, np.pi / 2),
    (0.088, 0.0, np.pi / 2),
)
_FLANGE_TO_TOOL_M = 0.107 + 0.1034
RADIAN_M = 0.1
"""One radian of orientation error counts as this many metres of position error."""
_DAMPING = 1e-6
_LARGEST_ITERATION_RAD = 0.3


def _joint_transforms() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Constant, cosine and sine parts, each (7, 4, 4): T_i(q_i) = constant + cos(q_i) cosine + sin(q_i) sine."""
    constant, cosine, sine = np.zeros((3, 7, 4, 4))
    for i, (a, d, alpha) in enumerate(_DH):
        ca, sa = np.cos(alpha), np.sin(alpha)
        constant[i] = [[0, 0, 0, a], [0, 0, -sa, -d * sa], [0, 0, ca, d * ca], [0, 0, 0, 1]]
        cosine[i] = [[1, 0, 0, 0], [0, ca, 0, 0], [0, sa, 0, 0], [0, 0, 0, 0]]
        sine[i] = [[0, -1, 0, 0], [ca, 0, 0, 0], [sa, 0, 0, 0], [0, 0, 0, 0]]
    return constant, cosine, sine


def _tool_transform() -> np.ndarray:
    c = np.cos(-np.pi / 4)
    return np.array([[c, c, 0, 0], [-c, c, 0, 0], [0, 0, 1, _FLANGE_TO_TOOL_M], [0, 0, 0, 1]])


class PandaKinematics:
    """Forward and inverse kinematics of one arm.

    Args:
        limits: The joint limits that inverse kinematics respects; the Panda's by default.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        limits = default_limits() if limits is None else limits
        self._lower, self._upper = limits.q_lower, limits.q_upper
        self._constant, self._cosine, self._sine = _joint_transforms()
        self._tool = _tool_transform()

    def tool_transforms(self, q: np.ndarray) -> np.ndarray:
        """The tool's pose as matrices, shape (..., 4, 4), for joint positions [rad] of shape (..., 7)."""
        joints = self._joints(q)
        T = joints[..., 0, :, :]
        for i in range(1, 7):
            T = T @ joints[..., i, :, :]
        return T @ self._tool

    def forward(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The tool's pose in the base frame.

        Args:
            q: Joint positions [rad], shape (7,).

        Returns:
            Position [m], shape (3,), and unit quaternion xyzw with w >= 0, shape (4,).
        """
        T = self.tool_transforms(q)
        return T[:3, 3].copy(), quaternion_from_matrix(T[:3, :3])

    def jacobian(self, q: np.ndarray) -> np.ndarray:
        """How the tool moves with the joints, in the base frame.

        Args:
            q: Joint positions [rad], shape (7,).

        Returns:
            Shape (6, 7): linear [m/rad], then angular [rad/rad] velocity of the tool.
        """
        return self._pose_and_jacobian(q)[1]

    def clearance(self, q: np.ndarray) -> float:
        """How far the arm is from a singularity, where the joints would have to run for the tool to creep.

        Args:
            q: Joint positions [rad], shape (7,).

        Returns:
            The Jacobian's smallest singular value [m/rad], where a radian of the tool counts as ``RADIAN_M``: 0 in a
            singularity, 0.072 at HOME_Q, 0.019 at the least in the simulated tasks.
        """
        jacobian = self.jacobian(q)
        jacobian[3:] *= RADIAN_M
        return float(np.sqrt(max(0.0, np.linalg.eigvalsh(jacobian @ jacobian.T)[0])))

    def inverse(
        self,
        position: np.ndarray,
        quaternion: np.ndarray,
        q_seed: np.ndarray,
        *,
        home_pull: float = 0.0,
        max_iterations: int = 50,
        tolerance: float = 1e-6,
    ) -> tuple[np.ndarray, float]:
        """Joint positions near `q_seed` that bring the tool to a pose: damped least squares inside the joint limits.

        Args:
            position: Of the tool in the base frame [m], shape (3,).
            quaternion: Of the tool, xyzw, shape (4,); need not be of unit length.
            q_seed: Where to start [rad], shape (7,).
            home_pull: Share of the way to HOME_Q that the elbow goes, where that does not move the tool.
            max_iterations: Newton steps at most.
            tolerance: The error at which to stop [m], see below.

        Returns:
            Joint positions [rad], shape (7,), and the error that is left: distance to the pose [m], where a radian
            counts as ``RADIAN_M``. Where the pose cannot be reached the error says so; the joints are still inside
            their limits and finite.
        """
        target_p = np.asarray(position, dtype=np.float64)
        target_R = matrix_from_quaternion(quaternion_normalize(quaternion))
        q = np.clip(np.asarray(q_seed, dtype=np.float64), self._lower, self._upper)
        pull = home_pull * (HOME_Q - q)
        for _ in range(max_iterations):
            T, jacobian = self._pose_and_jacobian(q)
            error = _pose_error(T, target_p, target_R)
            if _error_size(error) < tolerance and not pull.any():
                break
            step = self._damped_step(jacobian, error, pull)
            pull = np.zeros(7)
            q = np.clip(q + step, self._lower, self._upper)
        else:
            error = _pose_error(self.tool_transforms(q), target_p, target_R)
        return q, _error_size(error)

    def _joints(self, q: np.ndarray) -> np.ndarray:
        q = np.asarray(q, dtype=np.float64)[..., None, None]
        return self._constant + np.cos(q) * self._cosine + np.sin(q) * self._sine

    def _pose_and_jacobian(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        joints = self._joints(q)
        frames = np.empty((7, 4, 4))
        frames[0] = joints[0]
        for i in range(1, 7):
            np.matmul(frames[i - 1], joints[i], out=frames[i])
        T = frames[6] @ self._tool
        jacobian = np.empty((6, 7))
        x, y, z = axes = frames[:, :3, 2].T
        dx, dy, dz = (T[:3, 3] - frames[:, :3, 3]).T
        jacobian[0] = y * dz - z * dy
        jacobian[1] = z * dx - x * dz
        jacobian[2] = x * dy - y * dx
        jacobian[3:] = axes
        return T, jacobian

    @staticmethod
    def _damped_step(jacobian: np.ndarray, error: np.ndarray, pull: np.ndarray) -> np.ndarray:
        square = jacobian @ jacobian.T
        square.flat[::7] += _DAMPING
        step = pull + jacobian.T @ np.linalg.solve(square, error - jacobian @ pull)
        largest = np.abs(step).max()
        return step * (_LARGEST_ITERATION_RAD / largest) if largest > _LARGEST_ITERATION_RAD else step


def tool_wrench(jacobian: np.ndarray, torques: np.ndarray) -> np.ndarray:
    """The force [N], then torque [N m] on the tool that best explains joint torques [N m], shape (6,).

    Args:
        jacobian: Of the tool, shape (6, 7).
        torques: That the arm's own motion and weight do not explain, shape (7,).
    """
    # a trace of damping: near singularities no force explains the torques
    return np.linalg.solve(jacobian @ jacobian.T + _DAMPING * np.eye(6), jacobian @ torques)


def _pose_error(T: np.ndarray, position: np.ndarray, R: np.ndarray) -> np.ndarray:
    """What is missing from the pose T to the pose (position, R): translation [m], rotation vector [rad], shape (6,)."""
    turn = R @ T[:3, :3].T
    (_, b, c), (d, _, f), (g, h, _) = turn.tolist()
    sine = 0.5 * np.array([h - f, c - g, d - b])
    length, cosine = np.sqrt(sine @ sine), 0.5 * (np.trace(turn) - 1.0)
    error = np.empty(6)
    error[:3] = position - T[:3, 3]
    error[3:] = sine
    if length > 1e-9:
        error[3:] *= np.arctan2(length, cosine) / length
    elif cosine < 0.0:  # half a turn: any axis of the turn will do
        error[3:] = np.pi * np.sqrt(np.maximum(0.5 * (np.diag(turn) + 1.0), 0.0))
    return error


def _error_size(error: np.ndarray) -> float:
    return float(np.sqrt(error[:3] @ error[:3] + RADIAN_M**2 * (error[3:] @ error[3:])))
