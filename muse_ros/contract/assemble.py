"""The assembler: from messages to observations, by the contract. Live node and converter both translate through it.

A tick at t uses of each stream the newest sample whose stamp, less the stream's ``latency_s``, is at or before t.
Nothing stamped later enters, nothing older than ``max_age_s`` is used, nothing is made up. Time comes in as arguments.
Imports no ROS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from muse_ros.contract.contract import Contract
from muse_ros.contract.decode import decode
from muse_ros.contract.message_fields import DecodeError
from muse_ros.contract.sample_buffer import Codec, Counts, Sample, SampleBuffer
from muse_ros.contract.stream import Stream


@dataclass(frozen=True)
class Selection:
    """Which samples a tick uses, not yet decoded.

    Attributes:
        tick_ns: The tick [ns].
        samples: Observation key to sample.
        stamps_ns: Observation key to the sample's stamp less the stream's latency [ns].
        missing: Observation key to the reason why it has no sample.
    """

    tick_ns: int
    samples: dict[str, Sample]
    stamps_ns: dict[str, int]
    missing: dict[str, str]

    @property
    def ages_s(self) -> dict[str, float]:
        """Observation key to the age of its sample at the tick [s]."""
        return {key: (self.tick_ns - stamp) * 1e-9 for key, stamp in self.stamps_ns.items()}


@dataclass(frozen=True)
class Observation:
    """What a policy sees at one tick.

    Attributes:
        tick_ns: The tick [ns].
        arrays: Observation key to array, as the contract's spec describes it. Keys in `missing` are not there.
        stamps_ns: Observation key to the sample's stamp less the stream's latency [ns].
        ages_s: Observation key to the sample's age [s].
        missing: Observation key to the reason why there is no array. Empty for a complete observation.
    """

    tick_ns: int
    arrays: dict[str, np.ndarray]
    stamps_ns: dict[str, int]
    ages_s: dict[str, float]
    missing: dict[str, str] = field(default_factory=dict)


class Assembler:
    """Buffers the contract's topics and makes observations of them.

    Args:
        contract: What to translate.
        keep_s: How long samples are kept after they were received [s]; None keeps all (the converter).
        codec: How to read messages that come as CDR bytes; they are parsed only when sampled.
    """

    def __init__(self, contract: Contract, keep_s: float | None = 2.0, codec: Codec | None = None) -> None:
        self.contract = contract
        longest = max(stream.max_age_s + stream.latency_s for stream in contract.observations.values())
        keep_ns = None if keep_s is None else round((keep_s + longest) * 1e9)
        self.buffers: dict[str, SampleBuffer] = {
            topic: SampleBuffer(type_name, codec, keep_ns) for topic, type_name in contract.observation_topics().items()
        }
        self._latency_ns = {topic: 0 for topic in self.buffers}
        for stream in contract.observations.values():
            self._latency_ns[stream.topic] = max(self._latency_ns[stream.topic], stream.latency_ns)
        self._last_tick_ns: int | None = None

    def ingest(self, topic: str, message: Any, received_ns: int) -> None:
        """Take one message in.

        Args:
            topic: Relative name, as the contract has it; topics of no observation are ignored.
            message: A message object, or CDR bytes where a codec was given.
            received_ns: When it arrived, on the clock of the ticks [ns].
        """
        buffer = self.buffers.get(topic)
        if buffer is None:
            return
        sample = buffer.add(message, received_ns)
        if sample is not None and self._last_tick_ns is not None:
            buffer.counts.late += sample.stamp_ns - self._latency_ns[topic] <= self._last_tick_ns

    def observe(self, tick_ns: int, limits_ns: Mapping[str, int] | None = None) -> Observation:
        """The observation at a tick.

        Args:
            tick_ns: The tick [ns].
            limits_ns: Observation key to the stamp of the sample that a live tick used, as in
                ``PolicyStatus.sample_stamps``: that very sample is used again, or the key is missing.
        """
        return self.decode(self.select(tick_ns, limits_ns))

    def select(self, tick_ns: int, limits_ns: Mapping[str, int] | None = None) -> Selection:
        """Choose the samples of a tick; arguments as for :meth:`observe`."""
        selection = Selection(tick_ns, {}, {}, {})
        for key, stream in self.contract.observations.items():
            found = self._choose(stream, tick_ns, (limits_ns or {}).get(key))
            if isinstance(found, str):
                selection.missing[key] = found
            else:
                selection.samples[key] = found
                selection.stamps_ns[key] = found.stamp_ns - stream.latency_ns
        self._last_tick_ns = tick_ns  # not the latest of all: a clock may have gone back
        return selection

    def decode(self, selection: Selection) -> Observation:
        """Decode the chosen samples. One that cannot be decoded is missing, with the reason."""
        arrays, missing = {}, dict(selection.missing)
        for key, sample in selection.samples.items():
            try:
                arrays[key] = decode(self.contract.observations[key], sample.message, self.contract.gripper_max_width)
            except DecodeError as error:
                missing[key] = str(error)
        stamps = {key: selection.stamps_ns[key] for key in arrays}
        ages = {key: age for key, age in selection.ages_s.items() if key in arrays}
        return Observation(selection.tick_ns, arrays, stamps, ages, missing)

    @property
    def counts(self) -> dict[str, Counts]:
        """Topic to what arrived on it."""
        return {topic: buffer.counts for topic, buffer in self.buffers.items()}

    @property
    def late(self) -> int:
        """Samples so far that arrived after a tick at whose time they were already stamped."""
        return sum(buffer.counts.late for buffer in self.buffers.values())

    def _choose(self, stream: Stream, tick_ns: int, used_ns: int | None) -> Sample | str:
        buffer = self.buffers[stream.topic]
        if used_ns is not None:
            exact = buffer.exactly(used_ns + stream.latency_ns) if used_ns <= tick_ns else None
            return exact or f"the sample of {stream.topic} that the live tick used is not there"
        sample = buffer.at_or_before(tick_ns + stream.latency_ns)
        if sample is None:
            return _why_none(stream, buffer)
        age_ns = tick_ns - (sample.stamp_ns - stream.latency_ns)
        if age_ns > stream.max_age_ns:
            return f"newest sample of {stream.topic} is {age_ns * 1e-9:.3f} s old, max_age_s is {stream.max_age_s:g}"
        return sample


def _why_none(stream: Stream, buffer: SampleBuffer) -> str:
    if buffer.counts.zero_stamps and not len(buffer):
        return f"every header.stamp on {stream.topic} is zero; the publisher must stamp its messages"
    if not buffer.counts.received:
        return f"nothing received on {stream.topic}"
    return f"no sample of {stream.topic} is stamped at or before the tick"
