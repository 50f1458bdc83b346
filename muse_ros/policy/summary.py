"""What a run of the policy came to: rate, jitter, latency by stage, and what went wrong how often. Pure arithmetic."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from muse_ros.policy.latency import Distribution
from muse_ros.policy.loop import TickReport
from muse_ros.policy.outcomes import State

STAGES = ("wait", "assembly", "inference", "planning", "publish")
KEPT_TICKS = 200_000  # five hours at 10 Hz; older durations no longer count in the percentiles


@dataclass
class TickStatistics:
    """Durations and counts of a stretch of ticks.

    Attributes:
        ticks: Ticks taken.
        holds: Ticks at which the arm held, by the reason.
        waits: Ticks at the beginning of an episode before streams or a first plan had come.
        taken_over: Ticks at which a person had the arm.
        overruns: Ticks missed.
        dropped: Actions whose time was over when they were ready.
        stops: Times that the policy gave up, by the reason's kind.
        periods: Time between the starts of ticks that follow one another [s].
        deviations: How far each of these is from the nominal period [s].
        stages: Duration of each stage [s]; `planning` is that of a model for which ticks do not wait.
    """

    ticks: int = 0
    holds: Counter[str] = field(default_factory=Counter)
    waits: int = 0
    taken_over: int = 0
    overruns: int = 0
    dropped: int = 0
    stops: Counter[str] = field(default_factory=Counter)
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
        stages = ", ".join(
            f"{stage} {Distribution.of(values).in_ms()}" for stage, values in self.stages.items() if values
        )
        counts = [f"{self.overruns} overruns", f"{self.dropped} dropped", _listed("holds", self.holds)]
        counts += [f"waited for {self.waits}"] if self.waits else []
        counts += [f"taken over for {self.taken_over}"] if self.taken_over else []
        counts += [_listed("stops", self.stops)] if self.stops else []
        return f"{self.ticks} ticks, {rate}{jitter}{stages} ms (p50/p95/p99/max); {', '.join(counts)}"


class PolicySummary(TickStatistics):
    """Statistics of a session, and within it of the run that goes on."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        super().__init__()
        self._of_run = TickStatistics()
        self._previous: tuple[int, float] | None = None
        self._dropped = 0

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
        durations = {
            "wait": (report.wait_s,),
            "assembly": (report.assembly_s,),
            "inference": (report.inference_s,) if report.inference_s > 0.0 else (),
            "planning": report.planned_s,
            "publish": (publish_s,) if report.action is not None else (),
        }
        dropped, self._dropped = report.dropped - self._dropped, report.dropped
        for statistics in (self, self._of_run):
            statistics.ticks += 1
            statistics.overruns += report.tick.missed
            statistics.dropped += dropped
            _count(statistics, report)
            if report.state is State.STOPPED and report.hold is None:
                continue  # nothing is done at such a tick
            if period_s and not report.tick.missed:
                statistics.periods.append(period_s)
                statistics.deviations.append(abs(period_s - nominal_s))
            for stage in STAGES:
                statistics.stages[stage].extend(durations[stage])
        return period_s

    def _period(self, report: TickReport) -> float:
        """From the previous tick's start to this one's, without losing nanoseconds in a float of seconds since 1970."""
        previous, self._previous = self._previous, (report.tick.stamp_ns, report.wait_s)
        if previous is None:
            return 0.0
        return (report.tick.stamp_ns - previous[0]) / 1e9 + report.wait_s - previous[1]


def _count(statistics: TickStatistics, report: TickReport) -> None:
    """Count how a tick went."""
    statistics.waits += report.state is State.WAITING
    statistics.taken_over += report.state is State.TAKEN_OVER
    if report.hold is not None and report.state is State.HOLDING:
        statistics.holds[report.hold.value] += 1
    if report.hold is not None and report.state is State.STOPPED:
        statistics.stops[report.hold.value] += 1


def _listed(what: str, counts: Counter[str]) -> str:
    """``3 holds (2 late inference, 1 policy failed)``, or ``0 holds``."""
    if not counts:
        return f"0 {what}"
    return f"{counts.total()} {what} ({', '.join(f'{number} {kind}' for kind, number in counts.most_common())})"
