"""The arm's side of a Polymetis server: its metadata, its state, and the controllers that run in it.

Plain blocking calls with deadlines; who polls and how often is :mod:`muse_ros.polymetis.state_reader`'s matter, and
what a controller is :mod:`muse_ros.polymetis.controllers`'. The server keeps its manners only where its client does:
this one never updates a controller that was not set (the server would crash), never sets one while the arm's side is
gone (the server would hang, for everybody) and never sends more than the server has room for. Must not import ROS or
torch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np

from muse_ros.polymetis.errors import PolymetisError
from muse_ros.polymetis.link import Link
from muse_ros.polymetis.messages import (
    ARM_SERVICE,
    CHUNK_BYTES,
    LARGEST_CONTROLLER_BYTES,
    ControllerChunk,
    Empty,
    LogInterval,
)

JOINTS = 7
PROOF_S = 0.1
"""An answer that a controller runs is believed for this long: no server can die and come back up within it."""
FRESH_S = 1.0
"""The server itself gives up a robot client that has not called for this long."""


@dataclass(frozen=True)
class RobotMetadata:
    """What the robot client told the server about itself.

    Attributes:
        urdf: The robot's description, XML.
        hz: Control cycles per second.
        Kq: Default joint stiffness [N m/rad], shape (7,).
        Kqd: Default joint damping [N m s/rad], shape (7,).
        rest_pose: Joint positions [rad], shape (7,).
        version: Polymetis' version; empty where the server does not say.
        dof: Number of joints.
        ee_link: Name of the URDF's link that Polymetis calls the end effector.
    """

    urdf: str
    hz: int
    Kq: np.ndarray
    Kqd: np.ndarray
    rest_pose: np.ndarray
    version: str
    dof: int
    ee_link: str


@dataclass(frozen=True)
class ArmState:
    """The arm at one control cycle, as the server has it (single precision, given as double).

    Attributes:
        stamp_ns: When the robot client read it from the arm [ns], by the server computer's clock.
        q: Joint positions [rad], shape (7,).
        qdot: Joint velocities [rad/s], shape (7,).
        torques_external: Joint torques that the model does not explain [N m], shape (7,).
        torques_measured: Joint torques [N m], shape (7,).
        error_code: 0 while the arm reports none.
        command_successful: Whether the arm took the previous cycle's torques.
        controller_latency_ms: How long the previous cycle waited for the server [ms].
    """

    stamp_ns: int
    q: np.ndarray
    qdot: np.ndarray
    torques_external: np.ndarray
    torques_measured: np.ndarray
    error_code: int
    command_successful: bool
    controller_latency_ms: float


class StateStream(Iterator[ArmState]):
    """States as the server sends them, every one, in bursts up to 20 ms old. Ends with a PolymetisError or `cancel`.

    Args:
        link: The connection.
        call: A running call whose answers are states.
        method: Its name.
    """

    def __init__(self, link: Link, call: Any, method: str) -> None:
        self._link, self._call, self._method = link, call, method

    def __next__(self) -> ArmState:
        try:
            return arm_state(next(self._call))
        except grpc.RpcError as error:
            if self._call.cancelled():
                raise StopIteration from error
            raise self._link.explained(self._method, error) from error

    def cancel(self) -> None:
        """End the stream, from any thread."""
        self._call.cancel()


class ArmClient:
    """A client of one arm's server. Connects at the first call. Safe to use from several threads.

    Args:
        address: ``HOST:PORT``; Polymetis' port is 50051.
        timeout_s: Deadline of the calls that the server answers at once [s].
        controller_timeout_s: Deadline of setting and ending a controller [s]: the server loads and warms it up.
    """

    def __init__(self, address: str, timeout_s: float = 0.5, controller_timeout_s: float = 5.0) -> None:
        self.address = address
        self._timeout_s, self._controller_timeout_s = timeout_s, controller_timeout_s
        self._link = Link(address, ARM_SERVICE)
        self._proved_s = -PROOF_S  # when a controller was last known to run, by the monotonic clock

    def metadata(self) -> RobotMetadata:
        """What the arm's side says of itself.

        Raises:
            PolymetisError: ``no_robot`` where the robot client has not called for a second; ``unreachable``, ``late``.
        """
        found = self._link.call("GetRobotClientMetadata", Empty(), self._timeout_s)
        return RobotMetadata(
            urdf=found.urdf_file,
            hz=found.hz,
            Kq=_joints(found.default_Kq, "default_Kq"),
            Kqd=_joints(found.default_Kqd, "default_Kqd"),
            rest_pose=_joints(found.rest_pose, "rest_pose"),
            version=found.polymetis_version,
            dof=found.dof,
            ee_link=found.ee_link_name,
        )

    def state(self) -> ArmState:
        """The newest state. It stays the newest after the robot client is gone: look at its stamp.

        Raises:
            PolymetisError: ``no_robot`` where there never was one; ``unreachable``, ``late``.
        """
        return arm_state(self._link.call("GetRobotState", Empty(), self._timeout_s))

    def stream(self) -> StateStream:
        """Every state from now on. There is no deadline: whoever iterates cancels it when it falls silent."""
        method = "GetRobotStateStream"
        return StateStream(self._link, self._link.stream(method, Empty()), method)

    def set_controller(self, archive: bytes) -> int:
        """Have the server run a controller, in place of one that runs.

        Args:
            archive: A TorchScript module as `torch.jit.save` writes it, at most 1 MiB.

        Returns:
            Index of the controller's first state in the server's log.

        Raises:
            PolymetisError: ``refused`` where it is too large or cannot be loaded; ``no_robot`` before it is sent, where
                the robot client has not called for a second, since the server would hang; ``unreachable``, ``late``.
        """
        chunks = _chunks(archive)
        self.metadata()
        self._proved_s = -PROOF_S
        interval = self._link.call("SetController", iter(chunks), self._controller_timeout_s)
        if interval.start < 0:
            text = "it never ran: the robot client was gone or began anew while it was set; set it again"
            raise PolymetisError("no_robot", f"{ARM_SERVICE} at {self.address}: SetController: {text}")
        self._proved_s = time.monotonic()
        return interval.start

    def update(self, archive: bytes) -> int:
        """Give the running controller new parameters.

        Args:
            archive: A TorchScript module whose forward() returns the parameters; at most 1 MiB.

        Returns:
            Index in the server's log of the first state that the new parameters act upon.

        Raises:
            PolymetisError: ``no_controller`` where none of a client's runs; ``refused`` where the controller does not
                take the parameters, the message saying why; ``unreachable``, ``late``.
        """
        _check_size(archive)
        if time.monotonic() - self._proved_s > PROOF_S and not self.controller_runs():
            text = "no controller runs; start one first (the robot client or the server was restarted, or it ended)"
            raise PolymetisError("no_controller", f"{ARM_SERVICE} at {self.address}: UpdateController: {text}")
        try:
            whole = ControllerChunk(torchscript_binary_chunk=archive)
            start = self._link.call_with_one("UpdateController", whole, self._timeout_s).start
        except PolymetisError:
            self._proved_s = -PROOF_S
            raise
        self._proved_s = time.monotonic()
        return start

    def terminate(self) -> tuple[int, int]:
        """End the running controller; the server's default controller holds the arm where it is then.

        Returns:
            Indices of its first and last state in the server's log.

        Raises:
            PolymetisError: ``no_controller`` where none runs; ``unreachable``, ``late``.
        """
        self._proved_s = -PROOF_S
        interval = self._link.call("TerminateController", Empty(), self._controller_timeout_s)
        return interval.start, interval.end

    def interval(self) -> tuple[int, int]:
        """Indices of the newest controller's first and last state in the server's log.

        The first is -1 where none ran since the robot client started, the last is -1 where it still runs.
        """
        found = self._link.call("GetEpisodeInterval", Empty(), self._timeout_s)
        return found.start, found.end

    def controller_runs(self) -> bool:
        """Whether a controller of a client's runs."""
        start, end = self.interval()
        return start != -1 and end == -1

    def log(self, start: int, end: int) -> list[ArmState]:
        """States that the server kept (the last five minutes at 1 kHz).

        Args:
            start: Index of the first.
            end: Index of the last, inclusive; -1 for the newest.

        Raises:
            PolymetisError: ``unreachable``, ``late``; also where `start` is negative, which the server would count
                to for ever.
        """
        if start < 0 or -1 != end < start:
            raise PolymetisError("refused", f"the log from state {start} to {end}: there is no such interval")
        request = LogInterval(start=start, end=end)
        method, timeout_s = "GetRobotStateLog", self._controller_timeout_s
        return list(StateStream(self._link, self._link.stream(method, request, timeout_s), method))

    def renew(self) -> None:
        """Make the connection anew, where it seems to have gone silent."""
        self._link.renew()

    def close(self) -> None:
        """Let go of the connection; the controller runs on. Safe to call twice."""
        self._link.close()


