"""The policy's timing over its last ticks, stage by stage, as rows of a table.

Pure: takes anything with the fields of a PolicyStatus.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from muse_ros.policy.latency import Distribution

STAGES = ("wait", "assembly", "inference", "publish")
"""The durations that a PolicyStatus tells."""
TICKS = 200
MS = 1e3


class PolicyTiming:
    """Collects ticks; a tick's durations are in seconds, the table's in milliseconds."""

    def __init__(self) -> None:
        self._ticks: deque[Any] = deque(maxlen=TICKS)

    def take(self, status: Any) -> None:
        """A PolicyStatus; another episode begins anew, and what is no tick (a period of nothing) is left out."""
        if self._ticks and self._ticks[-1].episode_id != status.episode_id:
            self._ticks.clear()
        if status.keys:
            self._ticks.append(status)

    def rows(self) -> tuple[tuple[str, str, str, str], ...]:
        """(stage, median, 95th percentile, longest) [ms]; none before the first tick."""
        if not self._ticks:
            return ()
        stages = {stage: [getattr(tick, stage) for tick in self._ticks] for stage in STAGES}
        stages["period"] = [tick.period for tick in self._ticks if tick.period > 0]
        return tuple((stage, *_figures(values)) for stage, values in stages.items() if values)

    def counts(self) -> str:
        """What went wrong since the policy began, in a line; empty before the first tick."""
        if not self._ticks:
            return ""
        last = self._ticks[-1]
        return f"{last.overruns} overruns, {last.late_samples} late samples, {last.dropped_actions} dropped actions"


def _figures(values: list[float]) -> tuple[str, str, str]:
    of = Distribution.of(values)
    return f"{MS * of.p50:.1f}", f"{MS * of.p95:.1f}", f"{MS * of.largest:.1f}"
