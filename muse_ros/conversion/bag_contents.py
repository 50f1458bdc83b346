"""What a bag holds for a contract: samples ready to be chosen from, events, and the ticks that a live policy took.

Messages stay serialised until one is asked for. Imports no ROS.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from muse_ros.bags.bags import Bag
from muse_ros.contract.action_track import ActionTrack
from muse_ros.contract.assemble import Assembler
from muse_ros.contract.audit import absolute
from muse_ros.contract.contract import Contract
from muse_ros.contract.message_fields import stamp_ns, time_ns
from muse_ros.contract.sample_buffer import SampleBuffer

EVENT_TYPE = "muse_ros/msg/EpisodeEvent"
STATUS_TYPE = "muse_ros/msg/PolicyStatus"
STATUS_TOPIC = "policy/status"
_SEEING = (2, 3, 6)  # PolicyStatus.ACTING, .SHADOW and .TAKEN_OVER


@dataclass(frozen=True)
class Event:
    """One event of an episode; `name` as in ``EpisodeEvent.msg``."""

    stamp_ns: int
    name: str
    episode_id: str
    detail: str = ""


@dataclass(frozen=True)
class LiveTick:
    """A tick at which the live policy acted, or looked on while a person had the arm.

    Attributes:
        stamp_ns: The tick [ns].
        samples_ns: Observation key to the stamp of the sample that it used, less the stream's latency [ns].
        late_samples: Samples that had come too late by then.
    """

    stamp_ns: int
    samples_ns: dict[str, int]
    late_samples: int


@dataclass(frozen=True)
class BagContents:
    """A bag, sorted by what the converter needs.

    Attributes:
        contract: What it was read for.
        assembler: Holds every sample of the observation topics.
        buffers: Relative topic name to samples, for every topic of the contract that the bag has.
        actions: Action key to its track.
        events: Every event, in the order of stamps.
        live_ticks: Ticks of a live policy, in the order of stamps.
    """

    contract: Contract
    assembler: Assembler
    buffers: dict[str, SampleBuffer]
    actions: dict[str, ActionTrack]
    events: list[Event]
    live_ticks: list[LiveTick]

    def first_ns(self) -> int:
        """The first instant at which every observation stream has had a sample [ns]."""
        return max(next(iter(buffer)).stamp_ns for buffer in self.assembler.buffers.values())

    def last_ns(self) -> int:
        """The stamp of the last sample of any observation stream [ns]."""
        return max(list(buffer)[-1].stamp_ns for buffer in self.assembler.buffers.values())


def read_contents(bag: Bag, contract: Contract, namespace: str = "") -> BagContents:
    """Sort a bag's messages. The bag has passed :func:`muse_ros.contract.audit.problems`."""
    relative = {absolute(topic, namespace): topic for topic in contract.topics()}
    status = absolute(STATUS_TOPIC, namespace)
    own = [name for name, topic in bag.topics.items() if topic.type == EVENT_TYPE or name == status]
    wanted = [*(name for name in relative if name in bag.topics), *own]
    codec = bag.codec(wanted)
    assembler = Assembler(contract, keep_s=None, codec=codec)
    buffers = dict(assembler.buffers)
    for topic, type_name in contract.topics().items():
        if topic not in buffers and absolute(topic, namespace) in bag.topics:
            buffers[topic] = SampleBuffer(type_name, codec)
    events: list[Event] = []
    ticks: list[LiveTick] = []
    for name, type_name, data, received_ns in bag.messages(wanted):
        if name in relative:
            buffers[relative[name]].add(data, received_ns)
        elif type_name == EVENT_TYPE:
            events.append(_event(codec.parse(type_name, data)))
        elif type_name == STATUS_TYPE:
            ticks += _live_ticks(codec.parse(type_name, data))
    actions = {
        key: ActionTrack(stream, buffers[stream.topic], buffers.get(stream.label_topic or ""))
        for key, stream in contract.actions.items()
    }
    return BagContents(contract, assembler, buffers, actions, _sorted_once(events), _sorted_once(ticks))


def _event(message: Any) -> Event:
    return Event(stamp_ns(message) or 0, str(message.event), str(message.episode_id), str(message.detail))


def _live_ticks(message: Any) -> Iterable[LiveTick]:
    if message.state in _SEEING:
        samples = dict(zip(map(str, message.keys), map(time_ns, message.sample_stamps), strict=True))
        yield LiveTick(stamp_ns(message) or 0, samples, int(message.late_samples))


def _sorted_once(items: list[Any]) -> list[Any]:
    """In the order of stamps, without repetitions: latched topics come again to every new subscriber."""
    kept: list[Any] = []
    for item in sorted(items, key=lambda item: item.stamp_ns):
        if not kept or item != kept[-1]:
            kept.append(item)
    return kept
