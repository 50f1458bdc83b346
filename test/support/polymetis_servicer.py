"""The smallest servers that speak Polymetis' protocol: no arm, no torch, and states that a test decides about."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc

from muse_ros.polymetis.messages import (
    ARM_SERVICE,
    HAND_SERVICE,
    Empty,
    GripperCommand,
    GripperMetadata,
    GripperState,
    LogInterval,
    RobotClientMetadata,
    RobotState,
    service_handler,
)

LONGEST_WAIT_S = 30.0


class ArmServicer:
    """A server of an arm that stands still; its log grows by a state with every cycle of its clock.

    Attributes:
        robot_present: Whether a robot client calls; without one the newest state stays the newest.
        stands: No new state comes, as where the robot client stopped calling less than a second ago.
        refusal: What SetController and UpdateController answer with; empty for none.
        answers: Calls wait while this is not set.
        streams: State streams bring nothing while this is not set.
        set_archives, updates: What was sent.
        largest_piece: Of the newest archive, in bytes.
        crashed: Whether it was told what kills the original.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns, cycle_ns: int = 1_000_000) -> None:
        self._clock, self._cycle_ns = clock, cycle_ns
        self._begun_ns = clock() // cycle_ns * cycle_ns
        self._last_ns = self._begun_ns
        self.robot_present = True
        self.stands = False
        self.refusal = ""
        self.answers = threading.Event()
        self.streams = threading.Event()
        for each in (self.answers, self.streams):
            each.set()
        self.set_archives: list[bytes] = []
        self.updates: list[bytes] = []
        self.interval = (-1, -1)
        self.interval_calls = 0
        self.crashed = False
        self.largest_piece = 0

    def _wait(self, context: Any) -> None:
        deadline = time.monotonic() + LONGEST_WAIT_S
        while not self.answers.wait(0.01) and context.is_active() and time.monotonic() < deadline:
            pass

    def _size(self) -> int:
        if self.robot_present and not self.stands:
            self._last_ns = self._clock() // self._cycle_ns * self._cycle_ns
        return (self._last_ns - self._begun_ns) // self._cycle_ns + 1

    def _state(self, index: int) -> Any:
        joints = [0.5] * 7
        message = RobotState(joint_positions=joints, joint_velocities=[0.0] * 7, error_code=0)
        message.motor_torques_external.extend([0.25] * 7)
        message.motor_torques_measured.extend([1.5] * 7)
        message.prev_command_successful, message.prev_controller_latency_ms = True, 0.5
        message.timestamp.FromNanoseconds(self._begun_ns + index * self._cycle_ns)
        return message

    def GetRobotClientMetadata(self, request: Any, context: Any) -> Any:
        self._wait(context)
        if not self.robot_present:
            context.abort(grpc.StatusCode.CANCELLED, "Robot context not valid when calling GetRobotClientMetadata!")
        found = RobotClientMetadata(urdf_file="<robot/>", hz=1000, dof=7, ee_link_name="panda_link8")
        found.default_Kq.extend([40, 30, 50, 25, 35, 25, 10])
        found.default_Kqd.extend([4, 6, 5, 5, 3, 2, 1])
        found.rest_pose.extend([0.0] * 7)
        found.polymetis_version = "v0.0"
        return found

    def GetRobotState(self, request: Any, context: Any) -> Any:
        self._wait(context)
        return self._state(self._size() - 1)

    def GetRobotStateStream(self, request: Any, context: Any) -> Iterator[Any]:
        at = self._size()
        while context.is_active():
            if not self.streams.wait(0.02):
                continue
            size = self._size()
            yield from (self._state(index) for index in range(at, size))
            at = size
            time.sleep(0.02)

    def GetRobotStateLog(self, request: Any, context: Any) -> Iterator[Any]:
        last = self._size() - 1 if request.end == -1 else request.end
        for index in range(request.start, last + 1):
            yield self._state(index)

    def SetController(self, chunks: Iterator[Any], context: Any) -> Any:
        archive = self._joined(chunks, self.set_archives)
        self._wait(context)
        if self.refusal:
            context.abort(grpc.StatusCode.CANCELLED, f"Failed to load new controller: {self.refusal}")
        self.interval = (self._size(), -1)
        assert archive
        return LogInterval(start=self.interval[0], end=-1)

    def UpdateController(self, chunks: Iterator[Any], context: Any) -> Any:
        self._joined(chunks, self.updates)
        self._wait(context)
        if not self.set_archives:
            self.crashed = True
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        if self.interval[0] == -1 or self.interval[1] != -1:
            text = "Tried to perform a controller update with no controller running."
            context.abort(grpc.StatusCode.CANCELLED, text)
        if self.refusal:
            context.abort(grpc.StatusCode.CANCELLED, f"Failed to update controller: {self.refusal}")
        return LogInterval(start=self._size(), end=-1)

    def TerminateController(self, request: Any, context: Any) -> Any:
        if self.interval[0] == -1 or self.interval[1] != -1:
            text = "Tried to terminate controller with no controller running."
            context.abort(grpc.StatusCode.CANCELLED, text)
        self.interval = (self.interval[0], self._size() - 1)
        return LogInterval(start=self.interval[0], end=self.interval[1])

    def GetEpisodeInterval(self, request: Any, context: Any) -> Any:
        self._wait(context)
        self.interval_calls += 1
        return LogInterval(start=self.interval[0], end=self.interval[1])

    def _joined(self, chunks: Iterator[Any], into: list[bytes]) -> bytes:
        pieces = [each.torchscript_binary_chunk for each in chunks]
        self.largest_piece = max(map(len, pieces))
        into.append(b"".join(pieces))
        return into[-1]

    def InitRobotClient(self, request: Any, context: Any) -> Any:
        return Empty()

    ControlUpdate = InitRobotClient


class HandServicer:
    """A server of a hand whose state a test sets, as the original gripper server: it only passes on.

    Attributes:
        state: What it answers with; a test changes it.
        commands: What was sent, newest last.
    """

    def __init__(self) -> None:
        self.state = GripperState(width=0.08, prev_command_successful=True)
        self.state.timestamp.FromNanoseconds(time.time_ns())
        self.commands: list[Any] = []
        self.live = True

    def GetRobotClientMetadata(self, request: Any, context: Any) -> Any:
        return GripperMetadata(polymetis_version="v0.0", hz=30, max_width=0.08)

    def GetState(self, request: Any, context: Any) -> Any:
        if self.live:
            self.state.timestamp.FromNanoseconds(time.time_ns())
        return self.state

    def Goto(self, request: Any, context: Any) -> Any:
        self.commands.append(request)
        return Empty()

    def InitRobotClient(self, request: Any, context: Any) -> Any:
        return Empty()

    def ControlUpdate(self, request: Any, context: Any) -> Any:
        return self.commands[-1] if self.commands else GripperCommand()


@contextmanager
def serving(servicer: ArmServicer | HandServicer, address: str = "127.0.0.1:0") -> Iterator[str]:
    """Serve at an address, by default at a free port; its ``HOST:PORT``. At the end every connection is cut."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=(("grpc.so_reuseport", 0),))
    service = ARM_SERVICE if isinstance(servicer, ArmServicer) else HAND_SERVICE
    server.add_generic_rpc_handlers((service_handler(service, servicer),))
    host = address.partition(":")[0]
    port = server.add_insecure_port(address)
    server.start()
    try:
        yield f"{host}:{port}"
    finally:
        servicer_answers = getattr(servicer, "answers", None)
        if servicer_answers is not None:
            servicer_answers.set()
        server.stop(None).wait(LONGEST_WAIT_S)
