"""Subscribes to every topic worth recording and empties the subscriptions in a thread of its own.

A callback per message costs a recorder half a core at the rates of an arm; taking what has come every 10 ms costs a
tenth of that and gives the reception time and the publisher's sequence number of every message. The subscriptions
belong to a callback group that never runs, so that no executor takes from them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from muse_ros.bags.qos import Qos
from muse_ros.bridge import message_class, taken
from muse_ros.contract.message_fields import DecodeError, begins_with_stamp, cdr_stamp_ns
from muse_ros.nodes.polled_topic import NeverRuns
from muse_ros.recording.receive_clock import ReceiveClock
from muse_ros.recording.recorder import Sample
from muse_ros.recording.topic_choice import Choice, Chosen, Offer, choose
from muse_ros.recording.topic_statistics import SequenceLoss

PERIOD_S = 0.01
DEPTH = 1000  # a second of 1 kHz: what may pile up while the disk or the machine stalls
CLOCK_TOPIC = "/clock"


class Sink(Protocol):
    """Where the messages go; both methods are called under the drain's lock, mostly in its thread."""

    def use(self, choices: Mapping[str, Choice]) -> None:
        """The topics that messages will come from."""

    def take(self, samples: list[Sample]) -> None:
        """Messages, in the order of their reception."""


class _Inlet:
    """One subscription, emptied by ``take``."""

    def __init__(self, node: Node, group: CallbackGroup, choice: Choice) -> None:
        self.choice = choice
        self._node = node
        self._type = message_class(choice.type)
        self._stamped = begins_with_stamp(self._type.get_fields_and_field_types())
        self._loss = SequenceLoss()
        self._loss.publishers = max(1, len(choice.offers))
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=DEPTH,
            reliability=ReliabilityPolicy.RELIABLE if choice.reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if choice.latched else DurabilityPolicy.VOLATILE,
        )
        self._subscription = node.create_subscription(
            self._type,
            choice.topic,
            lambda message: None,
            qos,
            callback_group=group,
            raw=True,
        )

    def follow(self, choice: Choice) -> bool:
        """Take note of the publishers that there are now; False where this subscription cannot hear all of them."""
        self._loss.publishers = max(1, len(choice.offers))
        same = (choice.type, choice.reliable, choice.latched) == (
            self.choice.type,
            self.choice.reliable,
            self.choice.latched,
        )
        self.choice = choice if same else self.choice
        return same

    def matched(self) -> bool:
        """Whether the middleware has joined it to at least one publisher (Humble cannot tell: taken as yes)."""
        count = getattr(self._subscription.handle, "get_publisher_count", None)
        if count is None:
            return True
        with self._subscription.handle:
            return count() > 0

    def take(self) -> list[tuple[bytes, int, int | None, int]]:
        """All that has come: (data, system time of reception [ns], stamp [ns] or None, messages lost before it)."""
        found = []
        for data, info in taken(self._subscription):
            sequence = info.get("publication_sequence_number")
            lost = 0 if sequence is None else self._loss.missing_before(sequence)
            received_ns = info["received_timestamp"] or time.time_ns()
            found.append((data, received_ns, _stamp_ns(data) if self._stamped else None, lost))
        return found

    def turns(self) -> int:
        """How often two publishers took turns."""
        return self._loss.turns

    def close(self) -> None:
        self._node.destroy_subscription(self._subscription)


def _stamp_ns(data: bytes) -> int | None:
    """The stamp of a message [ns]; None where it is too short to be one, which is recorded all the same."""
    try:
        return cdr_stamp_ns(data)
    except DecodeError:
        return None


