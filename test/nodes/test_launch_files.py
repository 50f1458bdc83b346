"""The launch files, with ROS's real launch: they take the arguments of the graph and start its nodes."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

launch = pytest.importorskip("launch", reason="needs ROS's launch, which is not on PyPI")
pytest.importorskip("launch_ros", reason="needs ROS's launch_ros, which is not on PyPI")
if not hasattr(launch, "LaunchDescription"):
    pytest.skip("this `launch` is not ROS's", allow_module_level=True)

from launch.actions import DeclareLaunchArgument, OpaqueFunction  # noqa: E402
from launch_ros.actions import Node  # noqa: E402

from muse_ros.launching.graph import GRAPHS  # noqa: E402

FOLDER = Path(__file__).resolve().parents[2] / "launch"


def description(graph: str):
    return runpy.run_path(str(FOLDER / f"{graph}.launch.py"))["generate_launch_description"]()


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_launch_file_declares_the_arguments_of_its_graph(graph: str):
    declared = {each.name: each for each in description(graph).entities if isinstance(each, DeclareLaunchArgument)}
    assert list(declared) == [argument.name for argument in GRAPHS[graph].arguments]
    assert all(each.description for each in declared.values())


def test_a_launch_file_starts_the_nodes_of_its_graph():
    context = launch.LaunchContext()
    context.launch_configurations["teleop"] = "expert"
    entities = description("collect").entities
    for entity in entities:
        if isinstance(entity, DeclareLaunchArgument):
            entity.execute(context)
    (start,) = (entity for entity in entities if isinstance(entity, OpaqueFunction))
    nodes = [action for action in start.execute(context) if isinstance(action, Node)]
    assert [node.node_executable for node in nodes] == ["panda", "teleop", "collect"]
