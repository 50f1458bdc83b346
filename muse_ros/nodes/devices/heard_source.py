"""Topics as teleoperation devices: the newest message while it is fresh, an error in words once it falls silent."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import Joy

from muse_ros.nodes.parameters import declare
from muse_ros.nodes.polled_topic import PolledTopic
from muse_ros.teleop.deadman import Freshness
from muse_ros.teleop.raw_input import DeviceError, RawInput

JOY_CURE = "`ros2 run joy game_controller_node` publishes it; its autorepeat_rate must be 10 Hz or more"
STALE_S = 0.2  # at 20 Hz, what joy's nodes repeat their message at, three may be lost; the arm moves 4 cm in it


class HeardSource:
    """A topic that must go on speaking."""

    def __init__(self, node: Any, kind: type, topic: str, cure: str = "") -> None:
        """Listen.

        Args:
            node: The teleop node.
            kind: Type of its messages.
            topic: Its name.
            cure: What to do where it is silent.
        """
        self._stale_s = declare(
            node, "stale_s", STALE_S, "a source that is silent for longer than this is gone [s]", (0.05, 0.5)
        )
        self._source = PolledTopic(node, kind, topic)
        self._fresh = Freshness(self._stale_s)
        self._cure = f": {cure}" if cure else ""
        self._message: Any = None
        self.topic = self._source.topic

    def message(self, now_ns: int) -> Any:
        """The newest message; the same one again until another comes.

        Args:
            now_ns: Now, by the steady clock [ns].

        Raises:
            DeviceError: where none has come yet, or none came lately.
        """
        found = self._source.newest()
        if found is not None:
            self._message = found
            self._fresh.hear(now_ns)
        if self._message is None:
            raise DeviceError(f"nothing has come on {self.topic} yet{self._cure}")
        if not self._fresh.fresh(now_ns):
            raise DeviceError(f"{self.topic} has been silent for more than {self._stale_s:g} s{self._cure}")
        return self._message


class JoySource:
    """Axes and buttons from sensor_msgs/Joy."""

    def __init__(self, node: Any, topic: str) -> None:
        """Listen to `topic`."""
        self._source = HeardSource(node, Joy, topic, JOY_CURE)

    def read(self, now_ns: int) -> RawInput:
        """What the newest message says.

        Raises:
            DeviceError: where the topic is silent.
        """
        message = self._source.message(now_ns)
        return RawInput(tuple(message.axes), tuple(bool(button) for button in message.buttons))

    def close(self) -> None:
        """Nothing to close: the subscription is the node's."""
