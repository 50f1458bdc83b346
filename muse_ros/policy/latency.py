"""Where the time goes between a camera's stamp and the arm: from the messages of a recording, stage by stage.

Pure: the same functions serve ``bench/latency.py``, the demo's report and the policy node's summary. The figures mean
something only at 1x, where all stamps lie on one wall clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from muse_ros.contract.message_fields import time_ns

PERCENTILES = (50, 95, 99)
NS_PER_S = 1_000_000_000
STAGES = {
    "camera_transport": "camera stamp to reception by the recorder (rendering and JPEG included)",
    "camera_age": "oldest camera stamp of the observation to the tick",
    "wait": "tick to the start of assembly: settle time and lateness",
    "assembly": "choosing and decoding the samples",
    "inference": "the policy's call",
    "publish": "publishing the action",
    "apply": "action published to the first set-point that serves it",
    "overhead": "transport of its pictures, assembly, publish, apply: all but the wait for the tick and the network",
    "camera_to_action": "oldest camera stamp of the observation to the action published",
    "camera_to_applied": "oldest camera stamp of the observation to the first set-point that serves it",
    "period_deviation": "time between two ticks' starts, less the nominal period, without its sign",
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
    """Collects what recordings say about time: feed it their messages in any order, then ask for the stages.

    Attributes:
        rate_hz: The policy's rate, for the deviation of its period [Hz].
        image_keys: Observation keys that are images.
        latency_ns: By such a key, what the contract takes off its stamps [ns]; 0 where it is not named.
    """

    rate_hz: float
    image_keys: frozenset[str]
    latency_ns: Mapping[str, int] = field(default_factory=dict)
    _transport_s: dict[int, list[float]] = field(default_factory=dict)
    _ticks: dict[int, Any] = field(default_factory=dict)
    _applied_ns: dict[int, int] = field(default_factory=dict)

    @property
    def ticks(self) -> int:
        """Ticks so far at which the policy acted."""
        return len(self._ticks)

    @property
    def missed_ticks(self) -> int:
        """Ticks that the policy node missed, as its last status counts them."""
        return max((tick.overruns for tick in self._ticks.values()), default=0)

    @property
    def late_samples(self) -> int:
        """Samples that arrived after the tick that they belonged to, as the node's last status counts them."""
        return max((tick.late_samples for tick in self._ticks.values()), default=0)

    def camera(self, stamp_ns: int, received_ns: int) -> None:
        """One image: when it was stamped, and when the recorder received it [ns]."""
        self._transport_s.setdefault(stamp_ns, []).append((received_ns - stamp_ns) / NS_PER_S)

    def status(self, message: Any) -> None:
        """One PolicyStatus; only those of ticks that acted count."""
        if message.state == 2:  # PolicyStatus.ACTING; messages read without ROS have no constants
            self._ticks[time_ns(message.header.stamp)] = message

    def applied(self, message: Any) -> None:
        """One AppliedAction; the first that serves an action counts."""
        action_ns, stamp_ns = time_ns(message.action_stamp), time_ns(message.header.stamp)
        if action_ns and message.source == "policy":
            self._applied_ns[action_ns] = min(stamp_ns, self._applied_ns.get(action_ns, stamp_ns))

    def stages(self) -> dict[str, Distribution]:
        """The distribution of each of ``STAGES`` [s]."""
        return {stage: Distribution.of(values) for stage, values in self.durations().items()}

    def durations(self) -> dict[str, list[float]]:
        """Every single duration of each of ``STAGES`` [s]."""
        durations: dict[str, list[float]] = {stage: [] for stage in STAGES}
        durations["camera_transport"] = [each for found in self._transport_s.values() for each in found]
        for tick_ns, tick in self._ticks.items():
            published_s = tick.wait + tick.assembly + tick.inference + tick.publish
            for stage in ("wait", "assembly", "inference", "publish"):
                durations[stage].append(getattr(tick, stage))
            if tick.period and tick.tick:
                durations["period_deviation"].append(abs(tick.period - 1.0 / self.rate_hz))
            applied_ns = self._applied_ns.get(tick_ns)
            applied_s = None if applied_ns is None else (applied_ns - tick_ns) / NS_PER_S
            if applied_s is not None:
                durations["apply"].append(applied_s - published_s)
                transport_s = self._transport(tick)
                if transport_s is not None:
                    own_s = tick.assembly + tick.publish + applied_s - published_s
                    durations["overhead"].append(transport_s + own_s)
            age_s = self._camera_age(tick)
            if age_s is not None:
                durations["camera_age"].append(age_s)
                durations["camera_to_action"].append(age_s + published_s)
                if applied_s is not None:
                    durations["camera_to_applied"].append(age_s + applied_s)
        return durations

    def periods_s(self) -> list[float]:
        """Times between the starts of ticks that follow one another in one episode [s]."""
        return [tick.period for tick in self._ticks.values() if tick.period and tick.tick]

    def _transport(self, tick: Any) -> float | None:
        """How long the slowest of a tick's pictures took; cameras that stamp alike are not told apart."""
        stamps = dict(zip(tick.keys, map(time_ns, tick.sample_stamps), strict=True))
        used = [stamps[key] + self.latency_ns.get(key, 0) for key in stamps if key in self.image_keys]
        return max((max(self._transport_s[stamp]) for stamp in used if stamp in self._transport_s), default=None)

    def _camera_age(self, tick: Any) -> float | None:
        ages = [age for key, age in zip(tick.keys, tick.ages, strict=True) if key in self.image_keys]
        return max(ages, default=None)


def table(stages: Mapping[str, Distribution]) -> str:
    """The stages as lines of text, in milliseconds."""
    lines = [f"{'stage':<18} {'p50':>7} {'p95':>7} {'p99':>7} {'max':>7}   n  [ms]"]
    for stage, found in stages.items():
        figures = " ".join(f"{v * 1e3:7.2f}" for v in (found.p50, found.p95, found.p99, found.largest))
        lines.append(f"{stage:<18} {figures} {found.count:5d}  {STAGES[stage]}")
    return "\n".join(lines)


def figures(stages: Mapping[str, Distribution]) -> dict[str, dict[str, float | int | None]]:
    """The stages as plain data for JSON; a stage without any measurement has None for its figures."""
    return {
        stage: {name: value if found.count else None for name, value in asdict(found).items()} | {"count": found.count}
        for stage, found in stages.items()
    }
