"""Topics whose messages are looked for when they are wanted: a callback for each would cost ten times as much."""

from __future__ import annotations

import time
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.qos import QoSProfile, ReliabilityPolicy

from muse_ros.bridge import taken

NEWEST_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)  # hears reliable publishers, too


class NeverRuns(CallbackGroup):
    """A callback group whose subscriptions no executor ever takes from."""

    def can_execute(self, entity: object) -> bool:
        """Never."""
        return False

    def beginning_execution(self, entity: object) -> bool:
        """Never."""
        return False

    def ending_execution(self, entity: object) -> None:
        """Nothing has begun."""


class PolledTopic:
    """One subscription that wakes nobody.

    Attributes:
        topic: Its absolute name.
    """

    def __init__(
        self, node: Any, kind: type, topic: str, qos: QoSProfile | int = NEWEST_QOS, raw: bool = False
    ) -> None:
        """Subscribe.

        Args:
            node: The node that the subscription belongs to.
            kind: Type of the messages.
            topic: Its name.
            qos: Its depth is how many messages may come between two looks; of the default only the newest is kept.
            raw: Messages stay serialised.
        """
        self._subscription = node.create_subscription(
            kind, topic, lambda _: None, qos, raw=raw, callback_group=NeverRuns()
        )
        self.topic = self._subscription.topic_name

    def take(self) -> list[Any]:
        """What has come since the last look, oldest first."""
        return [message for message, _ in taken(self._subscription)]

    def arrivals(self) -> list[tuple[Any, int]]:
        """What has come since the last look, oldest first, each with when it arrived, by the system's clock [ns]."""
        return [(message, said["received_timestamp"] or time.time_ns()) for message, said in taken(self._subscription)]

    def newest(self) -> Any | None:
        """The newest message that has come since the last look, or None."""
        return next(reversed(self.take()), None)
