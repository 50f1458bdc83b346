"""What can be made to go wrong between the loopback server and its users, for tests: set from outside while it runs."""

from __future__ import annotations

import random
import time
from typing import Any

import grpc


class Faults:
    """The server's faults; without any, it serves.

    Attributes:
        latency_s: Every answer comes this much later [s].
        jitter_s: And up to this much later than that [s].
        refused_controllers: The text with which new controllers are refused; empty: they are taken.
        serving: False once the server is going down: nothing waits any more.
    """

    def __init__(self, seed: int = 0) -> None:
        self.latency_s = 0.0
        self.jitter_s = 0.0
        self.refused_controllers = ""
        self.serving = True
        self._stalled_until = self._lost_until = self._streams_cut = 0.0
        self._random = random.Random(seed)

    def delay(self, latency_s: float, jitter_s: float = 0.0) -> None:
        """Answer later from now on [s]."""
        self.latency_s, self.jitter_s = float(latency_s), float(jitter_s)

    def stall_streams(self, for_s: float) -> None:
        """Deliver no streamed state for so long [s]; they come afterwards, all at once."""
        self._stalled_until = time.monotonic() + float(for_s)

    def cut_streams(self) -> None:
        """End the streams of states that run now."""
        self._streams_cut = time.monotonic()

    def lose_calls(self, for_s: float) -> None:
        """Answer no call for so long [s]: each fails as one does whose server is out of reach."""
        self._lost_until = time.monotonic() + float(for_s)

    def refuse_controllers(self, text: str = "") -> None:
        """Refuse new controllers with this text, as a libtorch does that cannot read them; take them where empty."""
        self.refused_controllers = str(text)

    def strike(self, context: Any) -> None:
        """Called once in every user's call: delays it, or ends it."""
        if self.latency_s or self.jitter_s:
            time.sleep(self.latency_s + self._random.uniform(0.0, self.jitter_s))
        if time.monotonic() < self._lost_until:
            context.abort(grpc.StatusCode.UNAVAILABLE, "out of reach: a fault that was asked for")

    def strike_controller(self) -> None:
        """Called before a controller is loaded.

        Raises:
            RuntimeError: when controllers are refused.
        """
        if self.refused_controllers:
            raise RuntimeError(self.refused_controllers)

    def stream_stalls(self, began: float, context: Any) -> bool:
        """Called by a stream of states in each of its turns: whether to deliver nothing now; ends a stream that is cut.

        Args:
            began: When the stream began, by `time.monotonic`.
            context: Its call.
        """
        if began <= self._streams_cut:
            context.abort(grpc.StatusCode.UNAVAILABLE, "stream cut: a fault that was asked for")
        return time.monotonic() < self._stalled_until
