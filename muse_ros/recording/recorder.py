"""What stands between the subscriptions and the bag: keeps a short past, writes bytes untouched, counts.

The drain hands over every message in its serialised form. While no episode runs the last moment is kept in memory, so
that an episode begins with the samples that its first tick may use; while one runs everything is written as it comes.
All methods may be called from any thread. Imports no ROS.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from muse_ros.bags.writer import BagWriter
from muse_ros.recording.topic_choice import Choice
from muse_ros.recording.topic_statistics import TopicStatistics

_NS_PER_S = 1_000_000_000
_OF_THE_MOMENT = "muse_ros/"
_MAX_PAST_BYTES = 256_000_000


class Sample(NamedTuple):
    """One serialised message.

    Attributes:
        topic: Full topic name.
        data: CDR bytes, as they came.
        received_ns: When it was received, on the graph's clock [ns].
        stamp_ns: The stamp that it begins with [ns]; None where its type has none.
        lost: Messages of the same publisher that went missing just before it.
    """

    topic: str
    data: bytes
    received_ns: int
    stamp_ns: int | None = None
    lost: int = 0


@dataclass(frozen=True)
class Recording:
    """What one bag holds: figures by topic."""

    topics: dict[str, TopicStatistics]

    @property
    def lost(self) -> int:
        """Messages lost between publishers and the bag, of all topics."""
        return sum(statistics.lost for statistics in self.topics.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain figures by topic."""
        return {topic: statistics.to_dict() for topic, statistics in sorted(self.topics.items())}


class Recorder:
    """Writes one bag after another from one never-ending flow of messages.

    Muse's own messages (actions, statuses, events) are about their moment and are never taken from the past into a new
    episode; sensor data and latched topics are.
    """

    def __init__(self, open_writer: Callable[[Path], BagWriter], preroll_s: float = 0.5) -> None:
        """`open_writer` makes the bag's folder; `preroll_s` of the past is written at the start of every bag [s]."""
        self._open_writer = open_writer
        self._preroll_ns = int(preroll_s * _NS_PER_S)
        self._lock = threading.RLock()
        self._choices: dict[str, Choice] = {}
        self._past: deque[Sample] = deque()
        self._past_bytes = 0
        self._newest_ns = 0
        self._latched: dict[str, Sample] = {}
        self._statistics: dict[str, TopicStatistics] = {}
        self._writer: BagWriter | None = None
        self._taking_data = False
        self._failure = ""

    @property
    def is_open(self) -> bool:
        """Whether a bag is open."""
        return self._writer is not None

    @property
    def failure(self) -> str:
        """Why writing stopped; empty while it goes well."""
        return self._failure

    def use(self, choices: Mapping[str, Choice]) -> None:
        """The topics that are recorded from now on."""
        with self._lock:
            new = [choice for topic, choice in choices.items() if topic not in self._choices]
            self._choices.update(choices)
            if new and self._writer is not None:
                self._guarded(self._announce, new)

    def take(self, samples: Iterable[Sample]) -> None:
        """Messages of recorded topics, in the order of their arrival."""
        with self._lock:
            for sample in samples:
                self._newest_ns = sample.received_ns
                choice = self._choices[sample.topic]
                of_the_moment = choice.type.startswith(_OF_THE_MOMENT)
                if choice.latched and not of_the_moment:
                    self._latched[sample.topic] = sample
                if self._taking_data:
                    self._guarded(self._write, sample)
                elif not of_the_moment:
                    self._remember(sample)

    def begin(self, folder: Path) -> None:
        """Open a bag in `folder`, which the writer makes, and write the latched topics and the last moment to it.

        Raises:
            RuntimeError: if a bag is open.
            OSError: if the folder cannot be made or written.
        """
        with self._lock:
            if self._writer is not None:
                raise RuntimeError("a bag is open already; close it before the next one begins")
            self._writer = self._open_writer(folder)
            self._failure = ""
            self._statistics = {}
            self._announce(self._choices.values())
            self._guarded(self._write_past)
            self._past.clear()
            self._past_bytes = 0
            self._taking_data = True
            if self._failure:
                raise OSError(self._failure)

    def mark(self, topic: str, type: str, data: bytes, received_ns: int) -> None:
        """Write a message that does not come from a subscription, also after the data has ended."""
        with self._lock:
            if self._writer is None:
                return
            self._guarded(self._announce, [Choice(topic, type)])
            self._guarded(self._write, Sample(topic, data, received_ns))

    def end_data(self) -> None:
        """From now on only marks are written; what arrives is the past of the next episode.

        All that was taken is handed to the operating system, so that a crash while somebody decides costs nothing.
        """
        with self._lock:
            self._taking_data = False
            if self._writer is not None:
                self._guarded(self._writer.flush)

    def close(self) -> Recording:
        """Close the bag whole; on a failed disk as well as it can be.

        Raises:
            OSError: if the bag could not be closed.
        """
        with self._lock:
            writer, self._writer, self._taking_data = self._writer, None, False
            recording = Recording(self._statistics)
            if writer is not None:
                writer.close()
            return recording

    def figures(self) -> Recording:
        """Figures of the open or last bag, so far."""
        with self._lock:
            return Recording(dict(self._statistics))

    def _announce(self, choices: Iterable[Choice]) -> None:
        for choice in choices:
            self._writer.add_topic(choice.topic, choice.type, choice.offers)
            self._statistics.setdefault(choice.topic, TopicStatistics(choice.type))

    def _write(self, sample: Sample) -> None:
        statistics = self._statistics[sample.topic]
        self._writer.write(sample.topic, statistics.type, sample.data, sample.received_ns)
        # a stamp of zero is none, as in a heartbeat before the device's first action
        statistics.add(sample.stamp_ns or sample.received_ns, len(sample.data), sample.lost)

    def _write_past(self) -> None:
        oldest_ns = self._newest_ns - self._preroll_ns
        in_past = {id(sample) for sample in self._past}
        for sample in self._latched.values():
            if id(sample) not in in_past:
                self._write(sample._replace(received_ns=max(sample.received_ns, oldest_ns), lost=0))
        for sample in self._past:
            self._write(sample._replace(lost=0))

    def _remember(self, sample: Sample) -> None:
        self._past.append(sample)
        self._past_bytes += len(sample.data)
        # the distance is absolute: after a jump back of the clock what is from later than now is no past either
        while (
            abs(sample.received_ns - self._past[0].received_ns) > self._preroll_ns or self._past_bytes > _MAX_PAST_BYTES
        ):
            self._past_bytes -= len(self._past.popleft().data)

    def _guarded(self, action: Callable, *arguments: Any) -> None:
        """Carry out one write; the first that fails ends writing, and its reason is kept for whoever asks."""
        if self._failure:
            return
        try:
            action(*arguments)
        except Exception as error:  # writers differ in what they raise; any of it means that the bag is not whole
            self._failure = f"{type(error).__name__}: {error}"
