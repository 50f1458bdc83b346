"""What the drain hands its messages to: the audit hears every one, the recorder all but the session's own marks."""

from __future__ import annotations

from collections import deque

from muse_ros.msg import EpisodeEvent
from muse_ros.nodes.recording.event_topic import EventTopic
from muse_ros.recording.health import Health
from muse_ros.recording.recorder import Recorder, Sample


class AuditedRecorder:
    """The drain's sink.

    Attributes:
        heard: EpisodeEvents of other nodes that nobody has looked at yet, oldest first.
    """

    def __init__(self, recorder: Recorder, health: Health, events: EventTopic) -> None:
        self.use = recorder.use
        self.heard: deque[EpisodeEvent] = deque(maxlen=1000)
        self._recorder, self._health, self._events = recorder, health, events

    def take(self, samples: list[Sample]) -> None:
        """Messages, in the order of their reception."""
        for sample in samples:
            self._health.arrived(sample.topic, sample.stamp_ns, sample.received_ns, sample.lost)
        self._recorder.take([sample for sample in samples if not self._is_own_mark(sample)])

    def _is_own_mark(self, sample: Sample) -> bool:
        if sample.topic != self._events.name:
            return False
        try:
            message = self._events.from_others(sample.data)
        except RuntimeError:  # bytes that are no event are recorded as they came, and nobody acts on them
            return False
        if message is not None:
            self.heard.append(message)
        return message is None
