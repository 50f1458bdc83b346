"""Which tick is to be taken next: absolute deadlines on the grid of ticks, skipping what was missed.

Pure integer arithmetic: the time comes in as ``now_ns``, and nothing here sleeps. Each tick is computed from its index
and not from the previous one, so nothing drifts. Must not import rclpy.
"""

from __future__ import annotations

from dataclasses import dataclass

from muse_ros.contract.ticks import tick_index_at_or_after, tick_ns


@dataclass(frozen=True)
class Tick:
    """One tick to be taken.

    Attributes:
        number: Ticks of this run before it, taken or missed.
        stamp_ns: Its instant [ns].
        missed: Ticks between the previous one taken and this one, which nobody took.
    """

    number: int
    stamp_ns: int
    missed: int


class Pacer:
    """Hands out the ticks of one run in order; where its caller was too slow, it skips to the newest that is due."""

    def __init__(self, rate_hz: float, start_ns: int) -> None:
        """A run whose first tick is the first one at or after `start_ns`."""
        self._rate_hz = rate_hz
        self._first = self._next = tick_index_at_or_after(start_ns, rate_hz)

    def next(self, now_ns: int) -> Tick:
        """The tick to take next. It may lie in the future; of several that are past, it is the newest.

        Args:
            now_ns: The time of the clock that the ticks lie on [ns].
        """
        newest_due = tick_index_at_or_after(now_ns + 1, self._rate_hz) - 1
        index = max(self._next, newest_due)
        missed, self._next = index - self._next, index + 1
        return Tick(index - self._first, tick_ns(index, self._rate_hz), missed)
