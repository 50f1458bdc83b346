"""One gRPC connection to a Polymetis server, which comes back by itself, and what its errors mean.

Every call has a deadline. A refused connection is tried again every tenth of a second. A connection that has gone
silent (a cable pulled: TCP would wait for many seconds after it is back) is thrown away and made anew. Safe to use from
several threads. Must not import ROS or torch.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import grpc

from muse_ros.polymetis.errors import PolymetisError
from muse_ros.polymetis.messages import Stub

SILENT_S = 0.5
"""A connection is made anew where a call is late and none was answered for this long."""

_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),  # an attempt that nothing answers is given up after this
    ("grpc.max_reconnect_backoff_ms", 100),  # a server that comes back is there before its arm is given up
    ("grpc.use_local_subchannel_pool", 1),  # else a new channel takes over the silent connection of the old one
    ("grpc.enable_http_proxy", 0),  # the arm is on a network of its own, whatever http_proxy says
)


class Link:
    """The connection to one service of one server. Connects at the first call, not before.

    Args:
        address: ``HOST:PORT``.
        service: A service of :data:`muse_ros.polymetis.messages.METHODS`.
    """

    def __init__(self, address: str, service: str) -> None:
        self.address = address
        self._service = service
        self._lock = threading.Lock()
        self._closed = False
        self._answered_s = time.monotonic()
        self._open()

    def call(self, method: str, request: Any, timeout_s: float) -> Any:
        """The answer of `method` to a message, or to an iterator of messages where it takes a stream.

        Raises:
            PolymetisError: of the kind that fits, also where the connection is closed.
        """
        return self._answer(self._stub, method, request, timeout_s)

    def call_with_one(self, method: str, request: Any, timeout_s: float) -> Any:
        """As :meth:`call` of a method that takes a stream, with a stream of one message.

        On the wire that is what a call with a single message is; sent as such it costs no thread, and a millisecond
        less.
        """
        return self._answer(self._single, method, request, timeout_s)

    def _answer(self, calls: Any, method: str, request: Any, timeout_s: float) -> Any:
        channel = self._channel
        try:
            answer = getattr(calls, method)(request, timeout=timeout_s)
        except grpc.RpcError as error:
            explained = self.explained(method, error, timeout_s)
            if explained.kind == "late":
                self._renew_if_silent(channel)
            raise explained from error
        except ValueError as error:  # what gRPC says of a closed channel
            raise self._closed_error(method) from error
        self._answered_s = time.monotonic()
        return answer

    def stream(self, method: str, request: Any, timeout_s: float | None = None) -> Any:
        """A call whose answers are iterated over, which may raise `grpc.RpcError`; `cancel()` ends it from any thread.

        Raises:
            PolymetisError: where the connection is closed.
        """
        try:
            return getattr(self._stub, method)(request, timeout=timeout_s)
        except ValueError as error:
            raise self._closed_error(method) from error

    def renew(self) -> None:
        """Make the connection anew. Calls under way on the old one end as unreachable."""
        with self._lock:
            if not self._closed:
                self._channel.close()
                self._open()

    def close(self) -> None:
        """Let go of the connection; calls under way end as unreachable. Safe to call twice."""
        with self._lock:
            self._closed = True
            self._channel.close()

    def explained(self, method: str, error: Any, timeout_s: float | None = None) -> PolymetisError:
        """What a gRPC error of a call means."""
        code, details = error.code(), in_its_own_words(error.details() or "")
        where = f"{self._service} at {self.address}: {method}"
        if code == grpc.StatusCode.UNAVAILABLE or "hannel closed" in details:
            text = f"cannot be reached ({details}); is the server started, the address right and the cable in?"
            return PolymetisError("unreachable", f"{where}: {text}")
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            wait = "" if timeout_s is None else f" within {timeout_s:g} s"
            text = f"no answer{wait}; the network is cut, or the server waits for its robot client"
            return PolymetisError("late", f"{where}: {text}")
        if "no controller running" in details:
            return PolymetisError("no_controller", f"{where}: no controller runs; start one first ({details})")
        absent = ("Robot context not valid", "Failed to serialize response")  # the arm's server, the hand's
        if any(each in details for each in absent) or code == grpc.StatusCode.FAILED_PRECONDITION:
            text = f"no robot client talks to the server ({details}); start it, and look at the arm's brakes and reflex"
            return PolymetisError("no_robot", f"{where}: {text}")
        if code == grpc.StatusCode.UNIMPLEMENTED:
            return PolymetisError("refused", f"{where}: what listens there is no {self._service}; is the port right?")
        return PolymetisError("refused", f"{where}: {code.name}: {details}")

    def _open(self) -> None:
        self._channel = grpc.insecure_channel(self.address, options=_OPTIONS)
        self._stub = Stub(self._channel, self._service)
        self._single = Stub(self._channel, self._service, single=True)
        self._answered_s = time.monotonic()

    def _renew_if_silent(self, channel: Any) -> None:
        if channel is self._channel and time.monotonic() - self._answered_s > SILENT_S:
            self.renew()

    def _closed_error(self, method: str) -> PolymetisError:
        return PolymetisError("unreachable", f"{self._service} at {self.address}: {method}: this client is closed")


def in_its_own_words(details: str) -> str:
    """What a server's status says, in one line: no stack frames of libtorch's, of a controller's exception its words.

    libtorch quotes an exception raised in TorchScript in the last line, below the sources of where it was raised.
    """
    told = [line.strip() for line in details.partition("Exception raised from")[0].splitlines() if line.strip()]
    if not told:
        return ""
    raised = told[-1].partition("builtins.")[2].partition(": ")[2]
    if not raised:
        return told[0]
    return f"{told[0].partition(': ')[0]}: {raised}"
