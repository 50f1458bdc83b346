"""Where the time goes between a camera's stamp and the arm: from the messages of a recording, stage by stage.

Pure: the same function serves ``bench/latency.py``, the demo's report and the policy node's summary. Meaningful only at
1x, where all stamps lie on one wall clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

PERCENTILES = (50, 95, 99)
STAGES = {
    "transport": "camera stamp to arrival",
    "wait": "tick to the start of assembly: settle time and lateness",
    "assembly": "choosing and decoding the samples",
    "inference": "the policy's call",
    "publish": "publishing the action",
    "applied": "action published to the first set-point that serves it",
    "camera_to_action": "oldest camera stamp of the tick to the action published",
    "camera_to_applied": "oldest camera stamp of the tick to the first set-point that serves it",
}


@dataclass(frozen=True)
class Distribution:
    """What is told of many durations.

    Attributes:
        count: How many there were.
        p50: Median [s].
        p95: 95th percentile [s].
        p99: 99th percentile [s].
        largest: The largest [s].
    """

    count: int
    p50: float
    p95: float
    p99: float
    largest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Distribution:
        """The distribution of durations [s]; NaN everywhere where there is none."""
        array = np.fromiter(values, dtype=np.float64)
        if not array.size:
            return cls(0, *[float("nan")] * 4)
        return cls(array.size, *(float(p) for p in np.percentile(array, PERCENTILES)), float(array.max()))

    def in_ms(self) -> str:
        """``p50/p95/p99/max`` in milliseconds."""
        return "/".join(f"{value * 1e3:.1f}" for value in (self.p50, self.p95, self.p99, self.largest))


@dataclass
class LatencyLog:
    """Collects what a recording says about time; feed it the messages in any order, then ask for the result."""

    camera_transport_s: list[float] = field(default_factory=list)
    _ticks: list[Any] = field(default_factory=list)
    _applied_ns: dict[int, int] = field(default_factory=dict)

    def camera(self, stamp_ns: int, received_ns: int) -> None:
        """A camera's message: stamped, and received by the recorder [ns]."""
        self.camera_transport_s.append((received_ns - stamp_ns) / 1e9)

    def status(self, message: Any) -> None:
        """A PolicyStatus."""
        if message.state == message.ACTING:
            self._ticks.append(message)

    def applied(self, message: Any) -> None:
        """An AppliedAction."""
        action_ns = _ns(message.action_stamp)
        if action_ns:
            stamp_ns = _ns(message.header.stamp)
            self._applied_ns[action_ns] = min(stamp_ns, self._applied_ns.get(action_ns, stamp_ns))
