"""Devices whose axes and buttons get their meaning from a mapping: gamepad, Joy topic, SpaceMouse."""

from __future__ import annotations

from typing import Any

from muse_ros.msg import Action
from muse_ros.nodes.devices.heard_source import JoySource
from muse_ros.nodes.devices.six_axes import SixAxes
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.teleop.input_mapper import InputMapper
from muse_ros.teleop.mapping import Mapping
from muse_ros.teleop.mapping_file import MappingError, find_file, load_mapping
from muse_ros.teleop.mapping_words import controls
from muse_ros.teleop.raw_input import DeviceError, InputSource
from muse_ros.teleop.spacemouse import SpaceMouse
from muse_ros.window.events import WindowInput

RELEASE_FIRST = "let go of the deadman, then press it"


class MappedDevice:
    """Reads a source at 50 Hz, without waiting for it."""

    def __init__(self, node: Any, source: InputSource, mapping: Mapping) -> None:
        """Make actions of what `source` says, by `mapping`."""
        self._node, self._source = node, source
        self._input = InputMapper(mapping)
        self._axes = SixAxes(node)
        self.mapper = self._axes.mapper
        self.controls = controls(mapping)

    def beat(self, keys: WindowInput) -> Action:
        """What the device asks of the arm now."""
        now_ns, problem = self._node.steady_ns(), ""
        try:
            sample = self._input.step(self._source.read(now_ns))
        except DeviceError as error:
            sample, problem = self._input.lose(), str(error)
        return self._axes.act(sample, now_ns, problem, RELEASE_FIRST if self._input.waits_for_release else "")

    def close(self) -> None:
        """Let go of the source."""
        self._source.close()


def gamepad(node: Any) -> MappedDevice:
    """A gamepad through SDL."""
    from muse_ros.teleop.gamepad import Gamepad  # only where pygame is

    mapping = declare_mapping(node, "mapping", "gamepad")
    name = declare(node, "pad", "", "part of the name of the gamepad to take; empty: the first")
    return MappedDevice(node, Gamepad(mapping, name), mapping)


def joy(node: Any) -> MappedDevice:
    """A topic of sensor_msgs/Joy."""
    mapping = declare_mapping(node, "mapping", "joy")
    topic = declare(node, "topic", "", "where the device's messages come from; empty: joy") or "joy"
    return MappedDevice(node, JoySource(node, topic), mapping)


def spacemouse(node: Any) -> MappedDevice:
    """A SpaceMouse through hidraw."""
    return MappedDevice(node, SpaceMouse(), declare_mapping(node, "mapping", "spacemouse"))


def declare_mapping(node: Any, parameter: str, default: str) -> Mapping:
    """The mapping that a parameter names.

    Args:
        node: The teleop node.
        parameter: Name of the parameter.
        default: The shipped mapping that stands where the parameter is empty.

    Raises:
        NodeFailure: where there is no such mapping, or it cannot be used.
    """
    description = f"a mapping of axes and buttons: a name in config/teleop, or a file; empty: {default}"
    name = declare(node, parameter, "", description) or default
    try:
        return load_mapping(find_file(name))
    except MappingError as error:
        raise NodeFailure(f"parameter {parameter}: {error}") from error
