"""The topic ``collect/events``: publishes a session's marks, and knows its own messages when they come back.

Marks go into the bag directly, so that the start is in it whatever the middleware does; what other nodes publish there
(clicks, takeovers) is recorded like any topic.
"""

from __future__ import annotations

from collections import deque

from rclpy.node import Node
from rclpy.serialization import deserialize_message, serialize_message

from muse_ros.bridge import EVENT_QOS, time_message
from muse_ros.msg import EpisodeEvent
from muse_ros.recording.episode_effects import PreparedMark
from muse_ros.recording.episode_events import Mark

_TYPE = "muse_ros/msg/EpisodeEvent"
_REMEMBERED = 500  # more than can be on their way back at once


class EventTopic:
    """The events of one session."""

    def __init__(self, node: Node) -> None:
        """Advertise the topic."""
        self._publisher = node.create_publisher(EpisodeEvent, "collect/events", EVENT_QOS)
        self._own: deque[tuple] = deque(maxlen=_REMEMBERED)
        self.name = self._publisher.topic_name

    def prepare(self, mark: Mark, episode_id: str) -> PreparedMark:
        """The event as a message that can be written and then published."""
        message = EpisodeEvent(event=mark.event, episode_id=episode_id, detail=mark.detail)
        message.header.stamp = time_message(mark.stamp_ns)
        self._own.append(_identity(message))
        return PreparedMark(self.name, _TYPE, serialize_message(message), lambda: self._publisher.publish(message))

    def from_others(self, data: bytes) -> EpisodeEvent | None:
        """A serialised event that another node published; None for those published here.

        Bytes do not tell which it is: their padding may hold anything.
        """
        message = deserialize_message(data, EpisodeEvent)
        return None if _identity(message) in self._own else message


def _identity(message: EpisodeEvent) -> tuple:
    stamp = message.header.stamp
    return stamp.sec, stamp.nanosec, message.event, message.episode_id, message.detail