def arm_state(message: Any) -> ArmState:
    """An :class:`ArmState` of the protocol's RobotState.

    Raises:
        PolymetisError: ``refused`` where it is not of an arm with seven joints.
    """
    stamp = message.timestamp
    return ArmState(
        stamp_ns=stamp.seconds * 1_000_000_000 + stamp.nanos,
        q=_joints(message.joint_positions, "joint_positions"),
        qdot=_joints(message.joint_velocities, "joint_velocities"),
        torques_external=_joints(message.motor_torques_external, "motor_torques_external"),
        torques_measured=_joints(message.motor_torques_measured, "motor_torques_measured"),
        error_code=message.error_code,
        command_successful=message.prev_command_successful,
        controller_latency_ms=message.prev_controller_latency_ms,
    )


def _joints(values: Any, what: str) -> np.ndarray:
    found = np.array(values, dtype=np.float64)
    if found.shape != (JOINTS,):
        text = f"the server's {what} has {len(found)} values; Muse drives arms of {JOINTS} joints"
        raise PolymetisError("refused", text)
    return found


def _check_size(archive: bytes) -> None:
    if not archive or len(archive) > LARGEST_CONTROLLER_BYTES:
        text = f"an archive of {len(archive)} bytes: the server takes 1 to {LARGEST_CONTROLLER_BYTES}"
        raise PolymetisError("refused", text)


def _chunks(archive: bytes) -> list[Any]:
    _check_size(archive)
    starts = range(0, len(archive), CHUNK_BYTES)
    return [ControllerChunk(torchscript_binary_chunk=archive[at : at + CHUNK_BYTES]) for at in starts]