class TopicDrain:
    """Keeps a subscription on every topic worth recording and hands what arrives to a sink."""

    def __init__(
        self,
        node: Node,
        sink: Sink,
        clock: ReceiveClock,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
    ) -> None:
        """Subscribes to nothing before the first :meth:`discover`.

        Args:
            node: The node that the subscriptions belong to.
            sink: Takes what arrives.
            clock: Makes times of reception times of the graph's clock; it learns from ``/clock`` here.
            include: Patterns of topics that are recorded though a rule would leave them out.
            exclude: Patterns of topics that are left out.
        """
        self._node = node
        self._sink = sink
        self._clock = clock
        self._include, self._exclude = tuple(include), tuple(exclude)
        self._group = NeverRuns()
        self._inlets: dict[str, _Inlet] = {}
        self._offered: tuple[str, ...] = ()
        self._unknown: dict[str, str] = {}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="topic drain", daemon=True)
        self.chosen = Chosen({}, {})
        self.error = ""

    def start(self) -> None:
        """Begin to drain."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and the subscriptions."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            for inlet in self._inlets.values():
                inlet.close()
            self._inlets.clear()

    def discover(self) -> dict[str, tuple[str, ...]]:
        """Look at the graph, subscribe to what is new in it, and answer the types that every topic is offered with."""
        graph = self._graph()
        chosen = choose(graph, self._include, self._exclude, self._node.get_namespace())
        with self._lock:
            self._offered = tuple(chosen.recorded)
            for topic in chosen.left_out:
                if topic in self._inlets:
                    self._inlets.pop(topic).close()
            self._follow(chosen.recorded)
            recorded = {topic: inlet.choice for topic, inlet in self._inlets.items()}
            self.chosen = Chosen(recorded, {**chosen.left_out, **self._unknown})
            self._sink.use(recorded)
        return {topic: tuple(sorted({offer.type for offer in offers})) for topic, offers in graph.items()}

    def connecting(self) -> list[str]:
        """Topics with a publisher that this recorder is not joined to yet."""
        with self._lock:
            return [topic for topic in self._offered if topic in self._inlets and not self._inlets[topic].matched()]

    def turns(self) -> dict[str, int]:
        """Topic to how often its publishers took turns so far; none where but one speaks (nor on Humble)."""
        with self._lock:
            return {topic: inlet.turns() for topic, inlet in self._inlets.items()}

    def drain(self) -> None:
        """Hand over all that has come by now, in order of reception."""
        with self._lock:
            found = []
            clock = self._inlets.get(CLOCK_TOPIC)
            # the clock comes first, so that what is taken after it finds its time
            for inlet in filter(None, (clock, *(i for i in self._inlets.values() if i is not clock))):
                for data, received_ns, stamp, lost in inlet.take():
                    if inlet is clock and stamp is not None:
                        self._clock.note(received_ns, stamp)
                    found.append((received_ns, inlet.choice.topic, data, stamp, lost))
            if found:
                found.sort(key=lambda item: item[0])
                self._sink.take([Sample(t, d, self._clock.at(ns) or 0, stamp, lost) for ns, t, d, stamp, lost in found])

    def _run(self) -> None:
        due_s = time.monotonic()
        try:
            while not self._stop.is_set():
                self.drain()
                due_s = max(due_s + PERIOD_S, time.monotonic())
                self._stop.wait(due_s - time.monotonic())
        except Exception as error:  # whatever it is, the operator must hear that nothing is recorded any more
            self.error = f"draining the topics failed: {type(error).__name__}: {error}"

    def _graph(self) -> dict[str, list[Offer]]:
        graph = {}
        for topic, _ in self._node.get_topic_names_and_types():
            offers = [
                Offer(info.topic_type, Qos.of(info.qos_profile))
                for info in self._node.get_publishers_info_by_topic(topic)
            ]
            if offers:
                graph[topic] = offers
        return graph

    def _follow(self, recorded: Mapping[str, Choice]) -> None:
        """Have a subscription to each topic that hears all of its publishers."""
        known = [choice for choice in recorded.values() if choice.topic in self._inlets]
        changed = [choice for choice in known if not self._inlets[choice.topic].follow(choice)]
        if changed:
            # A publisher of another QoS has joined, or one has gone. What has come is handed over before there is any
            # new subscription: of that one's topic the sink does not know yet.
            self.drain()
        for choice in changed:
            self._inlets.pop(choice.topic).close()
        for choice in recorded.values():
            if choice.topic in self._inlets:
                continue
            try:
                self._inlets[choice.topic] = _Inlet(self._node, self._group, choice)
            except LookupError as error:
                self._unknown[choice.topic] = str(error)
