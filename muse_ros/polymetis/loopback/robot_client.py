"""The robot's side of the protocol: the simulated arm's 1 kHz loop, and the hand's, as the real Panda has them.

Each cycle sends the arm's state to the server and applies the torques that come back for a millisecond. Where the
machine was busy elsewhere, the cycles that are due follow at once, stamped when they were due: arm and controller go
through the same motion as if nothing had been. Further behind than a limit, simulated time is lost instead. A
reflex leaves the loop with the brakes closed and comes back after a while, when the server has long given the arm to
its default controller. Must not import ROS.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from muse_core.control.kinematics import PandaKinematics
from muse_core.environments.panda.hand import MAX_WIDTH_M
from muse_ros.polymetis.loopback.arm_limits import ArmLimits, safety_force, safety_torques
from muse_ros.polymetis.loopback.hand_motion import HandMotion
from muse_ros.polymetis.loopback.torque_arm import STEP_S, Measured, TorqueArm
from muse_ros.polymetis.messages import GripperMetadata, GripperState, RobotState

LARGEST_LAG_S = 0.1
"""What is further behind than this is lost, and counted."""
LARGEST_LAG_ELSEWHERE_S = 0.015
"""The same where the server is another's: it hands the stamps on, and older ones look like a clock that was set."""
LOST_STEPS = 5
"""Milliseconds of physics under one torque where time was lost, of which a controller notices 10 ms."""
REFLEX_STEP_S = 0.005
RECOVERY_S = 1.1
"""The least time that a reflex takes."""
HAND_PERIOD_S = 0.01
HAND_HZ = 30


class ControlServer(Protocol):
    """What a robot calls: a servicer of this process, or a stub of another's."""

    def InitRobotClient(self, request: Any) -> Any:
        """Introduce the robot."""

    def ControlUpdate(self, request: Any) -> Any:
        """One cycle."""


@dataclass
class LoopFigures:
    """How the 1 kHz loop went.

    Attributes:
        cycles: Control cycles so far.
        physics_ms: Milliseconds of physics so far.
        lost_ms: Milliseconds by which simulated time fell behind for good.
        largest_lag_ms: The most by which a cycle came later than it was due, and was still made up for [ms].
        control_ms: Of the last ControlUpdate [ms].
        reflexes: How often the arm left the loop.
        reason: Why it did so last.
    """

    cycles: int = 0
    physics_ms: int = 0
    lost_ms: int = 0
    largest_lag_ms: float = 0.0
    control_ms: float = 0.0
    reflexes: int = 0
    reason: str = ""


