"""The keyboard as a teleoperation device: the keys that are held in the operator's window."""

from __future__ import annotations

from typing import Any

from muse_ros.bridge import SENSOR_QOS
from muse_ros.msg import Action, AppliedAction
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.teleop.keyboard import sample_of
from muse_ros.teleop.mapper import SPEED_SCALES, TwistMapper, TwistSettings
from muse_ros.window.events import WindowInput

PERIOD_S = 0.02


class KeyboardDevice:
    """Maps the held keys at 50 Hz."""

    def __init__(self, node: Any) -> None:
        """Make the mapper.

        Raises:
            NodeFailure: where the node has no window, and so no keys.
        """
        self._node = node
        settings = TwistSettings(
            linear_speed=declare(node, "linear_speed", 0.2, "full speed of the tool [m/s]", (0.001, 1.0)),
            angular_speed=declare(node, "angular_speed", 0.5, "full rotation speed of the tool [rad/s]", (0.001, 3.0)),
            period_s=PERIOD_S,
            scale_index=declare(node, "speed_step", 2, f"first of the speeds {SPEED_SCALES}, from 0", (0, 3)),
        )
        if node.window is None:
            raise NodeFailure(
                "device keyboard needs the operator's window, and there is none (the reason is above, or window:=false "
                "was given): run it on a desktop, set DISPLAY, or start it under `xvfb-run`; without a screen, choose "
                "another device, such as teleop:=expert or teleop:=none"
            )
        self.mapper = TwistMapper(settings)
        self._gripper_closed: bool | None = None
        node.create_subscription(AppliedAction, "panda/applied_action", self._take_applied, SENSOR_QOS)

    def beat(self, keys: WindowInput) -> Action:
        """What the keys ask of the arm now."""
        if keys.closed:
            self._node.finished.set()
        sample = sample_of(keys.held)
        values = self.mapper.step(sample, self._gripper_closed)
        return self._node.action(values.tolist(), self._node.now_ns(), PERIOD_S, sample.deadman)

    def close(self) -> None:
        """Nothing to close: the window is the node's."""

    def _take_applied(self, applied: AppliedAction) -> None:
        self._gripper_closed = applied.gripper_width < self._node.gripper_half_open
