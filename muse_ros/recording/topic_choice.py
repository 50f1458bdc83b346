"""Which topics of the graph are recorded, and how a recorder must subscribe to each.

Everything is recorded but what a rule leaves out, and what is left out is named with the reason. Imports no ROS: the
graph comes in as plain offers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from muse_ros.bags.qos import Qos
from muse_ros.contract.stream import COMPRESSED_IMAGE, RAW_IMAGE

POINT_CLOUD = "sensor_msgs/msg/PointCloud2"
_STATUS, _STATUS_TYPE = "/collect/status", "muse_ros/msg/EpisodeStatus"
_ROS_HOUSEKEEPING = ("/rosout", "/parameter_events")


@dataclass(frozen=True)
class Offer:
    """One publisher of a topic.

    Attributes:
        type: Message type, such as ``sensor_msgs/msg/JointState``.
        qos: The quality of service that it offers.
    """

    type: str
    qos: Qos


@dataclass(frozen=True)
class Choice:
    """One topic to record, with what its publishers offer."""

    topic: str
    type: str
    offers: tuple[Qos, ...] = ()

    @property
    def reliable(self) -> bool:
        """Whether every publisher resends what was lost; a subscription that asks for it hears no other."""
        return all(offer.reliability == "reliable" for offer in self.offers)

    @property
    def latched(self) -> bool:
        """Whether every publisher keeps its last messages for late subscribers (transient local)."""
        return bool(self.offers) and all(offer.durability == "transient_local" for offer in self.offers)


@dataclass(frozen=True)
class Chosen:
    """What is recorded, by topic, and why the rest is not."""

    recorded: dict[str, Choice]
    left_out: dict[str, str]


def choose(
    graph: Mapping[str, Sequence[Offer]],
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    namespace: str = "/",
) -> Chosen:
    """Decide about every topic that has a publisher.

    Args:
        graph: Full topic name to its publishers.
        include: Patterns (``*`` as in a shell) of topics that are recorded though a rule would leave them out.
        exclude: Patterns of topics that are left out; these win.
        namespace: The recorder's own. Where another namespace has a recorder too, that one records what is below it.
    """
    recorded: dict[str, Choice] = {}
    left_out: dict[str, str] = {}
    include, exclude = tuple(include), tuple(exclude)
    others = _other_recorders(graph, namespace)
    for topic, offers in sorted(graph.items()):
        if not offers:
            continue
        reason = _reason_against(topic, offers, graph, include, exclude)
        if not reason and not _match(topic, include):
            reason = next((f"recorded by {other}/collect" for other in others if _below(topic, other)), "")
        if reason:
            left_out[topic] = reason
        else:
            recorded[topic] = Choice(topic, offers[0].type, tuple(offer.qos for offer in offers))
    return Chosen(recorded, left_out)


def _reason_against(
    topic: str,
    offers: Sequence[Offer],
    graph: Mapping[str, Sequence[Offer]],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
) -> str:
    pattern = _match(topic, exclude)
    if pattern:
        return f"excluded by {pattern!r}"
    types = sorted({offer.type for offer in offers})
    if len(types) > 1:
        return f"its publishers disagree on its type: {', '.join(types)}"
    if _match(topic, include):
        return ""
    if topic in _ROS_HOUSEKEEPING:
        return "ROS housekeeping"
    if types[0] == POINT_CLOUD:
        return "point cloud"
    sibling = _compressed_sibling(topic, graph) if types[0] == RAW_IMAGE else ""
    return f"raw image, recorded compressed as {sibling}" if sibling else ""


def _other_recorders(graph: Mapping[str, Sequence[Offer]], namespace: str) -> list[str]:
    """Namespaces in which another collect node speaks, but those that the recorder's own lies in."""
    found = {
        topic.removesuffix(_STATUS)
        for topic, offers in graph.items()
        if topic.endswith(_STATUS) and any(offer.type == _STATUS_TYPE for offer in offers)
    }
    own = namespace.rstrip("/")
    return sorted(other for other in found - {"", own} if not _below(own, other))


def _below(name: str, namespace: str) -> bool:
    """Whether a full name lies in a namespace."""
    return name.startswith(f"{namespace}/")


def _match(topic: str, patterns: tuple[str, ...]) -> str:
    return next((pattern for pattern in patterns if fnmatchcase(topic, pattern)), "")


def _compressed_sibling(topic: str, graph: Mapping[str, Sequence[Offer]]) -> str:
    for other, offers in sorted(graph.items()):
        if other.startswith(topic + "/") and any(offer.type == COMPRESSED_IMAGE for offer in offers):
            return other
    return ""
