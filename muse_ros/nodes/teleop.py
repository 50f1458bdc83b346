"""The teleop node: one device, as actions on ``action/teleop``, with a heartbeat of 50 Hz.

The device is a parameter; each is a table entry. Parameters, publishers and timers are here, meaning is in
``muse_ros.teleop``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from muse_ros.arm.arbiter import HEARTBEAT_S
from muse_ros.bridge import ACTION_QOS, time_message
from muse_ros.missing_package import explain
from muse_ros.msg import Action
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure, run_node

DEVICES = {  # imported when chosen: a robot without pygame or MuJoCo has a teleop node all the same
    "expert": "muse_ros.nodes.expert_device:ExpertDevice",
    "keyboard": "muse_ros.nodes.keyboard_device:KeyboardDevice",
    "none": "muse_ros.nodes.no_device:NoDevice",
}


class TeleopNode(Node):
    """Publishes what the operator, or the scripted expert, asks of the arm."""

    def __init__(self, **options: Any) -> None:
        """Open the device that the parameter ``device`` names.

        Args:
            options: What rclpy's Node takes.

        Raises:
            NodeFailure: where it cannot be opened.
        """
        super().__init__("teleop", **options)
        self.finished = threading.Event()
        self.failure = ""
        self.base_frame = declare(self, "base_frame", "panda_link0", "frame of the actions")
        device = declare(self, "device", "keyboard", f"one of {', '.join(DEVICES)}", choices=tuple(DEVICES))
        self._last = self.action((), 0, HEARTBEAT_S, deadman=False)
        module, _, name = DEVICES[device].partition(":")
        try:
            self._device = getattr(import_module(module), name)(self)
        except ImportError as error:
            raise NodeFailure(f"device {device!r} cannot be had: {explain(error)}") from error
        # After the device: an episode starts once this topic is there.
        self._actions = self.create_publisher(Action, "action/teleop", ACTION_QOS)
        self.create_timer(HEARTBEAT_S, self._beat, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.get_logger().info(f"teleop by {device}")

    def action(self, values: Sequence[float], stamp_ns: int, period_s: float, deadman: bool) -> Action:
        """An ``ee_delta`` action from this node.

        Args:
            values: The seven values, or none for a heartbeat.
            stamp_ns: The tick at which it was decided [ns].
            period_s: Time that it is spread over [s].
            deadman: Whether the operator allows motion.
        """
        message = Action(
            action_space=Action.EE_DELTA, values=values, period=period_s, source=Action.TELEOP, deadman=deadman
        )
        message.header.stamp = time_message(stamp_ns)
        message.header.frame_id = self.base_frame
        return message

    def publish(self, action: Action) -> None:
        """Publish an action; the heartbeat repeats it until the next one."""
        self._last = action
        self._actions.publish(action)

    def now_ns(self) -> int:
        """The node's clock [ns]."""
        return self.get_clock().now().nanoseconds

    def close(self) -> None:
        """Let go of the arm, then of the device."""
        self.publish(self.action((), self.now_ns(), HEARTBEAT_S, deadman=False))
        self._device.close()

    def _beat(self) -> None:
        """At 50 Hz: what the device says now, or its last action once more."""
        fresh = self._device.beat()
        if fresh is None:
            self._actions.publish(self._last)
        else:
            self.publish(fresh)


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal, or until its device is closed."""
    run: Callable[[], Node] = TeleopNode
    return run_node(run, args)
