"""Writes the parameters that arguments set as a ROS parameter file, for the launch files and ``muse up`` alike.

On a command line, and in the files that launch_ros writes, a text that looks like a number becomes one: ROS reads the
session ``0815`` as 815.0. Here every text is quoted, so that it stays what it is. Imports no ROS.
"""

from __future__ import annotations

import json
from pathlib import Path

from muse_ros.launching.node_spec import NodeSpec


def write_parameters(spec: NodeSpec, folder: Path) -> Path:
    """Write a node's parameters into a folder; returns the file."""
    path = folder / f"{spec.name}.yaml"
    content = {spec.full_name: {"ros__parameters": dict(spec.parameters)}}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")  # JSON is YAML with all texts quoted
    return path
