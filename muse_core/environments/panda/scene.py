"""Reading and setting poses in a MuJoCo scene by name, quaternions xyzw. Tasks see the physics through this alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from muse_core.control.kinematics import TOOL_FRAME
from muse_core.environments.panda.mujoco_gl import mujoco

MODELS = Path(__file__).parent / "models"

Pose = tuple[np.ndarray, np.ndarray]  # position (3,) [m], quaternion (4,) xyzw; in panda_link0


def load_model(file_name: str) -> mujoco.MjModel:
    """The compiled model of a file in `models/`."""
    return mujoco.MjModel.from_xml_path(str(MODELS / file_name))


class Scene:
    """One model with its state; world frame and panda_link0 are the same.

    Args:
        model: The compiled MuJoCo model.
        data: Its state.
    """

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        self.model = model
        self.data = data

    def pose(self, body: str) -> Pose:
        """Position (3,) [m] and quaternion (4,) xyzw of a body's frame."""
        found = self.data.body(body)
        return found.xpos.copy(), found.xquat[[1, 2, 3, 0]]

    def tool_position(self) -> np.ndarray:
        """Position of the point between the fingertips, shape (3,) [m]."""
        return self.data.site(TOOL_FRAME).xpos.copy()

    def speed(self, body: str) -> tuple[float, float]:
        """Linear [m/s] and angular speed [rad/s] of a body's centre of mass."""
        velocity = self.data.body(body).cvel
        return float(np.linalg.norm(velocity[3:])), float(np.linalg.norm(velocity[:3]))

    def joint(self, name: str) -> float:
        """Position of a hinge [rad] or slide [m]."""
        return float(self.data.joint(name).qpos[0])

    def set_joint(self, name: str, position: float) -> None:
        """Put a hinge [rad] or slide [m] somewhere, at rest."""
        joint = self.data.joint(name)
        joint.qpos[0], joint.qvel[0] = position, 0.0

    def set_free_body(self, body: str, position: np.ndarray, yaw: float) -> None:
        """Put a free body upright at a position (3,) [m] and yaw [rad], at rest. Its joint has the body's name."""
        joint = self.data.joint(body)
        joint.qpos[:3] = position
        joint.qpos[3:] = np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)
        joint.qvel[:] = 0.0

    def move_fixed_body(self, body: str, position: np.ndarray, yaw: float) -> None:
        """Put a body without joints upright at a position (3,) [m] and yaw [rad] in its parent."""
        index = self.model.body(body).id
        self.model.body_pos[index] = position
        self.model.body_quat[index] = np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)

    def touches_hand(self, body: str) -> bool:
        """Whether the hand or a finger is in contact with a body or one of its children."""
        hand, other = self.model.body("panda_hand").id, self.model.body(body).id
        for contact in self.data.contact:
            first, second = (self._ancestors(int(self.model.geom_bodyid[geom])) for geom in contact.geom)
            if (hand in first and other in second) or (hand in second and other in first):
                return True
        return False

    def _ancestors(self, body: int) -> set[int]:
        found = set()
        while body:
            found.add(body)
            body = int(self.model.body_parentid[body])
        return found
