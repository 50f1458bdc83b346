"""What lifecycle nodes have in common: they start themselves where ``autostart`` says so, and end from any state."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any, TypeVar

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure


class ManagedNode(LifecycleNode):
    """A lifecycle node that :func:`muse_ros.nodes.run_node.run_node` can run.

    Attributes:
        autostart: Whether it configures and activates itself.
        refusal: Why it could not be configured the last time; empty where it could.
    """

    def __init__(self, name: str, **options: Any) -> None:
        """Declare ``autostart``.

        Args:
            name: Of the node.
            options: What rclpy's Node takes.
        """
        super().__init__(name, **options)
        self.autostart = declare(self, "autostart", True, "configure and activate at the start")
        self.refusal = ""

    def start(self) -> None:
        """Configure and activate, as ``autostart`` asks.

        Raises:
            NodeFailure: where it could not be configured, saying why.
        """
        if self.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            raise NodeFailure(self.refusal or f"node {self.get_name()}: it could not be configured")
        self.trigger_activate()

    def refuse(self, why: str) -> TransitionCallbackReturn:
        """Answer of a configuration that cannot be."""
        self.refusal = why
        if not self.autostart:  # with autostart the process ends with these words
            self.get_logger().error(why)
        return TransitionCallbackReturn.FAILURE

    def set_memory_aside(self) -> None:
        """Have the garbage collector leave alone what there is now.

        A model, or torch alone, is hundreds of thousands of objects: each full collection walks through them for some
        80 ms, in which a control loop stands still.
        """
        gc.collect()
        gc.freeze()

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End from whatever state it is in."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Let go of everything. Safe to call twice."""
        raise NotImplementedError


Managed = TypeVar("Managed", bound=ManagedNode)


def started(make: Callable[[], Managed]) -> Managed:
    """The node, started where its ``autostart`` says so.

    Raises:
        NodeFailure: where it cannot start; it is destroyed then.
    """
    node = make()
    if node.autostart:
        try:
            node.start()
        except NodeFailure:
            node.destroy_node()
            raise
    return node
