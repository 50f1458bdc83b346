"""Finds parameters that were given to a node and mean nothing to it: ROS drops a misspelt limit without a word."""

from __future__ import annotations

import difflib
from typing import Any

import yaml

from muse_ros.resources import resource


def unknown_parameters(node: Any) -> str:
    """What is wrong with the names of the parameters that `node` was given; empty where nothing is.

    Known are those that it declared and those of its file in ``config/nodes``, which also lists what only some devices
    and modes declare.

    Args:
        node: An rclpy node, all parameters declared; its module has the name of its file.
    """
    declared = set(node._parameters)  # rclpy says only by prefix which there are, and not at all which were given
    given = {name for name in node._parameter_overrides if not name.startswith("qos_overrides.")}
    known = declared | _listed(type(node).__module__.rpartition(".")[2])
    return "; ".join(_sentence(name, known) for name in sorted(given - known))


def _listed(name: str) -> set[str]:
    """Names of the parameters in a node's own file."""
    sections = yaml.safe_load(resource(f"config/nodes/{name}.yaml").read_text(encoding="utf-8")).values()
    return {parameter for section in sections for parameter in section["ros__parameters"]}


def _sentence(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    advice = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(known))}"
    return f"there is no parameter {name!r}; {advice}"
