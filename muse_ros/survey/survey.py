"""A look at topics, from a bag or from a live graph: types, stamps, one message each. Imports no ROS.

``muse contract init`` proposes a contract from a survey, ``muse contract check`` compares one with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from muse_ros.bags.bags import open_bag
from muse_ros.bags.message_types import UnknownTypeError
from muse_ros.contract.message_fields import DecodeError, cdr_stamp_ns

NS_PER_S = 1_000_000_000
AHEAD_S = -0.005
"""Reception less stamp below this: the publisher's clock is ahead of the receiver's."""
CLOCK = "/clock"


@dataclass
class TopicSurvey:
    """What was seen of one topic.

    Attributes:
        name: Absolute.
        type: Message type.
        stamps_ns: Header stamps in the order of reception [ns]; empty where the type has no header.
        received_ns: When each message was received [ns].
        unreadable: Why its messages cannot be read; empty where they can.
        fault: What is wrong with its quality of service; empty where nothing is known to be.
    """

    name: str
    type: str
    stamps_ns: list[int] = field(default_factory=list)
    received_ns: list[int] = field(default_factory=list)
    unreadable: str = ""
    fault: str = ""
    _data: Any = field(default=None, repr=False)
    _parse: Callable[[Any], Any] | None = field(default=None, repr=False)

    def take(self, data: Any, received_ns: int, stamp_ns: int | None, parse: Callable[[Any], Any] | None) -> None:
        """One message, still serialised; the newest is kept, and of actions the newest that asks for something."""
        self.received_ns.append(received_ns)
        if stamp_ns is not None:
            self.stamps_ns.append(stamp_ns)
        longer = self._data is None or not self.type.endswith("/Action") or len(data) >= len(self._data)
        if longer:
            self._data, self._parse = data, parse

    @property
    def message(self) -> Any:
        """One message, parsed; None where none came or none can be read."""
        return None if self._data is None or self._parse is None else self._parse(self._data)

    @property
    def count(self) -> int:
        """Messages seen."""
        return len(self.received_ns)

    @property
    def times_ns(self) -> np.ndarray:
        """Stamps, or times of reception where there are none, in their order [ns]."""
        return np.sort(np.array(self.stamps_ns or self.received_ns, np.int64))

    @property
    def rate_hz(self) -> float:
        """From the median interval [Hz]; 0 below two messages."""
        steps = np.diff(self.times_ns)
        steps = steps[steps > 0]
        return float(NS_PER_S / np.median(steps)) if len(steps) else 0.0

    @property
    def longest_s(self) -> float:
        """The longest interval [s]; 0 below two messages."""
        steps = np.diff(self.times_ns)
        return float(steps.max()) / NS_PER_S if len(steps) else 0.0

    @property
    def lags_s(self) -> np.ndarray:
        """Reception less stamp of every stamped message [s]."""
        if not self.stamps_ns:
            return np.zeros(0)
        stamps = np.array(self.stamps_ns, np.int64)
        return (np.array(self.received_ns, np.int64) - stamps)[stamps > 0] / NS_PER_S

    @property
    def zero_stamps(self) -> int:
        """Messages whose header was never stamped."""
        return sum(stamp == 0 for stamp in self.stamps_ns)


@dataclass
class Survey:
    """What was seen.

    Attributes:
        source: What it is of: a bag's path, or the live graph.
        topics: Absolute name to topic.
        notes: What is peculiar about the source, in words.
        live: Whether it is of a live graph.
        contract: The contract that a bag's recorder embedded in it, as JSON; empty where there is none.
    """

    source: str
    topics: dict[str, TopicSurvey]
    notes: tuple[str, ...] = ()
    live: bool = False
    contract: str = ""

    @property
    def simulated(self) -> bool:
        """Whether somebody makes the time: it comes in steps, and delays are not on it."""
        return CLOCK in self.topics

    @property
    def types(self) -> Mapping[str, str]:
        """Topic to message type."""
        return {name: topic.type for name, topic in self.topics.items()}


def survey_bag(path: Path) -> Survey:
    """Look at every message of a bag.

    Raises:
        BagError: if it cannot be read.
    """
    bag = open_bag(path)
    topics = {name: TopicSurvey(name, topic.type) for name, topic in bag.topics.items()}
    codecs: dict[str, Any] = {}
    for name, topic in topics.items():
        try:
            codecs[name] = bag.codec([name])
        except UnknownTypeError as error:
            topic.unreadable = str(error)
    for name, type_name, data, received_ns in bag.messages():
        codec = codecs.get(name)
        stamp, parse = None, None
        if codec is not None:
            parse = _parser(codec, type_name)
            try:
                stamp = cdr_stamp_ns(data) if codec.has_header(type_name) else None
            except DecodeError as error:
                topics[name].unreadable = str(error)
        topics[name].take(data, received_ns, stamp, parse)
    return Survey(str(path), topics, tuple(bag.notes), contract=bag.custom.get("muse_contract", ""))


def _parser(codec: Any, type_name: str) -> Callable[[Any], Any]:
    return lambda data: codec.parse(type_name, data)
