"""The keyboard as a teleoperation device: the keys that are held in the operator's window."""

from __future__ import annotations

from typing import Any

from muse_ros.msg import Action
from muse_ros.nodes.devices.six_axes import SixAxes
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.teleop.keyboard import sample_of
from muse_ros.window.events import WindowInput


class KeyboardDevice:
    """Maps the held keys at 50 Hz."""

    def __init__(self, node: Any) -> None:
        """Make the mapper.

        Raises:
            NodeFailure: where the node has no window, and so no keys.
        """
        self._node = node
        self._axes = SixAxes(node)
        self.mapper = self._axes.mapper
        if node.window is None:
            raise NodeFailure(
                "device keyboard needs the operator's window, and there is none (the reason is above, or window:=false "
                "was given): run it on a desktop, set DISPLAY, or start it under `xvfb-run`; without a screen, choose "
                "another device, such as teleop:=expert or teleop:=none"
            )

    def beat(self, keys: WindowInput) -> Action:
        """What the keys ask of the arm now; a key that went down and up between two beats was held for one."""
        if keys.closed:
            self._node.finished.set()
        return self._axes.act(sample_of(keys.held.union(keys.pressed)), self._node.steady_ns())

    def close(self) -> None:
        """Nothing to close: the window is the node's."""
