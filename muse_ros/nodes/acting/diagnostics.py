"""The policy node's health at 1 Hz on ``diagnostics``: how it goes, how fast it ticks, and where the time goes."""

from __future__ import annotations

from collections import deque
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from muse_ros.nodes.diagnostics_topic import DiagnosticsTopic, diagnostic
from muse_ros.policy.latency import Distribution
from muse_ros.policy.loop import TickReport
from muse_ros.policy.outcomes import State
from muse_ros.policy.summary import PolicySummary

RECENT_TICKS = 100
LEVELS = {State.HOLDING: DiagnosticStatus.WARN, State.STOPPED: DiagnosticStatus.ERROR}


class PolicyDiagnostics:
    """Remembers the last ticks and publishes what they say."""

    def __init__(self, node: Any, summary: PolicySummary, inference: str) -> None:
        """Make the publisher.

        Args:
            node: The node that it belongs to.
            summary: Counts of the session.
            inference: ``synchronous`` or ``asynchronous``.
        """
        self._summary, self._inference = summary, inference
        self._topic = DiagnosticsTopic(node)
        self._recent: deque[tuple[TickReport, float]] = deque(maxlen=RECENT_TICKS)

    def take(self, report: TickReport, period_s: float) -> None:
        """Remember a tick and the time since the start of the one before [s]."""
        self._recent.append((report, period_s))

    def rest(self) -> None:
        """No ticks happen."""
        self._recent.clear()

    def publish(self, now_ns: int) -> None:
        """Publish how the last ticks went."""
        recent = list(self._recent)
        last = recent[-1][0] if recent else None
        level, message = DiagnosticStatus.OK, "no episode runs"
        if last is not None:
            level = LEVELS.get(last.state, DiagnosticStatus.OK)
            message = f"{last.state.value}: {last.reason}" if last.reason else last.state.value
        values = {
            "state": last.state.value if last else "waiting",
            "inference": self._inference,
            **_timing(recent),
            "overruns": str(self._summary.overruns),
            "dropped actions": str(self._summary.dropped),
            "holds": ", ".join(f"{kind} {n}" for kind, n in sorted(self._summary.holds.items())) or "none",
            "stops": str(self._summary.stops.total()),
        }
        self._topic.publish(now_ns, [diagnostic(level, "policy: ticks", message, values)])

    def close(self) -> None:
        """Drop the publisher."""
        self._topic.close()


def _timing(recent: list[tuple[TickReport, float]]) -> dict[str, str]:
    """Rate and stages of the last ticks."""
    periods = [period_s for _, period_s in recent if period_s]
    stages = {
        "wait": [report.wait_s for report, _ in recent],
        "assembly": [report.assembly_s for report, _ in recent],
        "inference": [report.inference_s for report, _ in recent if report.inference_s],
        "planning": [planned_s for report, _ in recent for planned_s in report.planned_s],
    }
    found = {f"{name} p50/p95 [ms]": _percentiles(values) for name, values in stages.items()}
    return {"rate [Hz]": f"{len(periods) / sum(periods):.2f}" if periods else "none", **found}


def _percentiles(values: list[float]) -> str:
    if not values:
        return "none"
    of = Distribution.of(values)
    return f"{1e3 * of.p50:.1f}/{1e3 * of.p95:.1f}"
