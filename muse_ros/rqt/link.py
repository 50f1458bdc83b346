"""The panel's link to ROS: a node of its own, in a namespace that can be chosen, spun by the thread that draws.

rqt spins its node in another thread; here every callback runs between two drawings, so that nothing is shared.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor, TimeoutException

from muse_ros.bridge import TICK_QOS
from muse_ros.msg import PolicyStatus
from muse_ros.nodes.operator.verbs import Verbs
from muse_ros.nodes.operator.window_topics import WindowTopics
from muse_ros.rqt.panel import SERVICES
from muse_ros.rqt.timing import PolicyTiming
from muse_ros.window.view import WindowView

GRIPPER_HALF_OPEN_M = 0.04
IMAGE_END = "/image/compressed"
LOOK_S = 2.0


class RosLink:
    """Hears and calls the nodes of one namespace."""

    def __init__(self, namespace: str, context: Any = None) -> None:
        """Make the node.

        Args:
            namespace: Where the nodes live; empty for the root.
            context: The rclpy context; None for the default one.
        """
        self.namespace = "/" + namespace.strip("/")
        self._context = context
        self._executor = SingleThreadedExecutor(context=context)
        self._looked_s = time.monotonic()
        self._make(())

    def spin(self, budget_s: float) -> None:
        """Run the callbacks that are due, for `budget_s` at most; take what has come; follow cameras that come."""
        if not rclpy.ok(context=self._context):  # rqt has been interrupted, and closes its panels next
            return
        end_s = time.monotonic() + budget_s
        with contextlib.suppress(TimeoutException):  # nothing is due
            while time.monotonic() < end_s:
                handler, _, _ = self._executor.wait_for_ready_callbacks(timeout_sec=0.0)
                handler()
                if handler.exception() is not None:  # raised here it would end all of rqt
                    self._node.get_logger().error(f"a message could not be shown: {handler.exception()}")
        self._topics.drain()
        if time.monotonic() - self._looked_s > LOOK_S:
            self._looked_s = time.monotonic()
            cameras = self._find_cameras()
            if set(cameras) - set(self._cameras):
                self._destroy()
                self._make(cameras)

    def view(self) -> WindowView:
        """What has been heard."""
        episode, streams = self._topics.episode()
        return WindowView(
            episode=episode,
            arm=self._topics.arm(),
            cameras=self._topics.cameras(with_start=False),
            streams=streams,
            policy=self._topics.policy(),
            calls=self._verbs.calls(),
        )

    def call(self, service: str) -> None:
        """Ask for a verb."""
        self._verbs.call(service)

    def set_text(self, field: str, text: str) -> None:
        """Set a text of the collect node."""
        self._verbs.set_text(field, text)

    def close(self) -> None:
        """Let go of the node."""
        self._destroy()
        self._executor.shutdown()

    def _make(self, cameras: tuple[str, ...]) -> None:
        name = f"muse_rqt_{os.getpid()}"
        self._node = rclpy.create_node(
            name, namespace=self.namespace, context=self._context, use_global_arguments=False
        )
        self._cameras = cameras
        self._verbs = Verbs(self._node, SERVICES)
        self._topics = WindowTopics(self._node, list(cameras), GRIPPER_HALF_OPEN_M)
        self.timing = PolicyTiming()
        self._node.create_subscription(PolicyStatus, "policy/status", lambda s: self.timing.take(s), TICK_QOS)
        self._executor.add_node(self._node)

    def _destroy(self) -> None:
        self._executor.remove_node(self._node)
        self._node.destroy_node()

    def _find_cameras(self) -> tuple[str, ...]:
        """Names of the cameras whose pictures somebody publishes below the namespace."""
        begin = f"{self.namespace.rstrip('/')}/cameras/"
        topics = (name for name, _ in self._node.get_topic_names_and_types())
        names = (
            t.removeprefix(begin).removesuffix(IMAGE_END)
            for t in topics
            if t.startswith(begin) and t.endswith(IMAGE_END)
        )
        return tuple(sorted(name for name in names if "/" not in name))
