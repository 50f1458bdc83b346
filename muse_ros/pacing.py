"""When ticks happen: whole multiples of a period on one clock, with absolute deadlines.

Pure integer arithmetic: the time comes in as ``now_ns``, and nothing here sleeps. Because each tick is computed from its
index and not from the previous one, a rate whose period is no whole number of nanoseconds (30 Hz) does not drift.
Must not import rclpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

NS_PER_S = 1_000_000_000


class TickGrid:
    """The instants ``floor(k * 1e9 / rate_hz)`` [ns] for whole `k`."""

    def __init__(self, rate_hz: float) -> None:
        """A grid of `rate_hz` ticks a second.

        Raises:
            ValueError: where the rate is not a positive, finite number.
        """
        if not (math.isfinite(rate_hz) and rate_hz > 0):
            raise ValueError(f"rate_hz must be a positive number, got {rate_hz}")
        self._period = Fraction(NS_PER_S) / Fraction(rate_hz).limit_denominator(1_000_000)

    @property
    def period_ns(self) -> int:
        """The period, rounded to a nanosecond."""
        return round(self._period)

    def stamp(self, index: int) -> int:
        """The instant [ns] of tick number `index`."""
        return math.floor(index * self._period)

    def index_at_or_before(self, time_ns: int) -> int:
        """The number of the newest tick whose instant is at or before `time_ns`."""
        return math.ceil((time_ns + 1) / self._period) - 1

    def index_at_or_after(self, time_ns: int) -> int:
        """The number of the first tick whose instant is at or after `time_ns`."""
        index = self.index_at_or_before(time_ns)
        return index if self.stamp(index) == time_ns else index + 1

    def holds(self, time_ns: int) -> bool:
        """Whether `time_ns` is exactly a tick."""
        return self.stamp(self.index_at_or_before(time_ns)) == time_ns


@dataclass(frozen=True)
class Tick:
    """One tick to be taken.

    Attributes:
        index: Number of the tick on the grid.
        stamp_ns: Its instant [ns].
        missed: Ticks between the previous one taken and this one, which nobody took.
    """

    index: int
    stamp_ns: int
    missed: int


class Pacer:
    """Hands out the ticks of one run in order; where its caller was too slow, it skips to the newest one that is due."""

    def __init__(self, grid: TickGrid, start_ns: int) -> None:
        """A run whose first tick is the first one at or after `start_ns`."""
        self._grid = grid
        self._next = grid.index_at_or_after(start_ns)

    def next(self, now_ns: int) -> Tick:
        """The tick to take next. It may lie in the future; of several that are past, it is the newest.

        Args:
            now_ns: The time of the clock that the grid lies on [ns].
        """
        index = max(self._next, self._grid.index_at_or_before(now_ns))
        missed, self._next = index - self._next, index + 1
        return Tick(index, self._grid.stamp(index), missed)
