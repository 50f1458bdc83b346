"""The panda node's health at 1 Hz on ``diagnostics``: who has the arm, how fast the loop runs, which limits act."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node

from muse_ros.arm.arm_control import ArmControl
from muse_ros.nodes.diagnostics_topic import DiagnosticsTopic, diagnostic


class Diagnostics:
    """Compares the loop's counters with those of the last message."""

    def __init__(self, node: Node, loop: Any, control: ArmControl, actions: Any, robot: str) -> None:
        """Make the publisher; `loop` is the :class:`ArmLoop`."""
        self._node = node
        self._topic = DiagnosticsTopic(node)
        self._loop, self._control, self._actions, self._robot = loop, control, actions, robot
        self._last = self._counters()
        self._last_hit: Counter[str] = Counter()

    def publish(self) -> None:
        """Publish what has happened since the last call."""
        now, before = self._counters(), self._last
        self._last = now
        wall_s = max(1e-9, now["steady_s"] - before["steady_s"])
        passed_ns = now["now_ns"] - before["now_ns"] if before["now_ns"] else 0  # there is no time before the first
        hit = Counter(self._control.limits_hit)
        new_hits, self._last_hit = hit - self._last_hit, hit
        waiting = self._loop.waiting_for_ns
        level, message = self._verdict(now["skipped"] > before["skipped"], now["refused"] > before["refused"])
        values = {
            "robot": self._robot,
            "source": self._control.source or "none",
            "conflict": self._control.conflict or "none",
            "enabled": str(self._control.enabled),
            "recording": str(self._control.recording),
            "recorder lost": str(self._control.recorder_lost),
            "to be released": str(self._control.to_be_released),
            "stopped": str(self._control.stopped),
            "homing": str(self._control.homing),
            "led by hand": str(self._loop.led.guided),
            "control rate [Hz]": f"{(now['periods'] - before['periods']) / wall_s:.1f}",
            "camera rate [Hz]": f"{(now['views'] - before['views']) / wall_s:.1f}",
            "time factor [1]": f"{passed_ns * 1e-9 / wall_s:.2f}",
            "waiting for the action of [s]": "none" if waiting is None else f"{waiting * 1e-9:.3f}",
            "periods skipped": str(now["skipped"]),
            "actions refused": str(now["refused"]),
            "actions too late": str(self._control.late),
            "deltas dropped": str(self._control.dropped),
            "limits hit in the last second": ", ".join(f"{name} {n}" for name, n in sorted(new_hits.items())) or "none",
            **self._loop.report(),
        }
        status = diagnostic(level, "panda: arm control", message, values, self._robot)
        self._topic.publish(self._loop.now_ns, [status])

    def _counters(self) -> dict[str, Any]:
        return {
            "steady_s": time.monotonic(),
            "periods": self._loop.periods,
            "views": self._loop.views,
            "now_ns": self._loop.now_ns,
            "skipped": self._loop.skipped,
            "refused": self._control.refused,
        }

    def _other_clock(self) -> str:
        """What is wrong where this node makes the time and another one does so too: times go to and fro for all."""
        if not self._node.get_parameter("clock").value or self._node.count_publishers("/clock") < 2:
            return ""
        found = self._node.get_publishers_info_by_topic("/clock")
        names = ", ".join(sorted(f"{each.node_namespace.rstrip('/')}/{each.node_name}" for each in found))
        return f"/clock, which no namespace parts, is made by {names}: give each its own ROS_DOMAIN_ID, or stop one"

    def _verdict(self, skipped: bool, refused: bool) -> tuple[bytes, str]:
        if self._loop.failure:
            return DiagnosticStatus.ERROR, self._loop.failure
        other_clock = self._other_clock()
        if other_clock:
            self._node.get_logger().error(other_clock, throttle_duration_sec=10.0)
            return DiagnosticStatus.ERROR, other_clock
        if self._loop.led.fault:
            return DiagnosticStatus.ERROR, f"the arm's driver failed: {self._loop.led.fault}; call panda/recover"
        if self._loop.led.stale:
            return DiagnosticStatus.ERROR, f"the arm holds: {self._loop.led.stale}"
        if self._actions.doubled:
            return DiagnosticStatus.ERROR, self._actions.doubled
        if self._control.stopped:
            return DiagnosticStatus.WARN, "stopped: call panda/recover"
        if self._loop.led.guided:
            return DiagnosticStatus.WARN, "led by hand: panda/hold ends it"
        if refused:
            return DiagnosticStatus.WARN, "actions are refused: see the log"
        if self._control.recorder_lost:
            return (
                DiagnosticStatus.WARN,
                "the recorder was silent in an episode: it lets nobody move any more; end it, the next one counts",
            )
        if self._control.to_be_released:
            return DiagnosticStatus.WARN, "teleop's deadman is down since before the arm stopped: let go, then press it"
        if self._control.enable_to_be_released:
            return DiagnosticStatus.WARN, "teleop's enable is held since before the arm stopped: let go, then hold it"
        if self._control.conflict:
            return DiagnosticStatus.WARN, f"{self._control.conflict} asks for the arm that {self._control.source} has"
        if skipped:
            return DiagnosticStatus.WARN, "the control loop is too slow: periods are skipped"
        return DiagnosticStatus.OK, f"{self._control.source} has the arm" if self._control.source else "holding"
