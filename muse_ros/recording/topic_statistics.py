"""Figures of one recorded topic: messages, rate, largest gap, messages lost on the way.

Loss is counted from the sequence numbers that publishers put on their messages, so it is exact, not guessed from
timing. Imports no ROS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_NS_PER_S = 1e9
_LONGEST_JUMP = 10_000


class SequenceLoss:
    """Counts the messages missing from the sequence numbers of one topic's publishers.

    The middleware does not say which publisher a message came from. A number that continues a known sequence belongs to
    it; any other begins a sequence while there are more publishers than sequences, or jumps ahead in the nearest one.
    No jump is taken for a loss that is longer than what a subscription can hold back: it is a publisher that has joined
    and is not known of yet.

    Attributes:
        publishers: How many publishers the graph tells of.
        turns: How often two known sequences took turns. One that is gone, but still in the graph, takes none.
    """

    def __init__(self) -> None:
        self.publishers = 1
        self.turns = 0
        self._last: list[int] = []
        self._newest = 0

    def missing_before(self, sequence: int) -> int:
        """Messages lost between this one and its predecessor from the same publisher."""
        last = self._last
        if sequence - 1 in last:
            self.turns += self._newest != sequence - 1
            self._newest = last[last.index(sequence - 1)] = sequence
            return 0
        self._newest = sequence
        below = [number for number in last if number < sequence]
        if len(last) < self.publishers or not below or sequence - max(below) > _LONGEST_JUMP:
            # a new publisher, or one that started again in the place of one that is gone
            if len(last) >= self.publishers:
                last.remove(min(last))
            last.append(sequence)
            return 0
        nearest = max(below)
        last[last.index(nearest)] = sequence
        return sequence - nearest - 1


@dataclass
class TopicStatistics:
    """Counts of one topic over one episode; times are stamps where messages carry them, else times of reception."""

    type: str
    count: int = 0
    bytes: int = 0
    lost: int = 0
    first_ns: int = 0
    last_ns: int = 0
    max_gap_ns: int = 0

    def add(self, time_ns: int, size: int, lost: int = 0) -> None:
        """One message of `size` bytes, before which `lost` others went missing."""
        if self.count:
            self.max_gap_ns = max(self.max_gap_ns, time_ns - self.last_ns)
            self.last_ns = max(self.last_ns, time_ns)
        else:
            self.first_ns = self.last_ns = time_ns
        self.count += 1
        self.bytes += size
        self.lost += lost

    def to_dict(self) -> dict[str, Any]:
        """Plain figures, with units in their names."""
        span_s = (self.last_ns - self.first_ns) / _NS_PER_S
        rate_hz = (self.count - 1) / span_s if self.count > 1 and span_s > 0 else None
        return {
            "type": self.type,
            "count": self.count,
            "bytes": self.bytes,
            "lost": self.lost,
            "rate_hz": None if rate_hz is None else round(rate_hz, 3),
            "max_gap_s": round(self.max_gap_ns / _NS_PER_S, 6),
        }
