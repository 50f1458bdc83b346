"""The arm's service as Polymetis' server answers it, its quirks included: a client that is right here is right there.

What it copies, from the original's source: SetController waits until the next cycle has begun the controller, and holds
up every other change until then; a gap of more than a second between cycles hands the arm to the default controller
without a word; only a running controller takes parameters; states are streamed in bursts. One difference: what the
original dies of is refused here, an update before any controller, and a controller before any robot. Must not import
ROS.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any, NoReturn

import grpc

from muse_ros.polymetis.loopback.faults import Faults
from muse_ros.polymetis.loopback.hosted_controller import HostedController, TorchState, load, parameters
from muse_ros.polymetis.loopback.state_log import StateLog
from muse_ros.polymetis.messages import Empty, LogInterval, RobotClientMetadata, RobotState, TorqueCommand

SPIN_S = 0.02
LARGEST_GAP_NS = 1_000_000_000


class Status(Enum):
    """What the custom controller is doing."""

    UNINITIALIZED = 0
    READY = 1
    RUNNING = 2
    TERMINATING = 3
    TERMINATED = 4


class CycleError(RuntimeError):
    """A control cycle failed; the message is the controller's."""


class ArmServicer:
    """Controllers, states and the control cycle of one arm.

    Args:
        faults: What goes wrong between this server and its users.
        now_ns: A clock that only goes forward [ns].
        stamp_ns: The computer's clock [ns]: users get states stamped by it, though the controller's may be of a cycle
            that is made up for; None: as the robot stamps them.
    """

    def __init__(
        self,
        faults: Faults | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        stamp_ns: Callable[[], int] | None = None,
    ) -> None:
        self._faults = faults or Faults()
        self._now_ns, self._stamp_ns = now_ns, stamp_ns
        self._log = StateLog()
        self._metadata = RobotClientMetadata()
        self._last_cycle_ns: int | None = None
        self._state = TorchState(0)
        self._default: HostedController | None = None
        self._custom: HostedController | None = None
        self._status = Status.UNINITIALIZED
        self._begin = self._end = -1
        self._service_lock = threading.Lock()  # one change of controllers at a time
        self._controller_lock = threading.Lock()  # no change of them within a cycle

    # What the robot's side calls.

    def InitRobotClient(self, request: Any, context: Any = None) -> Any:
        """A robot introduces itself; whatever controller ran is forgotten."""
        state = TorchState(request.dof)
        try:
            default = HostedController(request.default_controller, state)
        except Exception as error:
            _refuse(context, f"Failed to load default controller: {error}")
        with self._controller_lock:
            self._state, self._default = state, default
            self._metadata = request
            self._last_cycle_ns = self._now_ns()
            self._forget_episode()
        return Empty()

    def ControlUpdate(self, request: Any, context: Any = None) -> Any:
        """One cycle: a state in, torques out.

        Raises:
            CycleError: when the controller fails, and there is no call to answer.
        """
        if self._default is None:
            _refuse(context, "No robot has introduced itself.")
        with self._controller_lock:
            if not self._robot_is_there():
                self._status = Status.TERMINATING
            self._state.fill(request)
            self._turn()
            running = self._status is Status.RUNNING
            controller = self._custom if running else self._default
            try:
                torques = controller.torques()
            except Exception as error:
                _refuse(context, f"Failed to run controller forward function: {error}")
        request.joint_torques_computed[:] = torques
        if self._stamp_ns is not None:
            request.timestamp.FromNanoseconds(self._stamp_ns())
        self._log.append(request.SerializeToString())
        if running and controller.is_terminated():
            self._status = Status.TERMINATING
        self._last_cycle_ns = self._now_ns()
        command = TorqueCommand(joint_torques=torques)
        command.timestamp.FromNanoseconds(time.time_ns())
        return command

    # What users call.

    def GetRobotClientMetadata(self, request: Any, context: Any) -> Any:
        """Who the robot is, while it is there."""
        self._faults.strike(context)
        if not self._robot_is_there():
            _refuse(context, "Robot context not valid when calling GetRobotClientMetadata!")
        return self._metadata

    def GetRobotState(self, request: Any, context: Any) -> Any:
        """The newest state, however old."""
        self._faults.strike(context)
        newest = self._log.get(self._log.count - 1)
        if newest is None:
            message = "Cannot retrieve robot state from empty buffer!"
            _refuse(context, message, grpc.StatusCode.FAILED_PRECONDITION)
        return RobotState.FromString(newest)

    def GetRobotStateStream(self, request: Any, context: Any) -> Iterator[Any]:
        """Every state from now on, looked for each 20 ms."""
        self._faults.strike(context)
        index, began = self._log.count, time.monotonic()
        while context.is_active():
            if self._faults.stream_stalls(began, context) or index >= self._log.count:
                time.sleep(SPIN_S)
                continue
            state = self._log.get(index)
            index += 1
            if state is not None:
                yield RobotState.FromString(state)

    def GetRobotStateLog(self, request: Any, context: Any) -> Iterator[Any]:
        """States of an interval, both ends included; to the newest where the end is -1."""
        self._faults.strike(context)
        last = self._log.count - 1
        for index in range(max(0, request.start), (last if request.end == -1 else min(request.end, last)) + 1):
            state = self._log.get(index)
            if state is not None:
                yield RobotState.FromString(state)

    def SetController(self, request_iterator: Iterable[Any], context: Any) -> Any:
        """Load a controller, wait for the cycle that begins it, and answer with that cycle's index."""
        with self._service_lock:
            archive = b"".join(chunk.torchscript_binary_chunk for chunk in request_iterator)
            self._faults.strike(context)
            try:
                self._faults.strike_controller()
                controller = HostedController(archive, self._state)
            except Exception as error:
                _refuse(context, f"Failed to load new controller: {error}")
            with self._controller_lock:
                self._forget_episode()
                self._custom, self._status = controller, Status.READY
            while self._status is Status.READY and self._faults.serving:
                time.sleep(SPIN_S)
            return LogInterval(start=self._begin, end=-1)

    def UpdateController(self, request_iterator: Iterable[Any], context: Any) -> Any:
        """Give the running controller new parameters; answer with the index of the first cycle that has them."""
        with self._service_lock:
            archive = b"".join(chunk.torchscript_binary_chunk for chunk in request_iterator)
            self._faults.strike(context)
            try:
                container = load(archive)
            except Exception:
                _refuse(context, "Failed to load new controller params.")
            try:
                given = parameters(container)
            except Exception:  # the original catches none of these, gRPC does
                _refuse(context, "Unexpected error in RPC handling", grpc.StatusCode.UNKNOWN)
            with self._controller_lock:
                if self._status is not Status.RUNNING:
                    _refuse(context, "Tried to perform a controller update with no controller running.")
                start = self._log.count
                try:
                    self._custom.update(given)
                except Exception as error:
                    _refuse(context, f"Failed to update controller: {error}")
            return LogInterval(start=start, end=-1)

    def TerminateController(self, request: Any, context: Any) -> Any:
        """End the custom controller; answer with the interval in which it ran."""
        with self._service_lock:
            self._faults.strike(context)
            with self._controller_lock:
                if self._status is not Status.RUNNING:
                    _refuse(context, "Tried to terminate controller with no controller running.")
                self._status = Status.TERMINATING
            while self._status is Status.TERMINATING and self._faults.serving:
                time.sleep(SPIN_S)
            return LogInterval(start=self._begin, end=self._end)

    def GetEpisodeInterval(self, request: Any, context: Any) -> Any:
        """When the newest custom controller began and ended; -1 where it did not yet."""
        self._faults.strike(context)
        if self._status is Status.UNINITIALIZED:
            return LogInterval(start=-1, end=-1)
        return LogInterval(start=self._begin, end=self._end)

    def _turn(self) -> None:
        """Begin or end the custom controller, at the beginning of a cycle."""
        if self._status is Status.READY:
            self._begin = self._log.count
            self._status = Status.RUNNING
        elif self._status is Status.TERMINATING:
            self._end = self._log.count - 1
            self._status = Status.TERMINATED
            self._default.reset()

    def _robot_is_there(self) -> bool:
        return self._last_cycle_ns is not None and self._now_ns() - self._last_cycle_ns < LARGEST_GAP_NS

    def _forget_episode(self) -> None:
        self._begin = self._end = -1
        self._status = Status.UNINITIALIZED


def _refuse(context: Any, message: str, code: Any = grpc.StatusCode.CANCELLED) -> NoReturn:
    """End a call with a status; without a call, as in the process's own control loop, raise."""
    if context is None:
        raise CycleError(message)
    context.abort(code, message)
