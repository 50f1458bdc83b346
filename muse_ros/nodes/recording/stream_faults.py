"""Looks at the graph for what keeps an expected topic from being recorded, or an action from being heard."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from rclpy.node import Node

from muse_ros.bags.qos import Qos
from muse_ros.nodes.recording.topic_drain import TopicDrain
from muse_ros.recording.qos_match import End, mismatches
from muse_ros.recording.stream_watch import Expected

JOIN_S = 1.0
TURN_S = 2.0


class StreamFaults:
    """Asked whenever the graph has been looked at."""

    def __init__(self, node: Node, drain: TopicDrain, expected: Iterable[Expected]) -> None:
        """`drain` records the topics that are `expected`."""
        self._node, self._drain = node, drain
        self._expected = tuple(expected)
        self._apart_since_s: dict[str, float] = {}
        self._turns: dict[str, tuple[int, float]] = {}  # how often, and when that was last seen to grow

    def look(self) -> dict[str, str]:
        """Topic to what is wrong with it, for those that somebody publishes in vain."""
        now_s = time.monotonic()
        apart = set(self._drain.connecting())
        for topic, turns in self._drain.turns().items():
            if turns != self._turns.get(topic, (0, 0.0))[0]:
                self._turns[topic] = turns, now_s
        self._apart_since_s = {topic: self._apart_since_s.get(topic, now_s) for topic in apart}
        faults = {}
        for expected in self._expected:
            fault = self._fault(expected, now_s)
            if fault:
                faults[expected.topic] = fault
        return faults

    def _fault(self, expected: Expected, now_s: float) -> str:
        topic = expected.topic
        left_out = self._drain.chosen.left_out.get(topic)
        if left_out:
            return f"is not recorded: {left_out}"
        if topic in self._turns and now_s - self._turns[topic][1] < TURN_S:
            twins = twin_nodes(end.node for end in _ends(self._node.get_publishers_info_by_topic(topic)))
            if twins:
                domain = self._node.context.get_domain_id()
                return f"{twins} publish it: stop one session, or give it another ROS_DOMAIN_ID (now {domain})"
        # what else listens to a camera is nobody's business here; an action that the arm cannot hear is
        if expected.max_age_s is None:
            found = mismatches(
                _ends(self._node.get_publishers_info_by_topic(topic)),
                _ends(self._node.get_subscriptions_info_by_topic(topic)),
            )
            if found:
                return "; ".join(found)
        if now_s - self._apart_since_s.get(topic, now_s) < JOIN_S:
            return ""
        nodes = ", ".join(end.node for end in _ends(self._node.get_publishers_info_by_topic(topic)))
        return f"published by {nodes}, but the middleware does not join this recorder to it; is it on another network?"


def twin_nodes(names: Iterable[str]) -> str:
    """Says which of these names several nodes have, as those of a session that was started twice; empty: none.

    Nodes of different names may share a topic, as an arm and its gripper share ``joint_states``.
    """
    found = [f"{count} nodes named {name}" for name, count in sorted(Counter(names).items()) if count > 1]
    return " and ".join(found)


def _ends(infos: Iterable) -> list[End]:
    """The ends of a topic as rclpy tells of them."""
    return [End(f"{info.node_namespace.rstrip('/')}/{info.node_name}", Qos.of(info.qos_profile)) for info in infos]
