"""When a message was received, on the clock that the rest of the graph lives by.

The middleware stamps receptions with the system's time. Where the graph runs on ``/clock``, those times mean nothing to
a bag's reader: here each is replaced by the newest ``/clock`` time that had been received by then. Imports no ROS.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

_KEPT = 4096


class ReceiveClock:
    """Turns system times of reception [ns] into times of ``/clock`` [ns]; without ``/clock`` it changes nothing."""

    def __init__(self, simulated: bool) -> None:
        """`simulated`: the graph runs on ``/clock``."""
        self.simulated = simulated
        self._system: deque[int] = deque(maxlen=_KEPT)
        self._clock: deque[int] = deque(maxlen=_KEPT)

    def note(self, received_ns: int, clock_ns: int) -> None:
        """``/clock`` said `clock_ns`, received at system time `received_ns`."""
        if self._system and received_ns < self._system[-1]:
            self._system.clear()
            self._clock.clear()
        self._system.append(received_ns)
        self._clock.append(clock_ns)

    def at(self, received_ns: int) -> int | None:
        """The clock's time [ns] at system time `received_ns`; None while ``/clock`` is silent."""
        if not self.simulated:
            return received_ns
        if not self._system:
            return None
        if received_ns >= self._system[-1]:
            return self._clock[-1]
        return self._clock[max(0, bisect_right(self._system, received_ns) - 1)]
