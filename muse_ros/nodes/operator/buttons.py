"""What the buttons of a device do beside moving the arm: verbs are called and instants marked, once a press."""

from __future__ import annotations

from typing import Any

from muse_ros.bridge import EVENT_QOS, STATUS_QOS, time_message
from muse_ros.msg import EpisodeEvent, EpisodeStatus
from muse_ros.nodes.operator.verbs import Verbs
from muse_ros.teleop.keyboard import CLICK_KEY
from muse_ros.teleop.mapper import DeviceSample
from muse_ros.teleop.verbs import verb_service
from muse_ros.window.events import WindowInput


class OperatorButtons:
    """Remembers which buttons were down."""

    def __init__(self, node: Any, verbs: Verbs) -> None:
        """Listen to the episodes, and advertise their events.

        Args:
            node: The teleop node.
            verbs: What buttons call.
        """
        self._node, self._verbs = node, verbs
        self._before = DeviceSample()
        self._status = EpisodeStatus()
        self._events = node.create_publisher(EpisodeEvent, "collect/events", EVENT_QOS)
        node.create_subscription(EpisodeStatus, "collect/status", self._take_status, STATUS_QOS)

    def take(self, sample: DeviceSample) -> None:
        """Do what the buttons that went down since the last sample mean."""
        before, self._before = self._before, sample
        for verb in sorted(sample.verbs - before.verbs):
            self._verbs.call(verb_service(verb, self._recording))
        if sample.click and not before.click:
            self.click()

    def take_keys(self, keys: WindowInput) -> None:
        """Do what keys of the window mean, whatever the device."""
        for _ in range(keys.pressed.count(CLICK_KEY)):
            self.click()

    def click(self) -> None:
        """Mark this instant of the episode; between episodes there is nothing to mark."""
        if not self._recording:
            return
        event = EpisodeEvent(event=EpisodeEvent.CLICK, episode_id=self._status.episode_id)
        event.header.stamp = time_message(self._node.now_ns())
        self._events.publish(event)

    @property
    def _recording(self) -> bool:
        return self._status.state == EpisodeStatus.RECORDING

    def _take_status(self, status: EpisodeStatus) -> None:
        self._status = status
