"""A look at the live graph for ``muse contract``: hears every topic that a contract could use, for some seconds."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter

from muse_ros.bridge import CODEC, message_class, subscription_qos
from muse_ros.contract.message_fields import DecodeError, cdr_stamp_ns
from muse_ros.survey.survey import CLOCK, Survey, TopicSurvey

DISCOVERY_S = 1.5
DEPTH = 200


def survey_graph(seconds: float, wanted: Iterable[str], node: Node | None = None) -> Survey:
    """Look at the live graph.

    Args:
        seconds: How long to listen after it has been discovered [s].
        wanted: Message types to listen to; of other topics only name and type are noted.
        node: Whose graph; None makes a node for the purpose, and shuts rclpy down afterwards.
    """
    if node is not None:
        return _Listener(node, frozenset(wanted)).run(seconds)
    rclpy.init(args=[])
    own = rclpy.create_node("muse_contract")
    try:
        return _Listener(own, frozenset(wanted)).run(seconds)
    finally:
        own.destroy_node()
        rclpy.try_shutdown()


class _Listener:
    def __init__(self, node: Node, wanted: frozenset[str]) -> None:
        self._node, self._wanted = node, wanted
        self._topics: dict[str, TopicSurvey] = {}
        self._subscriptions: list[Any] = []

    def run(self, seconds: float) -> Survey:
        """Discover, subscribe to what is wanted as it appears, and listen."""
        self._spin(DISCOVERY_S, self._look)
        if CLOCK in self._topics:  # receptions are to be on the clock of the stamps
            self._node.set_parameters([Parameter("use_sim_time", value=True)])
        for topic in self._topics.values():
            topic.stamps_ns.clear()
            topic.received_ns.clear()
        self._spin(seconds, self._look)
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        return Survey("the live topics", self._topics, live=True)

    def _spin(self, seconds: float, each: Any) -> None:
        end_s = next_s = time.monotonic()
        end_s += seconds
        while (now_s := time.monotonic()) < end_s:
            if now_s >= next_s:
                each()
                next_s = now_s + 0.3
            rclpy.spin_once(self._node, timeout_sec=min(0.05, end_s - now_s))

    def _look(self) -> None:
        own = self._node.get_name()
        for name, types in self._node.get_topic_names_and_types():
            publishers = [each for each in self._node.get_publishers_info_by_topic(name) if each.node_name != own]
            if name in self._topics or not publishers:
                continue
            topic = self._topics[name] = TopicSurvey(name, types[0])
            if len(types) > 1:
                topic.fault = f"its publishers disagree on its type: {', '.join(types)}"
            elif types[0] in self._wanted:
                self._listen(topic, [each.qos_profile for each in publishers])

    def _listen(self, topic: TopicSurvey, offered: list[Any]) -> None:
        try:
            kind = message_class(topic.type)
        except LookupError as error:
            topic.unreadable = str(error)
            return
        qos = subscription_qos(offered, DEPTH)
        take = partial(self._take, topic)
        self._subscriptions.append(self._node.create_subscription(kind, topic.name, take, qos, raw=True))

    def _take(self, topic: TopicSurvey, data: bytes) -> None:
        try:
            stamp = cdr_stamp_ns(data) if CODEC.has_header(topic.type) else None
        except DecodeError as error:
            topic.unreadable = str(error)
            return
        received_ns = self._node.get_clock().now().nanoseconds
        topic.take(data, received_ns, stamp, partial(CODEC.parse, topic.type))
