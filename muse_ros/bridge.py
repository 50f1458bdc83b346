"""Where the pure half meets DDS: QoS profiles, message types by name, and a contract's topics into its assembler.

A :class:`Bridge` has a node and is not one, so that any node, or a fake one in a test, can own it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message

from muse_ros.contract.assemble import Assembler, Observation
from muse_ros.contract.contract import Contract
from muse_ros.contract.message_fields import begins_with_stamp
from muse_ros.contract.sample_buffer import Codec

NS_PER_S = 1_000_000_000
DEPTH = 20  # messages that a topic of a contract keeps for a slow executor


def _profile(depth: int, reliability: ReliabilityPolicy, durability: DurabilityPolicy) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability, durability=durability)


SENSOR_QOS = _profile(5, ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE)
ACTION_QOS = _profile(10, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
STATUS_QOS = _profile(1, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
TICK_QOS = _profile(10, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)  # each must reach the bag
EVENT_QOS = _profile(50, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)


def message_class(name: str) -> type:
    """The class of a message type such as ``sensor_msgs/msg/JointState``.

    Raises:
        LookupError: where its package is not installed or has no such message.
    """
    package, _, kind = name.partition("/msg/")
    try:
        return getattr(import_module(f"{package}.msg"), kind)
    except (ImportError, AttributeError) as error:
        raise LookupError(f"message type {name!r} is not installed here: {error}") from error


def time_message(stamp_ns: int) -> Time:
    """A message's stamp from nanoseconds."""
    seconds, nanoseconds = divmod(stamp_ns, NS_PER_S)
    return Time(sec=seconds, nanosec=nanoseconds)


def subscription_qos(offered: Iterable[QoSProfile], depth: int) -> QoSProfile:
    """The QoS that hears every publisher of a topic: reliable only where all of them are.

    Best effort connects to any publisher, so a topic whose publishers are not known yet is subscribed as a sensor's.

    Args:
        offered: QoS of the publishers there are.
        depth: Messages kept for a slow reader.
    """
    reliabilities = [profile.reliability for profile in offered]
    reliable = bool(reliabilities) and all(r == ReliabilityPolicy.RELIABLE for r in reliabilities)
    reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    return _profile(depth, reliability, DurabilityPolicy.VOLATILE)


def taken(subscription: Any) -> Iterator[tuple[Any, Any]]:
    """What has come for a subscription, oldest first: (message, or bytes where it is raw; what DDS says of it)."""
    handle = subscription.handle
    with handle:
        while (found := handle.take_message(subscription.msg_type, subscription.raw)) is not None:
            yield found


CODEC = Codec(
    parse=lambda name, data: deserialize_message(bytes(data), message_class(name)),
    has_header=lambda name: begins_with_stamp(message_class(name).get_fields_and_field_types()),
)


class Bridge:
    """Feeds an assembler from the topics of a contract; one thread may take observations while another spins.

    Messages stay serialised until a tick uses them: of 240 that arrive a second, a policy at 10 Hz looks at 40.
    """

    def __init__(self, node: Any, contract: Contract, now_ns: Callable[[], int]) -> None:
        """Subscribe to every topic that an observation of the contract comes from.

        Args:
            node: The rclpy node that the subscriptions belong to.
            contract: The contract; its topics are relative to the node's namespace.
            now_ns: The clock that receive times are taken from [ns].
        """
        self._node = node
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._assembler = Assembler(contract, codec=CODEC)
        self._subscriptions = [
            self._subscribe(topic, type_name) for topic, type_name in contract.observation_topics().items()
        ]

    @property
    def late(self) -> int:
        """Samples so far that arrived after the tick they belonged to had been taken."""
        return self._assembler.late

    def silent(self) -> list[str]:
        """Topics on which nothing has arrived yet."""
        return [topic for topic, counts in self._assembler.counts.items() if not counts.received]

    def observe(self, tick_ns: int) -> Observation:
        """The observation at a tick, from what has arrived, whether or not the executor has come to it.

        Args:
            tick_ns: The tick on the node's clock [ns].
        """
        self._take_waiting()
        with self._lock:
            selection = self._assembler.select(tick_ns)
        return self._assembler.decode(selection)

    def close(self) -> None:
        """Drop the subscriptions. Safe to call twice."""
        while self._subscriptions:
            self._node.destroy_subscription(self._subscriptions.pop())

    def _take_waiting(self) -> None:
        for subscription in self._subscriptions:
            for message, _ in taken(subscription):
                subscription.callback(message)

    def _subscribe(self, topic: str, type_name: str) -> Any:
        def ingest(message: Any) -> None:
            received_ns = self._now_ns()
            with self._lock:
                self._assembler.ingest(topic, message, received_ns)

        offered = [info.qos_profile for info in self._node.get_publishers_info_by_topic(topic)]
        qos = subscription_qos(offered, DEPTH)
        return self._node.create_subscription(message_class(type_name), topic, ingest, qos, raw=True)
