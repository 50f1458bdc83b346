"""Listens to ROS for a moment and says what it heard, as JSON on the last line: ``muse doctor`` runs it as a process.

A node sends itself numbered messages and times them; meanwhile it sees which nodes and topics there are, and how old
the stamps of live topics are when they arrive.
"""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial
from typing import Any

import rclpy
from rclpy.node import Node
from std_msgs.msg import String

from muse_ros.bridge import SENSOR_QOS, message_class
from muse_ros.contract.message_fields import DecodeError, begins_with_stamp, cdr_stamp_ns

CONNECT_S = 5.0
PERIOD_S = 0.02
DEPTH = 1000  # what other topics hold up is late, not lost
NS_PER_S = 1_000_000_000
OWN = "muse_doctor"
HOUSEKEEPING = ("/rosout", "/parameter_events")  # every node has them, this one too


class Probe:
    """One look at the graph.

    Attributes:
        round_trip_ms: What each of its own messages took [ms].
        lags_s: Topic to reception less stamp [s], the smallest.
    """

    def __init__(self) -> None:
        self.node: Node = rclpy.create_node(f"{OWN}_{os.getpid()}")
        self.round_trip_ms: list[float] = []
        self.lags_s: dict[str, float] = {}
        self.sent = 0
        topic = f"/{OWN}_{os.getpid()}"
        self._publisher = self.node.create_publisher(String, topic, DEPTH)
        self.node.create_subscription(String, topic, self._hear_own, DEPTH)
        self._watched: set[str] = set()

    def run(self, seconds: float) -> dict[str, Any]:
        """Listen for so long; returns what was heard."""
        end_s = time.monotonic() + CONNECT_S
        while not self._publisher.get_subscription_count() and time.monotonic() < end_s:
            self._spin(0.01)
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self._watch_stamps()
            self._publisher.publish(String(data=str(time.monotonic_ns())))
            self.sent += 1
            self._spin(PERIOD_S)
        end_s = time.monotonic() + 1.0
        while len(self.round_trip_ms) < self.sent and time.monotonic() < end_s:
            self._spin(0.01)
        names = [f"{space.rstrip('/')}/{name}" for name, space in self.node.get_node_names_and_namespaces()]
        return {
            "rmw": rclpy.get_rmw_implementation_identifier(),
            "sent": self.sent,
            "round_trip_ms": self.round_trip_ms,
            "nodes": [name for name in names if OWN not in name and "_ros2cli_daemon" not in name],
            "topics": self._topics(),
            "lags_s": self.lags_s,
        }

    def _topics(self) -> dict[str, str]:
        found = self.node.get_topic_names_and_types()
        found = [(topic, types) for topic, types in found if topic not in HOUSEKEEPING]
        return {topic: types[0] for topic, types in found if OWN not in topic and self.node.count_publishers(topic)}

    def _watch_stamps(self) -> None:
        """Subscribe to every stamped topic that has a publisher."""
        for topic, type_name in self._topics().items():
            if topic in self._watched:
                continue
            self._watched.add(topic)
            try:
                kind = message_class(type_name)
            except LookupError:
                continue
            if begins_with_stamp(kind.get_fields_and_field_types()):
                self.node.create_subscription(kind, topic, partial(self._hear, topic), SENSOR_QOS, raw=True)

    def _hear(self, topic: str, data: bytes) -> None:
        try:
            stamp = cdr_stamp_ns(data)
        except DecodeError:
            return
        if stamp:
            lag_s = (time.time_ns() - stamp) / NS_PER_S
            # The smallest: a heartbeat repeats a stamp for as long as nothing new is decided.
            self.lags_s[topic] = min(lag_s, self.lags_s.get(topic, lag_s))

    def _hear_own(self, message: String) -> None:
        self.round_trip_ms.append((time.monotonic_ns() - int(message.data)) / 1e6)

    def _spin(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0.0:
            rclpy.spin_once(self.node, timeout_sec=left_s)


def main(argv: list[str] | None = None) -> int:
    """Listen for as many seconds as the command line says, and print what was heard."""
    arguments = sys.argv[1:] if argv is None else argv
    rclpy.init(args=[])
    probe = Probe()
    print(json.dumps(probe.run(float(arguments[0]) if arguments else 4.0)), flush=True)
    probe.node.destroy_node()
    rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
