"""What comes in on the three action topics: heard by the arm's control, and by whom it is spoken."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.subscription import Subscription

from muse_ros.arm.arbiter import SOURCES
from muse_ros.arm.arm_control import ArmControl
from muse_ros.arm.speakers import Speakers
from muse_ros.bridge import ACTION_QOS
from muse_ros.msg import Action

WATCH_S = 0.2
NUMBERED = hasattr(Subscription, "CallbackType")
"""Humble's rclpy has no number of a message, nor callbacks that are told one."""
NO_NUMBER = 2**64 - 1
"""What a middleware that does not number messages says."""


class ActionTopics:
    """Subscriptions to `action/<source>`.

    Attributes:
        doubled: What is wrong where two publishers speak on one topic, with their names; empty where nothing is.
    """

    def __init__(self, node: Node, loop: Any, control: ArmControl) -> None:
        """Remember where messages go: they reach `control` in the loop's thread."""
        self._node, self._loop, self._control = node, loop, control
        self._speakers = Speakers()
        self._silenced: frozenset[str] = frozenset()
        self.doubled = ""

    def open(self) -> None:
        """Subscribe."""
        take = self._take if NUMBERED else self._take_unnumbered
        self._subscriptions = [
            self._node.create_subscription(Action, f"action/{source}", partial(take, source), ACTION_QOS)
            for source in SOURCES
        ]
        self._timer = self._node.create_timer(WATCH_S, self._watch, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def close(self) -> None:
        """Hear no more."""
        self._node.destroy_timer(self._timer)
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _take(self, source: str, message: Action, info: Any) -> None:
        number = info["publication_sequence_number"]
        self._hear(source, message, None if number == NO_NUMBER else number)

    def _take_unnumbered(self, source: str, message: Action) -> None:
        self._hear(source, message, None)

    def _hear(self, source: str, message: Action, number: int | None) -> None:
        steady_ns = time.monotonic_ns()
        self._speakers.hear(source, number, steady_ns)
        self._silence(steady_ns)
        self._loop.post(partial(self._control.hear, source, message, steady_ns))

    def _watch(self) -> None:
        for source in SOURCES:
            self._speakers.listed(source, self._node.count_publishers(f"action/{source}"))
        self._silence(time.monotonic_ns())

    def _silence(self, steady_ns: int) -> None:
        """Let nobody lead the arm by a topic that two publishers speak on, and say who they are."""
        doubled = self._speakers.doubled(steady_ns)
        if doubled == self._silenced:
            return
        self._silenced = doubled
        self._loop.post(partial(self._control.double, doubled))
        self.doubled = "; ".join(self._sentence(source) for source in sorted(doubled))
        if doubled:
            self._node.get_logger().error(self.doubled)
        else:
            self._node.get_logger().info("each action topic has one publisher again: the arm can be led")

    def _sentence(self, source: str) -> str:
        topic = self._node.resolve_topic_name(f"action/{source}")
        found = self._node.get_publishers_info_by_topic(topic)
        names = ", ".join(sorted(f"{each.node_namespace.rstrip('/')}/{each.node_name}" for each in found))
        return f"{len(found)} publishers speak on {topic} ({names}): none of them leads the arm; stop all but one"