class RobotClient:
    """Runs one simulated arm with its hand against a server.

    Args:
        arm: The simulated arm.
        stamp_ns: The clock of the server's computer [ns].
        largest_lag_s: How far behind the loop makes up for what it missed [s].
    """

    def __init__(
        self, arm: TorqueArm, stamp_ns: Callable[[], int] = time.time_ns, largest_lag_s: float = LARGEST_LAG_S
    ) -> None:
        self.arm = arm
        self._largest_lag_s = largest_lag_s
        self.figures = LoopFigures()
        self._hand = HandMotion()
        self._hand_lock = threading.Lock()
        self._stamp_ns = stamp_ns
        self._ended = threading.Event()
        self._reflex: tuple[str, float] | None = None
        self._threads: list[threading.Thread] = []
        self._limits = ArmLimits()
        self._kinematics = PandaKinematics()

    def start(self, server: ControlServer, metadata: Any, hand_server: ControlServer) -> None:
        """Introduce arm and hand, and begin their loops."""
        self._ended.clear()
        server.InitRobotClient(metadata)
        hand_server.InitRobotClient(GripperMetadata(polymetis_version="", hz=HAND_HZ, max_width=MAX_WIDTH_M))
        self._threads = [
            threading.Thread(target=self._run_arm, args=(server,), name="arm", daemon=True),
            threading.Thread(target=self._run_hand, args=(hand_server,), name="hand", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the loops; the arm's brakes close. Safe to call twice."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._threads = []
        self.arm.brake(True)

    def reflex(self, for_s: float = RECOVERY_S, reason: str = "asked for") -> None:
        """Have the arm stop itself, as after a collision, and recover after so long [s]."""
        self._reflex = (reason, max(0.0, float(for_s)))

    def _run_arm(self, server: ControlServer) -> None:
        self.arm.brake(False)
        state = RobotState()
        state.prev_joint_torques_computed[:] = [0.0] * 7
        due = time.perf_counter()
        while not self._ended.is_set():
            if self._reflex is not None:
                self._recover(*self._reflex)
                due = time.perf_counter()
            began = time.perf_counter()
            lag_s = max(0.0, began - due)
            lost = lag_s > self._largest_lag_s
            if lost:
                self.figures.lost_ms += round(1e3 * lag_s)
                due, lag_s = began, 0.0
            try:
                torques = self._cycle(server, state, lag_s)
            except Exception as error:  # a refused cycle, a lost server, a limit: on the arm each ends the motion
                self.reflex(reason=str(error))
                continue
            self.figures.control_ms = state.prev_controller_latency_ms = 1e3 * (time.perf_counter() - began)
            self.figures.largest_lag_ms = max(self.figures.largest_lag_ms, 1e3 * lag_s)
            self._advance(torques, LOST_STEPS if lost else 1)
            due += STEP_S
            time.sleep(max(0.0, due - time.perf_counter()))  # also where it is late: others want the interpreter

    def _cycle(self, server: ControlServer, state: Any, lag_s: float) -> np.ndarray:
        measured = self.arm.measure()
        state.timestamp.FromNanoseconds(self._stamp_ns() - round(1e9 * lag_s))
        state.joint_positions[:] = measured.q.tolist()
        state.joint_velocities[:] = measured.qdot.tolist()
        state.motor_torques_measured[:] = measured.torques.tolist()
        state.motor_torques_external[:] = measured.external_torques.tolist()
        state.motor_torques_desired[:] = state.prev_joint_torques_computed_safened[:] = measured.torques.tolist()
        state.prev_command_successful = True
        state.ClearField("joint_torques_computed")
        torques = server.ControlUpdate(state).joint_torques
        state.prev_joint_torques_computed[:] = torques
        wanted = np.zeros(7)  # an arm that tells a wrong number of joints, for a test of its user, stands all the same
        wanted[: len(torques)] = torques[:7]
        return wanted + self._keep_limits(measured)

    def _advance(self, torques: np.ndarray, steps: int) -> None:
        with self._hand_lock:
            width_m = self._hand.update(self._physics_ns(), self.arm.measure().width_m, steps * STEP_S)
        self.arm.step(torques, width_m, steps)
        self.figures.cycles += 1
        self.figures.physics_ms += steps

    def _physics_ns(self) -> int:
        """The simulated time: on a machine that cannot keep up the hand must not seem to stand."""
        return self.figures.physics_ms * 1_000_000

    def _keep_limits(self, measured: Measured) -> np.ndarray:
        """The torques that keep the arm off its limits [N m], shape (7,).

        Raises:
            RuntimeError: where one is newly exceeded: the arm stops itself.
        """
        reason = self._limits.look(measured.q, measured.qdot, measured.tool)
        if reason:
            raise RuntimeError(reason)
        torques, force = safety_torques(measured.q, measured.qdot), safety_force(measured.tool)
        if force.any():
            torques += self._kinematics.jacobian(measured.q)[:3].T @ force
        return torques

    def _recover(self, reason: str, for_s: float) -> None:
        self.figures.reflexes += 1
        self.figures.reason = reason
        self.arm.brake(True)
        end = time.perf_counter() + for_s
        while time.perf_counter() < end and not self._ended.is_set():
            self._advance(np.zeros(7), round(REFLEX_STEP_S / STEP_S))
            time.sleep(REFLEX_STEP_S)
        self._reflex = None
        self.arm.brake(False)

    def _run_hand(self, server: ControlServer) -> None:
        last_nanos = 0
        while not self._ended.wait(HAND_PERIOD_S):
            with self._hand_lock:
                state = GripperState(
                    width=max(0.0, self.arm.measure().width_m),  # fingers pressed together give in a little
                    is_grasped=self._hand.grasped,
                    is_moving=self._hand.moving,
                    prev_command_successful=self._hand.successful,
                )
            state.timestamp.FromNanoseconds(self._stamp_ns())
            try:
                command = server.ControlUpdate(state)
            except Exception:  # the hand's client ignores the status and asks again
                continue
            nanos = command.timestamp.nanos
            with self._hand_lock:
                if nanos not in (0, last_nanos) and not self._hand.moving:
                    self._hand.begin(command, self._physics_ns())
                    last_nanos = nanos
