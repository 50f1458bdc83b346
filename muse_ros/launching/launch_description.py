"""Makes ROS 2 launch descriptions from ``muse_ros.launching.graph``; each file in ``launch/`` calls this for its graph.

Imports launch and launch_ros, which a ROS install has and PyPI has not (PyPI's ``launch`` is an unrelated package).
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, EmitEvent, LogInfo, OpaqueFunction, SetEnvironmentVariable
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch.logging import launch_config
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from muse_ros.launching.arguments import Argument
from muse_ros.launching.discovery import discovery_environment
from muse_ros.launching.graph import build, find, parse
from muse_ros.launching.node_spec import NodeSpec
from muse_ros.launching.notices import notices
from muse_ros.launching.parameter_file import write_parameters
from muse_ros.launching.processes import GRACE_S, consequence
from muse_ros.launching.security import enclave_arguments

DIES_WITH_LAUNCH = "setpriv --pdeathsig INT" if shutil.which("setpriv") else ""
"""Has the kernel interrupt a node when launch is gone, as ``muse up`` does: launch itself leaves its nodes, with an arm
that moves and a bag that is open, on SIGTERM, SIGHUP and SIGKILL. util-linux has it, so that Linux has."""


class RequiredNodeEnded(RuntimeError):
    """Shuts the launch down: an exception is the one thing that makes `ros2 launch` end with a status other than 0."""


def launch_description(graph: str) -> LaunchDescription:
    """The launch description of a graph: its arguments, and the nodes that follow from them."""
    arguments = find(graph).arguments

    def start(context: LaunchContext) -> list:
        texts = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in arguments}
        values, specs = parse(graph, texts), build(graph, texts)
        variables = discovery_environment(str(values["discovery"]), os.environ.get("ROS_DISTRO", ""), os.environ)
        return [
            *(SetEnvironmentVariable(name, value) for name, value in variables.items()),
            *(LogInfo(msg=line) for line in notices(values, specs, os.environ)),
            *map(node_action, specs),
        ]

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
    parameters = write_parameters(spec, Path(launch_config.log_dir))

    def ended(event: ProcessExited, context: LaunchContext) -> list:
        if context.is_shutdown:
            return []
        sentence, status = consequence(spec.name, event.returncode, spec.required, spec.finishes, spec.again)
        if status:
            raise RequiredNodeEnded(sentence)
        stop = [] if status is None else [EmitEvent(event=Shutdown(reason=sentence))]
        return [LogInfo(msg=sentence), *stop]

    return Node(
        package="muse_ros",
        executable=spec.program,
        name=spec.name,
        exec_name=spec.name,  # its label in the output, which else is the prefix
        namespace=spec.namespace,
        parameters=[str(path) for path in (*spec.parameter_files, parameters)],
        ros_arguments=enclave_arguments(spec.full_name, os.environ),
        prefix=DIES_WITH_LAUNCH,
        output="screen",
        emulate_tty=True,
        sigterm_timeout=str(GRACE_S[signal.SIGINT]),
        sigkill_timeout=str(GRACE_S[signal.SIGTERM]),
        on_exit=ended,
    )
