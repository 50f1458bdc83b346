"""What a person should know when a graph starts: where data goes, how the arm is led, which keys work.

Printed by ``muse up`` and by the launch files alike. Imports neither ROS nor launch.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from muse_ros.launching.arguments import Value
from muse_ros.launching.node_spec import NodeSpec, absolute_name
from muse_ros.launching.nodes import chosen_device, has_window, sessions_folder
from muse_ros.teleop.keyboard import help_lines, motion_meanings
from muse_ros.teleop.mapping_file import MappingError, find_file, load_mapping
from muse_ros.teleop.mapping_words import mapping_lines

WIDTH = 100
MAPPED_DEVICES = ("gamepad", "joy", "spacemouse")
"""Devices whose buttons a file of ``config/teleop`` explains, by default the one of their name."""
NO_BREAK = "\u00a0"


def notices(values: dict[str, Value], specs: list[NodeSpec], environment: Mapping[str, str]) -> list[str]:
    """Lines to print before the nodes say anything.

    Args:
        values: The values of the graph's arguments.
        specs: Its nodes.
        environment: Variables, which tell whether there is a display.
    """
    names = {spec.name: spec for spec in specs}
    lines = []
    if "collect" in names:
        session = names["collect"].parameters["session"]
        folder = sessions_folder(values) / str(session)
        lines.append(f"episodes go to {folder}{'' if session else ', in a folder named after the date and time'}")
        if values.get("episodes"):
            lines.append(f"{values['episodes']} episodes run by themselves, then everything ends")
    if "teleop" in values:
        lines += _leading(values, set(names), environment)
    return lines


def _leading(values: dict[str, Value], names: set[str], environment: Mapping[str, str]) -> list[str]:
    """How the arm is led and episodes are driven."""
    device, window = chosen_device(values, environment), has_window(values, environment)
    lines = []
    replayed = "path" in values  # the episode leads the arm, and starts and ends its own recording
    if device == "none" and values["teleop"] == "auto":
        why = "window:=false" if values["window"] == "false" else "there is no display"
        lacking = "no device can take the arm over" if replayed or "policy" in names else "nothing leads the arm"
        lines.append(f"{lacking}: {why}, so that there is no keyboard; other devices: see teleop:=")
    lines += _mapped(device, str(values["mapping"]))
    if window:
        lines.append("keys, while the window has the focus:")
        moved = device == "keyboard"
        keys = [f"{keys} {meaning}" for keys, meaning in help_lines() if moved or meaning not in motion_meanings()]
        lines += _wrapped(keys)
    elif "collect" in names and not (replayed or values["episodes"]):
        service = absolute_name(str(values["namespace"]), "collect/start")
        lines.append(f"episodes by services, such as: ros2 service call {service} std_srvs/srv/Trigger")
    return lines


def _mapped(device: str, mapping: str) -> list[str]:
    """What the axes and buttons of the device in hand do; nothing for a mapping that its node will refuse."""
    if device not in MAPPED_DEVICES:
        return []
    try:
        said = mapping_lines(load_mapping(find_file(mapping or device)))
    except MappingError:
        return []
    return [f"on the {device}:", *_wrapped(said)]


def _wrapped(phrases: list[str]) -> list[str]:
    """Phrases as indented lines, none of them broken."""
    together = ", ".join(phrase.replace(" ", NO_BREAK) for phrase in phrases)
    lines = textwrap.wrap(together, WIDTH, initial_indent="  ", subsequent_indent="  ")
    return [line.replace(NO_BREAK, " ") for line in lines]
