"""Ticks: the instants at which observations are taken, whole multiples of 1 / rate_hz of the node clock.

Integer arithmetic throughout, so that the live node and the converter name the same nanosecond. Imports no ROS.
"""

from __future__ import annotations

from fractions import Fraction

_NS = 1_000_000_000


def tick_ns(index: int, rate_hz: float) -> int:
    """The stamp of tick number `index` since the clock's zero [ns], rounded down."""
    return int(index * _NS // Fraction(rate_hz).limit_denominator(1_000_000))


def tick_index_at_or_after(stamp_ns: int, rate_hz: float) -> int:
    """The number of the first tick at or after `stamp_ns`."""
    index = int(stamp_ns * Fraction(rate_hz).limit_denominator(1_000_000) // _NS)
    while tick_ns(index, rate_hz) < stamp_ns:
        index += 1
    return index


def tick_at_or_after(stamp_ns: int, rate_hz: float) -> int:
    """The stamp of the first tick at or after `stamp_ns` [ns]."""
    return tick_ns(tick_index_at_or_after(stamp_ns, rate_hz), rate_hz)


def ticks_between(start_ns: int, end_ns: int, rate_hz: float) -> list[int]:
    """Every tick with ``start_ns <= tick <= end_ns`` [ns]."""
    first = tick_index_at_or_after(start_ns, rate_hz)
    last = tick_index_at_or_after(end_ns + 1, rate_hz)
    return [tick_ns(index, rate_hz) for index in range(first, last)]
