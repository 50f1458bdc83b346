"""The simulated Panda driven by torques at 1 kHz, on the same table and with the same objects as :class:`PandaWorld`.

As on the arm, gravity is compensated below the torques that come in, and these are clamped and may not jump. One thread
steps it; others may place objects and look at it. Must not import ROS.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from muse_core.control.kinematics import FINGER_NAMES, JOINT_NAMES, TOOL_FRAME
from muse_core.environments.panda.hand import MAX_WIDTH_M
from muse_core.environments.panda.mujoco_gl import mujoco
from muse_core.environments.panda.scene import Pose, Scene, load_model
from muse_core.environments.panda.starts import Start
from muse_core.environments.panda.task_settings import READY_Q, START_NOISE_RAD
from muse_core.environments.panda.tasks import find_task

STEP_S = 0.001
LARGEST_TORQUE = np.array([86.0, 86.0, 86.0, 86.0, 11.5, 11.5, 11.5])
"""What the arm's client lets through [N m]."""
LARGEST_TORQUE_STEP = 1.0
"""How far a torque may jump in one step [N m]."""
_BRAKE_STIFFNESS = np.array([2000.0, 2000.0, 2000.0, 2000.0, 500.0, 500.0, 500.0])
_BRAKE_DAMPING = np.array([100.0, 100.0, 100.0, 100.0, 15.0, 15.0, 15.0])


@dataclass(frozen=True)
class Measured:
    """What the arm's sensors say at one instant.

    Attributes:
        q: Joint positions [rad], shape (7,).
        qdot: Joint velocities [rad/s], shape (7,).
        torques: Of the motors, without what compensates gravity [N m], shape (7,).
        external_torques: Of contacts, seen at the joints [N m], shape (7,).
        width_m: Opening between the fingers [m].
        tool: The tool's position in the base frame, a step late [m], shape (3,).
    """

    q: np.ndarray
    qdot: np.ndarray
    torques: np.ndarray
    external_torques: np.ndarray
    width_m: float
    tool: np.ndarray


@dataclass(frozen=True)
class Snapshot:
    """The whole scene at one instant, enough to draw it elsewhere.

    Attributes:
        qpos: MuJoCo's positions of all joints, shape (nq,).
        body_pos: Where each body stands in its parent, as a task may move it, shape (nbody, 3) [m].
        body_quat: And how it is turned there, wxyz, shape (nbody, 4).
        objects: Poses of the task's objects, in its order.
        success: Whether the task is done.
    """

    qpos: np.ndarray
    body_pos: np.ndarray
    body_quat: np.ndarray
    objects: dict[str, Pose]
    success: bool


class TorqueArm:
    """A Panda on a table with one task's objects, torques in.

    Args:
        task: Name in :data:`muse_core.environments.panda.tasks.TASKS`.
        seed: Of the objects' places.
        wide: Spread the objects wider than by default.
        q: Where the arm begins [rad], shape (7,).

    Raises:
        ValueError: on an unknown task; the message lists the known ones.
    """

    def __init__(self, task: str = "lift", seed: int = 0, wide: bool = False, q: np.ndarray = READY_Q) -> None:
        self.task = find_task(task)
        self._wide = wide
        self._model = load_model(self.task.info.model_file)
        self._model.opt.timestep = STEP_S
        self._model.actuator_gainprm[:7] = 0.0  # the arm's servos become motors: control is torque
        self._model.actuator_gainprm[:7, 0] = 1.0
        self._model.actuator_biasprm[:7] = 0.0
        self._data = mujoco.MjData(self._model)
        self._scene = Scene(self._model, self._data)
        self._qpos = np.array([self._model.joint(name).qposadr[0] for name in JOINT_NAMES])
        self._dofs = np.array([self._model.joint(name).dofadr[0] for name in JOINT_NAMES])
        self._finger_qpos = np.array([self._model.joint(name).qposadr[0] for name in FINGER_NAMES])
        self._finger_dofs = np.array([self._model.joint(name).dofadr[0] for name in FINGER_NAMES])
        self._tool = self._model.site(TOOL_FRAME).id
        self._torques = np.zeros(7)
        self._brake_at: np.ndarray | None = None
        self._lock = threading.Lock()
        self._data.qpos[self._qpos] = q
        self._data.qpos[self._finger_qpos] = MAX_WIDTH_M / 2
        self._data.ctrl[7] = MAX_WIDTH_M
        self.place_objects(seed)

    def place_objects(self, seed: int) -> None:
        """Put the objects where the seed has them in :class:`PandaWorld` too; the arm and the hand stay as they are."""
        rng = np.random.default_rng(seed)
        rng.uniform(-START_NOISE_RAD, START_NOISE_RAD, 7)  # the world's draw of the arm's joints
        placements = self.task.placements(rng, self._wide, Start().placements)
        data = self._data
        qpos, dofs = np.concatenate([self._qpos, self._finger_qpos]), np.concatenate([self._dofs, self._finger_dofs])
        with self._lock:
            positions, velocities, controls = data.qpos[qpos].copy(), data.qvel[dofs].copy(), data.ctrl.copy()
            mujoco.mj_resetData(self._model, data)
            data.qpos[qpos], data.qvel[dofs], data.ctrl[:] = positions, velocities, controls
            self.task.arrange(self._scene, placements)
            mujoco.mj_forward(self._model, data)

    def step(self, torques: np.ndarray, width_m: float, steps: int = 1) -> None:
        """Run the physics for `steps` milliseconds.

        Args:
            torques: Wanted of the joints' motors, beside what compensates gravity [N m], shape (7,).
            width_m: Where the servo of the fingers draws them [m].
            steps: Milliseconds.
        """
        wanted = np.clip(torques, -LARGEST_TORQUE, LARGEST_TORQUE)
        data = self._data
        with self._lock:
            data.ctrl[7] = width_m
            for _ in range(steps):
                if self._brake_at is None:
                    self._torques += np.clip(wanted - self._torques, -LARGEST_TORQUE_STEP, LARGEST_TORQUE_STEP)
                else:
                    sprung = _BRAKE_STIFFNESS * (self._brake_at - data.qpos[self._qpos])
                    self._torques = sprung - _BRAKE_DAMPING * data.qvel[self._dofs]
                data.ctrl[:7] = self._torques
                mujoco.mj_step(self._model, data)

    def brake(self, on: bool) -> None:
        """Close the arm's brakes where it stands now, or open them."""
        with self._lock:
            self._brake_at = self._data.qpos[self._qpos].copy() if on else None
            self._torques = np.zeros(7)

    def measure(self) -> Measured:
        """What the sensors say now."""
        data = self._data
        with self._lock:
            return Measured(
                q=data.qpos[self._qpos],
                qdot=data.qvel[self._dofs],
                torques=self._torques.copy(),
                external_torques=data.qfrc_constraint[self._dofs],
                width_m=float(data.qpos[self._finger_qpos].sum()),
                tool=data.site_xpos[self._tool].copy(),
            )

    def snapshot(self) -> Snapshot:
        """The scene as it is now."""
        with self._lock:
            mujoco.mj_kinematics(self._model, self._data)  # poses of bodies are those before the last step
            return Snapshot(
                qpos=self._data.qpos.copy(),
                body_pos=self._model.body_pos.copy(),
                body_quat=self._model.body_quat.copy(),
                objects={name: self._scene.pose(name) for name in self.task.info.objects},
                success=bool(self.task.success(self._scene)),
            )
