"""The deadman and the buttons beside a source that only moves: a twist, a tracked pose, a leader arm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from std_msgs.msg import Bool

from muse_ros.nodes.devices.heard_source import HeardSource, JoySource
from muse_ros.nodes.devices.mapped import RELEASE_FIRST, declare_mapping
from muse_ros.nodes.parameters import declare
from muse_ros.teleop.deadman import DeadmanGate
from muse_ros.teleop.input_mapper import InputMapper
from muse_ros.teleop.keyboard import sample_of
from muse_ros.teleop.mapper import DeviceSample
from muse_ros.window.events import WindowInput

KINDS = ("joy", "bool", "window", "source")
STILL = (0.0, 0.0, 0.0)


class DeadmanSwitch:
    """Where the operator's consent comes from; the parameter ``deadman`` says so.

    ``joy``: buttons of a Joy topic by the mapping ``buttons``. ``bool``: a std_msgs/Bool, repeated for as long as it is
    held. ``window``: the keys of the operator's window. ``source``: the source speaks only while it may move.
    """

    def __init__(self, node: Any) -> None:
        """Listen to what the parameter names.

        Raises:
            NodeFailure: where a parameter is not legal.
        """
        self._kind = declare(node, "deadman", "joy", "where the deadman is", choices=KINDS)
        self._gate = DeadmanGate()
        self._waits = False
        if self._kind == "joy":
            topic = declare(node, "joy_topic", "joy", "sensor_msgs/Joy with the deadman's button")
            self._joy = JoySource(node, topic)
            self._input = InputMapper(declare_mapping(node, "buttons", "buttons"))
        elif self._kind == "bool":
            topic = declare(node, "deadman_topic", "teleop/deadman", "std_msgs/Bool, true while the deadman is held")
            self._bool = HeardSource(node, Bool, topic, "publish true at 10 Hz or more while it is held, false else")

    @property
    def hint(self) -> str:
        """What the operator has to do, where that is so."""
        return RELEASE_FIRST if self._waits else ""

    def step(self, now_ns: int, keys: WindowInput) -> DeviceSample:
        """The deadman and the buttons now, without motions.

        Args:
            now_ns: Now, by the steady clock [ns].
            keys: Of the operator's window.

        Raises:
            DeviceError: where the switch's topic is silent.
        """
        if self._kind == "joy":
            sample = self._input.step(self._joy.read(now_ns))
            self._waits = self._input.waits_for_release
            return replace(sample, linear=STILL, angular=STILL)
        if self._kind == "source":
            return DeviceSample(deadman=True)
        held = sample_of(keys.held) if self._kind == "window" else self._told(now_ns)
        deadman = self._gate.step(held.deadman)
        self._waits = held.deadman and not deadman
        return replace(held, linear=STILL, angular=STILL, deadman=deadman)

    def lose(self) -> DeviceSample:
        """The source or the switch is gone: the switch counts again once it was let go and pressed anew."""
        self._gate.lose()
        self._waits = False
        if self._kind == "joy":
            self._input.lose()
        return DeviceSample()

    def _told(self, now_ns: int) -> DeviceSample:
        return DeviceSample(deadman=bool(self._bool.message(now_ns).data))
