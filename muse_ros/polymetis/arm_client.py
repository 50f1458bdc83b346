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
from typing import Any

import grpc

from muse_ros.polymetis.arm_state import ArmState, RobotMetadata, arm_state, robot_metadata
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

PROOF_S = 0.1
"""An answer that a controller runs is believed for this long: no server can die and come back up within it."""
LOOK_S = 0.25
"""The server takes parameters for whatever controller runs; that it is still ours is looked at this often."""
ADVANCE_S = 0.2
"""A robot client calls a thousand times a second: one that has not called for this long is gone."""
LOGGED_STATES, STATE_S = 300_000, 0.001
"""The server keeps so many states; reading one of its log may take so long [s]."""


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
        self._looked_s = -LOOK_S  # when it was last looked which one
        self._began: int | None = None  # the first state of the one that was set here

    def metadata(self) -> RobotMetadata:
        """What the arm's side says of itself.

        Raises:
            PolymetisError: ``no_robot`` where the robot client has not called for a second; ``unreachable``, ``late``.
        """
        return robot_metadata(self._link.call("GetRobotClientMetadata", Empty(), self._timeout_s))

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
                the robot client does not call, since the server would hang; ``unreachable``, ``late``.
        """
        chunks = _chunks(archive)
        self._require_robot("SetController")
        self._proved_s, self._began = -PROOF_S, None
        interval = self._link.call("SetController", iter(chunks), self._controller_timeout_s)
        if interval.start < 0:
            text = "it never ran: the robot client was gone or began anew while it was set; set it again"
            raise PolymetisError("no_robot", f"{ARM_SERVICE} at {self.address}: SetController: {text}")
        self._proved_s = self._looked_s = time.monotonic()
        self._began = interval.start
        return interval.start

    def update(self, archive: bytes) -> int:
        """Give the running controller new parameters.

        Args:
            archive: A TorchScript module whose forward() returns the parameters; at most 1 MiB.

        Returns:
            Index in the server's log of the first state that the new parameters act upon.

        Raises:
            PolymetisError: ``no_controller`` where none of a client's runs, or another client has set one since (which
                is noticed within `LOOK_S`); ``refused`` where the controller does not take the parameters, the message
                saying why; ``unreachable``, ``late``.
        """
        _check_size(archive)
        now_s = time.monotonic()
        if now_s - self._proved_s > PROOF_S or now_s - self._looked_s > LOOK_S:
            self._require_controller("UpdateController")
        try:
            whole = ControllerChunk(torchscript_binary_chunk=archive)
            start = self._link.call_with_one("UpdateController", whole, self._timeout_s).start
        except PolymetisError as error:
            self._proved_s = -PROOF_S
            if error.kind == "refused":  # somebody else's controller refuses in words that tell nothing of that
                self._require_controller("UpdateController")
            raise
        self._proved_s = time.monotonic()
        return start

    def terminate(self) -> tuple[int, int]:
        """End the running controller; the server's default controller holds the arm where it is then.

        Returns:
            Indices of its first and last state in the server's log.

        Raises:
            PolymetisError: ``no_controller`` where none runs, or another client has set one since, which stays;
                ``no_robot`` before it is sent, where the robot client does not call, since the server would hang (once
                it is back, the controller has ended anyway); ``unreachable``, ``late``.
        """
        self._require_robot("TerminateController")
        self._require_controller("TerminateController")
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
        count = min((LOGGED_STATES if end == -1 else end) - start + 1, LOGGED_STATES)
        method, timeout_s = "GetRobotStateLog", self._controller_timeout_s + STATE_S * max(0, count)
        return list(StateStream(self._link, self._link.stream(method, request, timeout_s), method))

    def _require_robot(self, method: str) -> None:
        """Raise where the robot client does not call: what waits for it in the server would hang there."""
        self.metadata()
        first_ns, until_s = self.state().stamp_ns, time.monotonic() + ADVANCE_S
        while self.state().stamp_ns == first_ns:
            if time.monotonic() > until_s:
                text = "the robot client has stopped calling; look at the arm's brakes and reflex"
                raise PolymetisError("no_robot", f"{ARM_SERVICE} at {self.address}: {method} was not sent: {text}")

    def _require_controller(self, method: str) -> None:
        """Raise where none runs, or another than was set here."""
        start, end = self.interval()
        self._looked_s = time.monotonic()
        text = ""
        if start == -1 or end != -1:
            text = "no controller runs; start one first (the robot client or the server was restarted, or it ended)"
        elif self._began not in (None, start):
            text = "another client has set a controller of its own since; only one may lead the arm"
        if text:
            raise PolymetisError("no_controller", f"{ARM_SERVICE} at {self.address}: {method}: {text}")

    def close(self) -> None:
        """Let go of the connection; the controller runs on. Safe to call twice."""
        self._link.close()


def _check_size(archive: bytes) -> None:
    if not archive or len(archive) > LARGEST_CONTROLLER_BYTES:
        text = f"an archive of {len(archive)} bytes: the server takes 1 to {LARGEST_CONTROLLER_BYTES}"
        raise PolymetisError("refused", text)


def _chunks(archive: bytes) -> list[Any]:
    _check_size(archive)
    starts = range(0, len(archive), CHUNK_BYTES)
    return [ControllerChunk(torchscript_binary_chunk=archive[at : at + CHUNK_BYTES]) for at in starts]
