"""The teleop node: one device, as actions on ``action/teleop``, with a heartbeat of 50 Hz, and the operator's window.

The device is a parameter; each is a table entry. The window is there whatever the device, where there is a display.
Parameters, publishers and timers are here, meaning is in ``muse_ros.teleop``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from muse_ros.arm.arbiter import HEARTBEAT_S
from muse_ros.bridge import ACTION_QOS, time_message
from muse_ros.missing_package import explain
from muse_ros.msg import Action
from muse_ros.nodes.devices.report import DeviceReport
from muse_ros.nodes.operator.buttons import OperatorButtons
from muse_ros.nodes.operator.verbs import Verbs
from muse_ros.nodes.operator.window import open_operator_window
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure, run_node
from muse_ros.teleop.keyboard import ENABLE_KEY, SERVICES
from muse_ros.window.events import NO_INPUT
from muse_ros.window.from_messages import twist_of
from muse_ros.window.view import TeleopView

DEVICES = {  # imported when chosen: a robot without pygame or MuJoCo has a teleop node all the same
    "keyboard": "muse_ros.nodes.devices.keyboard:KeyboardDevice",
    "gamepad": "muse_ros.nodes.devices.mapped:gamepad",
    "joy": "muse_ros.nodes.devices.mapped:joy",
    "spacemouse": "muse_ros.nodes.devices.mapped:spacemouse",
    "twist": "muse_ros.nodes.devices.followed:TwistDevice",
    "pose": "muse_ros.nodes.devices.followed:PoseDevice",
    "joint": "muse_ros.nodes.devices.followed:JointDevice",
    "expert": "muse_ros.nodes.devices.expert:ExpertDevice",
    "none": "muse_ros.nodes.devices.no_device:NoDevice",
}


class TeleopNode(Node):
    """Publishes what the operator, or the scripted expert, asks of the arm.

    Attributes:
        beats: Messages published at the heartbeat.
    """

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
        self.beats = 0
        self.base_frame = declare(self, "base_frame", "panda_link0", "frame of the actions")
        device = declare(self, "device", "keyboard", f"one of {', '.join(DEVICES)}", choices=tuple(DEVICES))
        self.gripper_half_open = declare(
            self, "gripper_half_open", 0.04, "the gripper counts as closed below this commanded width [m]", (0.0, 0.5)
        )
        self._last = self.action((), 0, HEARTBEAT_S, deadman=False)
        self.verbs = Verbs(self, SERVICES)
        self.window = open_operator_window(self, self.verbs, self.gripper_half_open)
        self.buttons = OperatorButtons(self, self.verbs)
        self.report = DeviceReport(self, device)
        self._device_name = device
        module, _, name = DEVICES[device].partition(":")
        try:
            self._device = getattr(import_module(module), name)(self)
        except ImportError as error:
            raise NodeFailure(f"device {device!r} cannot be had: {explain(error)}") from error
        # After the device: an episode starts once this topic is there.
        self._actions = self.create_publisher(Action, "action/teleop", ACTION_QOS)
        self.create_timer(HEARTBEAT_S, self._beat, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.get_logger().info(f"teleop by {device}")

    def action(
        self,
        values: Sequence[float],
        stamp_ns: int,
        period_s: float,
        deadman: bool,
        enable: bool = False,
        space: str = Action.EE_DELTA,
    ) -> Action:
        """An action from this node.

        Args:
            values: The values of its space, or none for a heartbeat.
            stamp_ns: The tick at which it was decided [ns].
            period_s: Time that it is spread over [s].
            deadman: Whether the operator allows motion.
            enable: Whether the operator lets a policy or a replay move the arm.
            space: Its action space.
        """
        message = Action(
            action_space=space, values=values, period=period_s, source=Action.TELEOP, deadman=deadman, enable=enable
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

    def steady_ns(self) -> int:
        """The clock that silence is measured by [ns]."""
        return time.monotonic_ns()

    def close(self) -> None:
        """Let go of the arm, then of the device and the window."""
        self.publish(self.action((), self.now_ns(), HEARTBEAT_S, deadman=False))
        self._device.close()
        self._close_window()

    def _beat(self) -> None:
        """At 50 Hz: what the device says now, or its last action once more; then the window."""
        keys = self.window.poll() if self.window else NO_INPUT
        self.buttons.take_keys(keys)
        enabled = ENABLE_KEY in keys.held
        fresh = self._device.beat(keys)
        if fresh is None:
            self._last.enable = enabled
            self._actions.publish(self._last)
        else:
            fresh.enable = fresh.enable or enabled
            self.publish(fresh)
        self.beats += 1
        if keys.closed:
            self._close_window()
        if self.window:
            try:
                self.window.draw(self._view())
            except Exception as error:  # whatever came over the network: a device that cannot be shown still leads
                said = f"the window cannot be drawn: {type(error).__name__}: {error}"
                self.get_logger().error(said, throttle_duration_sec=5.0)

    def _view(self) -> TeleopView:
        """What is asked of the arm now, for the window."""
        asked, mapper = self._last, self._device.mapper
        twist = twist_of(asked)
        return TeleopView(
            device=self._device_name,
            deadman=asked.deadman,
            gripper_closed=None if twist is None else asked.values[6] > 0.5,
            speed_scale=mapper.speed_scale if mapper else None,
            twist=twist or (0.0,) * 6,
            enable=asked.enable,
            problem=self.report.problem or self.report.hint,
            controls=getattr(self._device, "controls", ()),
        )

    def _close_window(self) -> None:
        """Without its window a keyboard is no device; every other device goes on."""
        if self.window:
            self.window.close()
            self.window = None


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal, or until its device is closed."""
    run: Callable[[], Node] = TeleopNode
    return run_node(run, args)
