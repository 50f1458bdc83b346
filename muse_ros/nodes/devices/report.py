"""What is wrong with a teleoperation device: in the log when it changes, on ``diagnostics`` then and at 1 Hz."""

from __future__ import annotations

from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import Clock, ClockType

from muse_ros.nodes.diagnostics_topic import DiagnosticsTopic, diagnostic

PERIOD_S = 1.0


class DeviceReport:
    """Repeats what a device last said about itself.

    Attributes:
        problem: Why nothing moves, and what to do; empty where all is well.
        hint: What the operator has to do now, where nothing is wrong.
    """

    def __init__(self, node: Any, device: str) -> None:
        """Advertise ``diagnostics``.

        Args:
            node: The teleop node.
            device: Name of its device.
        """
        self._node, self._device = node, device
        self.problem = self.hint = ""
        self._topic = DiagnosticsTopic(node)
        node.create_timer(PERIOD_S, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def say(self, problem: str, hint: str = "") -> None:
        """Take note of the device's state; called at every heartbeat, it speaks when something changed.

        Args:
            problem: Why nothing moves, and what to do; empty where all is well.
            hint: What the operator has to do now, where nothing is wrong.
        """
        if (problem, hint) == (self.problem, self.hint):
            return
        if problem and problem != self.problem:
            self._node.get_logger().warning(f"{self._device}: {problem}")
        elif self.problem and not problem:
            self._node.get_logger().info(f"{self._device}: works again")
        self.problem, self.hint = problem, hint
        self._publish()

    def _publish(self) -> None:
        level, text = DiagnosticStatus.OK, "ok"
        if self.problem or self.hint:
            level = DiagnosticStatus.ERROR if self.problem else DiagnosticStatus.WARN
            text = self.problem or self.hint
        status = diagnostic(level, f"teleop: {self._device}", text, hardware_id=self._device)
        self._topic.publish(self._node.now_ns(), [status])
