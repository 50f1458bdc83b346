"""The torque-driven Panda under a controller, with what real arms have: friction, noise, a late control loop."""

from __future__ import annotations

from collections import deque

import numpy as np
from running_controller import POSE, STILL, RunningController
from swing import PERIOD_S, motion

from muse_core.control.kinematics import JOINT_NAMES
from muse_ros.polymetis.loopback.torque_arm import TorqueArm


class DrivenArm:
    """One arm, at POSE to begin with.

    Args:
        archive: The controller.
        friction: In each joint [N m].
        late: Cycles from a measurement to the torque that answers it.
        noise: Of measured velocities [rad/s].
        rotors: Inertia of each joint's motor [kg m^2]; None: the model's.

    Attributes:
        arm: The simulated one.
        controller: What leads it.
        torques: What the controller gave, cycle by cycle.
    """

    def __init__(
        self, archive: bytes, friction: float = 0.5, late: int = 0, noise: float = 0.0, rotors: float | None = None
    ) -> None:
        self.arm = TorqueArm(q=POSE)
        model = self.arm._model
        self._joints = [model.joint(name).dofadr[0] for name in JOINT_NAMES]
        model.dof_frictionloss[self._joints] = friction
        if rotors is not None:
            model.dof_armature[self._joints] = rotors
        self.controller = RunningController(archive)
        self.torques: list[np.ndarray] = []
        self._late = deque([STILL] * late)
        self._noise, self._rng = noise, np.random.default_rng(0)
        self.run(5)

    def run(self, cycles: int, lost: bool = False) -> np.ndarray:
        """Run for so many milliseconds, `lost`: without knowing where the arm is; positions, shape (cycles, 7)."""
        positions = []
        for _ in range(cycles):
            measured = self.arm.measure()
            positions.append(measured.q)
            velocity = measured.qdot + self._rng.normal(0.0, self._noise, 7)
            self.torques.append(self.controller.forward(measured.q * (np.nan if lost else 1.0), velocity))
            self._late.append(self.torques[-1])
            self.arm.step(self._late.popleft(), 0.04)
        return np.array(positions)

    def swing(self, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """Follow set-points of the swing; where the joints are and where they are wanted, one row each period."""
        positions, desired = [], []
        for n in range(round(seconds / PERIOD_S)):
            self.controller.update(*motion((n + 1) * PERIOD_S), PERIOD_S)
            positions.append(self.run(round(1e3 * PERIOD_S))[-1])
            desired.append(self.controller.desired)
        return np.array(positions), np.array(desired)

    def knock(self, speed: float) -> None:
        """Set all joints moving at once [rad/s]."""
        self.arm._data.qvel[self._joints] += speed
