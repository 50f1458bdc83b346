"""When the next control period begins: absolute deadlines on the steady clock, stamps on a fixed grid.

Two paces with the same methods. :class:`RealTimePace` stamps by the system's clock, on whole multiples of the period,
and follows that clock's slow corrections. :class:`SimulatedPace` makes time itself, up to a factor faster than the
wall. Clocks and sleeping come in as arguments. Must not import rclpy.
"""

from __future__ import annotations

from collections.abc import Callable

LATE_NS = 100_000_000
"""Further behind than this, periods are skipped rather than made up for."""
JUMP_NS = 50_000_000
"""A larger difference between the clocks than this is a step of the system's clock, not a drift."""
DRIFT_GAIN = 0.01

Clock = Callable[[], int]
Sleep = Callable[[float], None]


class RealTimePace:
    """Control periods at 1x.

    Args:
        period_ns: Of control [ns].
        system_ns: The clock that stamps come from.
        steady_ns: The clock that never jumps.
        sleep: Blocks for a time [s].

    Attributes:
        skipped: Periods left out so far because the loop was too slow or the clock jumped.
    """

    def __init__(self, period_ns: int, system_ns: Clock, steady_ns: Clock, sleep: Sleep) -> None:
        self._period, self._system, self._steady, self._sleep = period_ns, system_ns, steady_ns, sleep
        self.skipped = 0
        self.begin()

    def begin(self) -> None:
        """Start from now: the next period begins at the next whole multiple of the period."""
        system, steady = self._system(), self._steady()
        self._stamp = -(-system // self._period) * self._period
        self._deadline = steady + self._stamp - system

    def left_s(self) -> float:
        """Until the next period begins [s]; negative where the loop is late."""
        return (self._deadline - self._steady()) * 1e-9

    def now_ns(self) -> int:
        """The time of the clock that stamps come from [ns]: later than this period's stamp where the loop is late."""
        return self._system()

    def wait(self) -> int:
        """Sleep until the next period begins; returns its stamp [ns], a whole multiple of the period."""
        ahead = self._deadline - self._steady()
        if ahead > 0:
            self._sleep(ahead * 1e-9)
        late = self._steady() - self._deadline
        error = self._system() - late - self._stamp
        if abs(error) > JUMP_NS or late > LATE_NS:
            before = self._stamp
            self.begin()
            self.skipped += max(0, (self._stamp - before) // self._period)
            ahead = self._deadline - self._steady()
            self._sleep(max(0, ahead) * 1e-9)
            error = 0
        stamp = self._stamp
        self._stamp += self._period
        self._deadline += self._period - int(DRIFT_GAIN * error)
        return stamp


class SimulatedPace:
    """Control periods of simulated time.

    Args:
        period_ns: Of control [ns].
        start_ns: Stamp of the first period [ns].
        factor: Simulated seconds per second of wall time at most, where the caller asks for it.
        steady_ns: The clock that never jumps.
        sleep: Blocks for a time [s].
    """

    def __init__(self, period_ns: int, start_ns: int, factor: float, steady_ns: Clock, sleep: Sleep) -> None:
        self._period, self._steady, self._sleep = period_ns, steady_ns, sleep
        self._wall_period = int(period_ns / factor)
        self._stamp = start_ns - period_ns
        self.skipped = 0
        self.begin()

    def begin(self) -> None:
        """Start from now, with the stamp that is next."""
        self._deadline = self._steady()

    def now_ns(self) -> int:
        """The simulated time [ns]: the last period's stamp."""
        return self._stamp

    def wait(self, bounded: bool = True) -> int:
        """The stamp of the next period [ns], after sleeping where `bounded` and time has run faster than allowed."""
        now = self._steady()
        if bounded and self._deadline > now:
            self._sleep((self._deadline - now) * 1e-9)
        self._deadline = max(now - LATE_NS, self._deadline) + self._wall_period if bounded else now
        self._stamp += self._period
        return self._stamp
