"""The contract's streams on ``diagnostics``, with their figures: at 1 Hz, and at once when a verdict changes."""

from __future__ import annotations

import time

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node

from muse_ros.nodes.diagnostics_topic import DiagnosticsTopic, diagnostic
from muse_ros.recording.health import Health, StreamState
from muse_ros.recording.stream_watch import Level

PERIOD_S = 1.0
LEVELS = {
    Level.OK: DiagnosticStatus.OK,
    Level.DEGRADED: DiagnosticStatus.WARN,
    Level.MISSING: DiagnosticStatus.ERROR,
}


class StreamDiagnostics:
    """Publishes what the audit knows."""

    def __init__(self, node: Node, health: Health) -> None:
        """`node` is a collect node: its ``now_ns`` is the clock that stamps are on."""
        self._node, self._health = node, health
        self._topic = DiagnosticsTopic(node)
        self._levels: tuple[Level, ...] = ()
        self._due_s = 0.0

    def look(self) -> None:
        """Publish one status per topic if it is time or a verdict has changed; call it at 10 Hz or more."""
        now_ns = self._node.now_ns()
        states = self._health.streams(now_ns)
        levels = tuple(state.level for state in states)
        if levels == self._levels and time.monotonic() < self._due_s:
            return
        self._levels, self._due_s = levels, time.monotonic() + PERIOD_S
        self._topic.publish(now_ns, (self._status(state) for state in states))

    def _status(self, state: StreamState) -> DiagnosticStatus:
        figures = state.figures
        values = {
            "rate [Hz]": f"{figures.rate_hz:.1f}",
            "expected rate [Hz]": f"{state.expected.rate_hz:g}" if state.expected.rate_hz else "any",
            "age [s]": f"{figures.age_s:.3f}",
            "lag of reception [s]": f"{figures.lag_s:.3f}",
            "largest gap of the episode [s]": f"{figures.largest_gap_s:.3f}",
            "lost in the episode": str(figures.lost),
        }
        name = f"{self._node.get_name()}: {state.expected.topic}"
        return diagnostic(LEVELS[state.level], name, state.problem or "fresh", values)
