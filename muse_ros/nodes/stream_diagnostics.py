"""The contract's streams at 1 Hz on ``diagnostics``: for each its rate, age and lag, and what is wrong with it."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock
from rclpy.node import Node

from muse_ros.bridge import time_message
from muse_ros.recording.health import Health

PERIOD_S = 1.0
FORMATS = {"rate_hz": "rate [Hz]", "age_s": "age [s]", "lag_s": "lag of reception [s]"}


class StreamDiagnostics:
    """Publishes what the audit knows."""

    def __init__(self, node: Node, health: Health, steady: Clock) -> None:
        """`node` is a collect node: its ``now_ns`` is the clock that stamps are on."""
        self._node, self._health = node, health
        self._publisher = node.create_publisher(DiagnosticArray, "diagnostics", 10)
        node.create_timer(PERIOD_S, self.publish, clock=steady)

    def publish(self) -> None:
        """Publish one status per topic; an error where no episode could start with it."""
        now_ns = self._node.now_ns()
        verdicts, figures = self._health.verdicts(now_ns), self._health.figures(now_ns)
        array = DiagnosticArray(status=[self._status(topic, verdicts[topic], figures[topic]) for topic in verdicts])
        array.header.stamp = time_message(now_ns)
        self._publisher.publish(array)

    def _status(self, topic: str, problem: str, figures: dict[str, float | None]) -> DiagnosticStatus:
        values = [
            KeyValue(key=FORMATS[name], value="none" if value is None else f"{value:.3f}")
            for name, value in figures.items()
        ]
        return DiagnosticStatus(
            level=DiagnosticStatus.ERROR if problem else DiagnosticStatus.OK,
            name=f"{self._node.get_name()}: {topic}",
            message=problem or "fresh",
            values=values,
        )
