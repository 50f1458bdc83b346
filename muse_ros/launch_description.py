"""Makes ROS 2 launch descriptions from ``muse_ros.graph``; each file in ``launch/`` calls this for its graph.

Imports launch and launch_ros, which a ROS install has and PyPI has not (PyPI's ``launch`` is an unrelated package).
"""

from __future__ import annotations

import os

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, EmitEvent, LogInfo, OpaqueFunction, SetEnvironmentVariable
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from muse_ros.graph import Argument, NodeSpec, build, discovery_environment, find, parse
from muse_ros.processes import describe_end


def launch_description(graph: str) -> LaunchDescription:
    """The launch description of a graph: its arguments, and the nodes that follow from them."""
    arguments = find(graph).arguments

    def start(context: LaunchContext) -> list:
        texts = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in arguments}
        reach = str(parse(graph, texts)["discovery"])
        variables = discovery_environment(reach, os.environ.get("ROS_DISTRO", ""), os.environ)
        setting = [SetEnvironmentVariable(name, value) for name, value in variables.items()]
        return [*setting, *(node_action(spec) for spec in build(graph, texts))]

    return LaunchDescription([*map(declare, arguments), OpaqueFunction(function=start)])


def declare(argument: Argument) -> DeclareLaunchArgument:
    """The launch argument that stands for one of a graph's."""
    return DeclareLaunchArgument(
        argument.name,
        default_value=argument.default_text,
        description=argument.description,
        choices=list(argument.choices) or None,
    )


def node_action(spec: NodeSpec) -> Node:
    """The launch_ros action that starts a node, and that ends the launch with it where it must."""
    # A text stays a text, even where it looks like a number.
    parameters = {name: ParameterValue(value, value_type=type(value)) for name, value in spec.parameters.items()}

    def ended(event: ProcessExited, _: LaunchContext) -> list:
        done = spec.finishes and event.returncode == 0
        end = f"{spec.name} is done" if done else f"{spec.name} {describe_end(event.returncode)}"
        if not (done or spec.required):
            return [LogInfo(msg=f"{end}; the others go on")]
        return [LogInfo(msg=end), EmitEvent(event=Shutdown(reason=end))]

    return Node(
        package="muse_ros",
        executable=spec.name,
        name=spec.name,
        namespace=spec.namespace,
        parameters=[*map(str, spec.parameter_files), parameters],
        output="screen",
        emulate_tty=True,
        on_exit=ended,
    )
