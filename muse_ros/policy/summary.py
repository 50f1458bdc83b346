"""What a run of the policy came to: rate, jitter, latency by stage, and what went wrong how often. Pure arithmetic."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from muse_ros.policy.latency import Distribution
from muse_ros.policy.loop import TickReport

STAGES = ("wait", "assembly", "inference", "publish")
KEPT_TICKS = 200_000  # five hours at 10 Hz; older durations no longer count in the percentiles


@dataclass
class TickStatistics:
    """Durations and counts of a stretch of ticks.

    Attributes:
        ticks: Ticks taken.
        holds: Ticks without an action.
        overruns: Ticks missed.
        late: Actions that came more than a period after their tick.
        periods: Time between the starts of ticks that follow one another [s].
        deviations: How far each of these is from the nominal period [s].
        stages: Duration of each stage [s].
    """

    ticks: int = 0
    holds: int = 0
    overruns: int = 0
    late: int = 0
    periods: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_TICKS))
    deviations: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_TICKS))
    stages: dict[str, deque[float]] = field(
        default_factory=lambda: {stage: deque(maxlen=KEPT_TICKS) for stage in STAGES}
    )

    def text(self) -> str:
        """One line for an operator."""
        if not self.ticks:
            return "no ticks"
        rate = f"{len(self.periods) / sum(self.periods):.2f} Hz, " if self.periods else ""
        jitter = f"jitter {Distribution.of(self.deviations).in_ms()} ms, " if self.periods else ""
        stages = ", ".join(f"{stage} {Distribution.of(values).in_ms()}" for stage, values in self.stages.items())
        return (
            f"{self.ticks} ticks, {rate}{jitter}{stages} ms (p50/p95/p99/max); "
            f"{self.overruns} overruns, {self.late} late, {self.holds} holds"
        )


class PolicySummary(TickStatistics):
    """Statistics of a session, and within it of the run that goes on."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        super().__init__()
        self._of_run = TickStatistics()
        self._previous: tuple[int, float] | None = None

    def begin(self) -> None:
        """A new run begins."""
        self._of_run = TickStatistics()
        self._previous = None

    def of_run(self) -> TickStatistics:
        """The run that goes on, or the last one."""
        return self._of_run

    def add(self, report: TickReport, publish_s: float, nominal_s: float) -> float:
        """Count one tick.

        Args:
            report: The tick.
            publish_s: Duration of publishing its action [s].
            nominal_s: The period of the ticks [s].

        Returns:
            Time since the previous tick of this run started [s]; 0 at its first.
        """
        period_s = self._period(report)
        took_s = report.wait_s + report.assembly_s + report.inference_s + publish_s
        durations = (report.wait_s, report.assembly_s, report.inference_s, publish_s)
        for statistics in (self, self._of_run):
            statistics.ticks += 1
            statistics.holds += report.action is None
            statistics.overruns += report.tick.missed
            statistics.late += report.action is not None and took_s > nominal_s
            if period_s and not report.tick.missed:
                statistics.periods.append(period_s)
                statistics.deviations.append(abs(period_s - nominal_s))
            for stage, duration in zip(STAGES, durations, strict=True):
                statistics.stages[stage].append(duration)
        return period_s

    def _period(self, report: TickReport) -> float:
        """From the previous tick's start to this one's, without losing nanoseconds in a float of seconds since 1970."""
        previous, self._previous = self._previous, (report.tick.stamp_ns, report.wait_s)
        if previous is None:
            return 0.0
        return (report.tick.stamp_ns - previous[0]) / 1e9 + report.wait_s - previous[1]
