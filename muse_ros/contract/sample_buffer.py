"""The samples of one topic, in the order of their stamps, with bounded memory when live. Imports no ROS."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from muse_ros.contract.message_fields import DecodeError, cdr_stamp_ns, stamp_ns


@dataclass(frozen=True)
class Codec:
    """How serialised messages are read, for those who hand bytes to an assembler.

    Attributes:
        parse: Message type and CDR bytes to a message object.
        has_header: Whether a message type begins with a ``std_msgs/Header``.
    """

    parse: Callable[[str, bytes | memoryview], Any]
    has_header: Callable[[str], bool]


@dataclass
class Sample:
    """One message, parsed when it is first asked for.

    Attributes:
        stamp_ns: Header stamp, or receive time where the type has no header [ns].
        received_ns: When it arrived [ns].
    """

    stamp_ns: int
    received_ns: int
    _data: Any = field(repr=False)
    _parse: Callable[[Any], Any] | None = field(default=None, repr=False)
    _parsed: Any = field(default=None, repr=False)

    @property
    def message(self) -> Any:
        """The message object. Threads may ask at once: at worst it is parsed twice, to the same.

        Raises:
            DecodeError: if its bytes are no message of its type.
        """
        if self._parse is None:
            return self._data
        message = self._parsed
        if message is None:
            try:
                message = self._parsed = self._parse(self._data)
            except Exception as error:  # readers differ in what they raise of bytes that are not of their type
                raise DecodeError(f"{len(self._data)} bytes that are no message of its type: {error}") from error
        return message


SET_BACK_NS = 5_000_000_000


@dataclass
class Counts:
    """What arrived on one topic.

    Attributes:
        received: All messages.
        duplicates: Left out: a second sample of one stamp.
        out_of_order: Came after a sample with a later stamp.
        set_back: Of these, the ones more than 5 s older than the newest: the publisher's clock was set back.
        zero_stamps: Left out: their header was never stamped.
        unreadable: Left out: bytes that are no message with a stamp.
        clock_resets: Times that the receiver's own clock jumped back, and the buffer was emptied.
        late: Came after a tick at whose time they were already stamped.
    """

    received: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    set_back: int = 0
    zero_stamps: int = 0
    unreadable: int = 0
    clock_resets: int = 0
    late: int = 0


class SampleBuffer:
    """Samples of one topic, sorted by stamp.

    Args:
        type_name: Message type.
        codec: Reads messages that come as bytes; None where only message objects come.
        keep_ns: Samples received longer ago than this are dropped [ns]; None keeps all.
    """

    def __init__(self, type_name: str, codec: Codec | None = None, keep_ns: int | None = None) -> None:
        self.counts = Counts()
        self._type = type_name
        self._codec = codec
        self._keep_ns = keep_ns
        self._stamps: list[int] = []
        self._samples: list[Sample] = []
        self._newest_received_ns: int | None = None

    def add(self, message: Any, received_ns: int) -> Sample | None:
        """Take a message in. None where it is refused: a zero stamp, no stamp, or a second sample of one stamp."""
        self.counts.received += 1
        try:
            sample = self._sample(message, received_ns)
        except DecodeError:
            self.counts.unreadable += 1
            return None
        if sample.stamp_ns <= 0:
            self.counts.zero_stamps += 1
            return None
        self._notice_clock_reset(received_ns)
        if not self._stamps or sample.stamp_ns > self._stamps[-1]:
            place = len(self._stamps)
        else:
            place = bisect_left(self._stamps, sample.stamp_ns)
            if self._stamps[place] == sample.stamp_ns:
                self.counts.duplicates += 1
                return None
            self.counts.out_of_order += 1
            self.counts.set_back += self._stamps[-1] - sample.stamp_ns > SET_BACK_NS
        self._stamps.insert(place, sample.stamp_ns)
        self._samples.insert(place, sample)
        self._forget(received_ns)
        return sample

    def at_or_before(self, stamp_ns: int) -> Sample | None:
        """The newest sample with a stamp at or before this one."""
        place = bisect_right(self._stamps, stamp_ns)
        return self._samples[place - 1] if place else None

    def exactly(self, stamp_ns: int) -> Sample | None:
        """The sample of this very stamp."""
        place = bisect_left(self._stamps, stamp_ns)
        found = place < len(self._stamps) and self._stamps[place] == stamp_ns
        return self._samples[place] if found else None

    def between(self, start_ns: int, end_ns: int) -> list[Sample]:
        """The samples with ``start_ns <= stamp < end_ns``."""
        return self._samples[bisect_left(self._stamps, start_ns) : bisect_left(self._stamps, end_ns)]

    def __len__(self) -> int:
        return len(self._samples)

    def __iter__(self) -> Any:
        return iter(self._samples)

    def clear(self) -> None:
        """Forget every sample. Counts stay."""
        self._stamps.clear()
        self._samples.clear()
        self._newest_received_ns = None

    def _sample(self, message: Any, received_ns: int) -> Sample:
        if isinstance(message, (bytes, memoryview)):
            if self._codec is None:
                raise TypeError(f"{self._type} came as bytes; give the Assembler a codec, or messages")
            parse, type_name = self._codec.parse, self._type
            stamp = cdr_stamp_ns(message) if self._codec.has_header(type_name) else received_ns
            return Sample(stamp, received_ns, message, lambda data: parse(type_name, data))
        stamp = stamp_ns(message)
        return Sample(received_ns if stamp is None else stamp, received_ns, message)

    def _notice_clock_reset(self, received_ns: int) -> None:
        newest = self._newest_received_ns
        if newest is not None and self._keep_ns is not None and received_ns < newest - self._keep_ns:
            self.counts.clock_resets += 1
            self.clear()
            newest = None
        self._newest_received_ns = received_ns if newest is None else max(newest, received_ns)

    def _forget(self, received_ns: int) -> None:
        """Drop old samples from both ends: a stamp from the future must not stay for ever."""
        if self._keep_ns is None:
            return
        oldest = received_ns - self._keep_ns
        stale = 0
        while stale < len(self._samples) - 1 and self._samples[stale].received_ns < oldest:
            stale += 1
        if stale:
            del self._samples[:stale], self._stamps[:stale]
        while len(self._samples) > 1 and self._samples[-1].received_ns < oldest:
            del self._samples[-1], self._stamps[-1]
