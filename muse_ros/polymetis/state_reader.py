"""Reads an arm's state in a thread of its own, through whatever happens to the server, and stamps it by our clock.

`poll` asks for the newest state at a rate: fresh to within a cycle, and enough for control and for bags. `stream` takes
every state, in bursts up to 20 ms old. Both come back by themselves. Must not import ROS or torch.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from muse_ros.polymetis.arm_client import StateStream
from muse_ros.polymetis.arm_state import ArmState
from muse_ros.polymetis.errors import PolymetisError
from muse_ros.polymetis.server_clock import ServerClock

RETRY_S = 0.02
"""After an error the next call waits this long at the least."""
CLOCK_S = 0.02
"""Beside a stream the newest state is asked for this often, for the server's clock and to know that it lives."""
SILENT_S = 0.5
"""A stream that brings nothing for this long, while new states are to be had, is opened anew."""


class StateClient(Protocol):
    """What of :class:`muse_ros.polymetis.arm_client.ArmClient` is needed here."""

    def state(self) -> ArmState:
        """The newest state."""

    def stream(self) -> StateStream:
        """Every state from now on."""


@dataclass(frozen=True)
class ReadState:
    """A state with its time by our clock.

    Attributes:
        state: The state; its own stamp is by the server's clock.
        stamp_ns: When it was measured, by our clock [ns]; larger than that of the state before, unless a clock was set.
        received_ns: When it came here, by our clock [ns].
    """

    state: ArmState
    stamp_ns: int
    received_ns: int


class StateReader:
    """The newest states of an arm, at hand at any time and from any thread.

    Args:
        client: Where they come from.
        rate_hz: How often to ask, where `source` is "poll".
        source: "poll" or "stream".
        kept: How many states are kept for :meth:`since`.
        clock: Our clock [ns].
    """

    def __init__(
        self,
        client: StateClient,
        rate_hz: float = 250.0,
        *,
        source: Literal["poll", "stream"] = "poll",
        kept: int = 2000,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        if rate_hz <= 0 or source not in ("poll", "stream"):
            raise ValueError(f"rate_hz {rate_hz} must be above 0, source {source!r} 'poll' or 'stream'")
        self._client, self._source, self._clock = client, source, clock
        self._period_s = 1 / rate_hz if source == "poll" else CLOCK_S
        self.server_clock = ServerClock()
        """How the server's clock stands to ours; written by this reader's thread."""
        self._changed = threading.Condition()
        self._states: deque[ReadState] = deque(maxlen=kept)
        self._seen: ArmState | None = None  # the newest state that a call brought, of whatever age
        self._taken_s = -math.inf  # when the newest of `_states` was measured, by the monotonic clock
        self._error: PolymetisError | None = None
        self._losses = 0
        self._asked_s: float | None = None  # when the call under way was made
        self._stop = threading.Event()
        self._stream: StateStream | None = None
        self._heard_s = math.inf  # when the stream was opened or brought something, by the monotonic clock
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to read. Errors do not come from here; see :attr:`error`."""
        targets = [self._poll, self._follow] if self._source == "stream" else [self._poll]
        self._threads = [threading.Thread(target=each, name=f"arm{each.__name__}", daemon=True) for each in targets]
        for thread in self._threads:
            thread.start()

    def newest(self) -> ReadState | None:
        """The newest state; None before the second one came: the first of a server may be an hour old."""
        with self._changed:
            return self._states[-1] if self._states else None

    def age_s(self) -> float:
        """How long ago the newest state was measured [s]; infinite where there is none. No clock's jump changes it."""
        with self._changed:
            return time.monotonic() - self._taken_s

    def since(self, stamp_ns: int) -> list[ReadState]:
        """The kept states that are newer than a stamp of our clock [ns], oldest first."""
        with self._changed:
            found: list[ReadState] = []
            for each in reversed(self._states):
                if each.stamp_ns <= stamp_ns:
                    break
                found.append(each)
            return found[::-1]

    def wait_newer(self, stamp_ns: int, timeout_s: float) -> ReadState | None:
        """Wait for a state newer than a stamp of our clock [ns]; None where none came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._states and self._states[-1].stamp_ns > stamp_ns, timeout_s)
            return self._states[-1] if self._states and self._states[-1].stamp_ns > stamp_ns else None

    @property
    def error(self) -> PolymetisError | None:
        """What went wrong with the newest call; None where nothing did."""
        with self._changed:
            return self._error

    def unanswered_s(self) -> float:
        """For how long the call under way has waited for its answer [s]; 0 between calls.

        It tells a server that is out of reach from an arm whose states do not move on.
        """
        with self._changed:
            return 0.0 if self._asked_s is None else time.monotonic() - self._asked_s

    @property
    def losses(self) -> int:
        """How often the server was lost since :meth:`start`."""
        with self._changed:
            return self._losses

    def close(self) -> None:
        """Stop reading. Safe to call twice."""
        self._stop.set()
        if (stream := self._stream) is not None:
            stream.cancel()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    def _poll(self) -> None:
        due_s = time.monotonic()
        while not self._stop.is_set():
            sent_ns, self._asked_s = self._clock(), time.monotonic()
            try:
                state = self._client.state()
            except PolymetisError as error:
                self._lost(error)
                due_s = time.monotonic() + max(self._period_s, RETRY_S)
            else:
                self._found(state, sent_ns, self._clock())
                due_s = max(due_s + self._period_s, time.monotonic())
            self._stop.wait(due_s - time.monotonic())

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                self._stream = self._client.stream()
                self._heard_s = time.monotonic()
                for state in self._stream:
                    self._heard_s = time.monotonic()
                    self._take(state, self._clock())
            except PolymetisError:  # the poll says what it is
                self._stop.wait(RETRY_S)

    def _found(self, state: ArmState, sent_ns: int, received_ns: int) -> None:
        with self._changed:
            self._error = self._asked_s = None
            first, new = self._seen is None, self._seen is None or state.stamp_ns != self._seen.stamp_ns
            self._seen = state
        if new and not first:  # how old the first is cannot be known
            self.server_clock.note(sent_ns, received_ns, state.stamp_ns)
            if self._source == "poll":
                self._take(state, received_ns)
            elif self._stream is not None and time.monotonic() - self._heard_s > SILENT_S:
                self._stream.cancel()

    def _take(self, state: ArmState, received_ns: int) -> None:
        if not self.server_clock.known:
            return
        stamp_ns = min(self.server_clock.to_ours(state.stamp_ns), received_ns)
        with self._changed:
            last_ns = self._states[-1].stamp_ns if self._states else stamp_ns - 1
            if last_ns - 50_000_000 < stamp_ns <= last_ns:  # the offset became known better; no state before the last
                stamp_ns = last_ns + 1
            self._states.append(ReadState(state, stamp_ns, received_ns))
            self._taken_s = time.monotonic() - (received_ns - stamp_ns) * 1e-9
            self._changed.notify_all()

    def _lost(self, error: PolymetisError) -> None:
        with self._changed:
            self._losses += self._error is None
            self._error, self._asked_s = error, None
