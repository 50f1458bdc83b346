"""The simulated Panda: set-points in, physics at 500 Hz, state and pictures out.

The `panda` node and :class:`muse_core.environments.simulated_panda.SimulatedPanda` drive the same object. It takes
joint set-points only: inverse kinematics and the safety filter lie before it, in `muse_core.control`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from muse_core.control.kinematics import FINGER_NAMES, JOINT_NAMES, TOOL_FRAME, tool_wrench
from muse_core.control.state import RobotState, SetPoint
from muse_core.environments.panda.cameras import CameraRenderer
from muse_core.environments.panda.hand import MAX_WIDTH_M, SlowHand
from muse_core.environments.panda.mujoco_gl import mujoco
from muse_core.environments.panda.scene import Pose, Scene, load_model
from muse_core.environments.panda.starts import Start
from muse_core.environments.panda.task_settings import READY_Q, START_NOISE_RAD, describe
from muse_core.environments.panda.tasks import find_task

PHYSICS_HZ = 500


class PandaWorld:
    """A Panda on a table with one task's objects. The same seed and set-points give the same episode, bit for bit.

    Args:
        task: Name in :data:`muse_core.environments.panda.tasks.TASKS`.
        camera_size: (height, width) of the pictures [px].
        wide: Spread the objects wider than by default.
        fine: Render shadows and smooth edges: for people, not for policies; several times slower.

    Raises:
        ValueError: on an unknown task; the message lists the known ones.
    """

    def __init__(
        self, task: str = "lift", camera_size: tuple[int, int] = (128, 128), wide: bool = False, fine: bool = False
    ) -> None:
        self.task = find_task(task)
        self.camera_size = (int(camera_size[0]), int(camera_size[1]))
        self.wide = wide
        self._model = load_model(self.task.info.model_file)
        self._data = mujoco.MjData(self._model)
        self._scene = Scene(self._model, self._data)
        self._renderer = CameraRenderer(self._model, self.camera_size, fine)
        self._hand = SlowHand()
        self._arm_qpos = np.array([self._model.joint(name).qposadr[0] for name in JOINT_NAMES])
        self._arm_dofs = np.array([self._model.joint(name).dofadr[0] for name in JOINT_NAMES])
        self._finger_qpos = np.array([self._model.joint(name).qposadr[0] for name in FINGER_NAMES])
        self._tool = self._model.site(TOOL_FRAME).id
        self._lag_s = -self._model.actuator_biasprm[:7, 2] / self._model.actuator_gainprm[:7, 0]
        self._time_ns = 0
        self.reset(0)

    def reset(self, seed: int, start: Start | None = None) -> None:
        """Begin an episode at time 0: the arm near its ready pose, hand open, objects placed by the seed.

        Args:
            seed: Of all that `start` leaves open.
            start: What is given of the beginning.

        Raises:
            ValueError: when the objects given cannot stand together; the running episode is then as it was.
        """
        start = start or Start()
        rng = np.random.default_rng(seed)
        drawn = READY_Q + rng.uniform(-START_NOISE_RAD, START_NOISE_RAD, 7)
        q = drawn if start.q is None else start.q
        placements = self.task.placements(rng, self.wide, start.placements)
        mujoco.mj_resetData(self._model, self._data)
        self._data.qpos[self._arm_qpos] = q
        self._data.qpos[self._finger_qpos] = MAX_WIDTH_M / 2
        self._data.ctrl[:7] = self._target = q
        self._data.ctrl[7] = MAX_WIDTH_M
        self._hand.reset()
        self._time_ns = 0
        self.task.arrange(self._scene, placements)
        mujoco.mj_forward(self._model, self._data)

    def advance(self, setpoint: SetPoint, dt_s: float = 0.01) -> None:
        """Run the physics for `dt_s` under one joint set-point, which is to be reached at the end of it.

        Args:
            setpoint: Joint positions [rad] and velocities [rad/s], and the hand's opening [m].
            dt_s: A whole multiple of the physics' 2 ms.

        Raises:
            ValueError: when `dt_s` is no such multiple.
        """
        steps = round(dt_s * PHYSICS_HZ)
        if steps < 1 or abs(steps / PHYSICS_HZ - dt_s) > 1e-9:
            raise ValueError(f"dt_s must be a whole multiple of {1 / PHYSICS_HZ} s, got {dt_s}")
        width = float(self._data.qpos[self._finger_qpos].sum())
        self._data.ctrl[7] = self._hand.update(self._time_ns, float(setpoint.gripper_width), width, dt_s)
        # The servo's damping makes it late by `lag_s`: aim that much further, so that the arm arrives when the
        # set-point says. In a ramp from the last target, as steps would make the light wrist shake.
        target = setpoint.position + self._lag_s * setpoint.velocity
        start = self._target
        for step in range(1, steps + 1):
            self._data.ctrl[:7] = start + (step / steps) * (target - start)
            mujoco.mj_step(self._model, self._data)
        self._target = target
        self._time_ns += round(dt_s * 1e9)
        # Joint positions are those after the last step, body and camera poses those before it: bring these up to date.
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)

    @property
    def time_ns(self) -> int:
        """Simulated time since the last reset [ns]."""
        return self._time_ns

    def state(self) -> RobotState:
        """What the arm measures now."""
        data = self._data
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, data.site_xmat[self._tool])
        jacobian = self._jacobian()
        qdot = data.qvel[self._arm_dofs]
        external_torque = data.qfrc_constraint[self._arm_dofs]
        return RobotState(
            stamp_ns=self._time_ns,
            q=data.qpos[self._arm_qpos],
            qdot=qdot,
            ee_position=data.site_xpos[self._tool].copy(),
            ee_orientation=quaternion[[1, 2, 3, 0]],
            ee_twist=jacobian @ qdot,
            wrench=tool_wrench(jacobian, external_torque),
            gripper_width=float(data.qpos[self._finger_qpos].sum()),
        )

    def arm_torques(self) -> np.ndarray:
        """Torques of the seven joints' motors [N m]."""
        return self._data.qfrc_actuator[self._arm_dofs]

    def objects(self) -> dict[str, Pose]:
        """Name to (position (3,) [m], quaternion (4,) xyzw) of the task's objects, in the task's order."""
        return {name: self._scene.pose(name) for name in self.task.info.objects}

    def success(self) -> bool:
        """Whether the task is done at this instant, by the physics alone."""
        return bool(self.task.success(self._scene))

    def render(self, camera: str = "front") -> np.ndarray:
        """The view of the ``front`` or ``wrist`` camera, or of the ``overview`` for people: (H, W, 3) uint8, RGB.

        One thread only.

        Raises:
            RenderError: on an unknown camera, without a working OpenGL, or from a second thread.
        """
        return self._renderer.draw(self._data, camera)

    def close(self) -> None:
        """Free the GL context; call it in the thread that rendered. Safe to call twice."""
        self._renderer.close()

    def describe(self) -> dict[str, Any]:
        """The task as plain data: ranges, cameras, step limit, the hand's slowness."""
        return describe(self.task.info, self._model, self.wide, self.camera_size)

    def _jacobian(self) -> np.ndarray:
        linear, angular = np.empty((3, self._model.nv)), np.empty((3, self._model.nv))
        mujoco.mj_jacSite(self._model, self._data, linear, angular, self._tool)
        return np.vstack([linear[:, self._arm_dofs], angular[:, self._arm_dofs]])
