"""The newest message of a topic, looked for when it is wanted: a callback for each would cost ten times as much."""

from __future__ import annotations

from typing import Any

from rclpy.qos import QoSProfile, ReliabilityPolicy

from muse_ros.nodes.topic_drain import NeverRuns

QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)  # hears reliable publishers, too


class Newest:
    """One subscription, emptied by :meth:`take`."""

    def __init__(self, node: Any, kind: type, topic: str) -> None:
        """Subscribe to `topic`, of messages of the type `kind`."""
        self._kind = kind
        self._subscription = node.create_subscription(kind, topic, lambda _: None, QOS, callback_group=NeverRuns())
        self.topic = self._subscription.topic_name

    def take(self) -> Any | None:
        """The newest message that came since the last call, or None."""
        newest = None
        with self._subscription.handle:
            while (found := self._subscription.handle.take_message(self._kind, False)) is not None:
                newest = found[0]
        return newest
