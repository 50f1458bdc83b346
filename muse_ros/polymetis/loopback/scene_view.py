"""The loopback server's scene, drawn in another process: the same models, posed as its snapshots say.

Rendering is kept out of the server, whose control loop has a millisecond a cycle. One thread only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from muse_core.environments.panda.cameras import CAMERAS, CameraRenderer
from muse_core.environments.panda.mujoco_gl import mujoco
from muse_core.environments.panda.scene import Pose, load_model
from muse_core.environments.panda.task_settings import describe
from muse_core.environments.panda.tasks import find_task


class SceneView:
    """What cameras see of a scene, and what is known of it besides.

    Args:
        task: The server's task.
        camera_size: (height, width) of the pictures [px].

    Raises:
        ValueError: on an unknown task; the message lists the known ones.

    Attributes:
        camera_size: The same.
        camera_fovy_deg: Vertical field of view of each camera [degrees].
    """

    def __init__(self, task: str, camera_size: tuple[int, int]) -> None:
        info = find_task(task).info
        self._model = load_model(info.model_file)
        self._data = mujoco.MjData(self._model)
        self._renderer = CameraRenderer(self._model, camera_size, fine=False)
        self._objects: dict[str, Pose] = {}
        self._success = False
        cameras = describe(info, self._model, False, camera_size)["cameras"]
        self.camera_size = camera_size
        self.camera_fovy_deg = {name: float(cameras[name]["fovy_deg"]) for name in CAMERAS}

    def show(self, snapshot: Mapping[str, Any]) -> None:
        """Pose everything as a snapshot of the server has it."""
        self._data.qpos[:] = snapshot["qpos"]
        self._model.body_pos[:] = snapshot["body_pos"]
        self._model.body_quat[:] = snapshot["body_quat"]
        self._objects = {name: (np.array(at), np.array(turn)) for name, (at, turn) in snapshot["objects"].items()}
        self._success = bool(snapshot["success"])
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)

    def objects(self) -> Mapping[str, Pose]:
        """Name to (position [m], quaternion xyzw), always in the same order."""
        return self._objects

    def success(self) -> bool:
        """Whether the task is done at that instant."""
        return self._success

    def render(self, camera: str) -> np.ndarray:
        """The view of a camera of `camera_fovy_deg`: (H, W, 3) uint8, RGB."""
        return self._renderer.draw(self._data, camera)

    def close(self) -> None:
        """Free the GL context, in the thread that rendered."""
        self._renderer.close()
