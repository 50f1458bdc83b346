"""``muse up``: starts a graph as child processes of this one, where ``ros2 launch`` is not there, or not wanted.

Reads the graph from ``muse_ros.launching.graph``, as the launch files do. Imports no ROS: the nodes do that, in
their processes.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from muse_ros.launching.arguments import GraphError
from muse_ros.launching.discovery import discovery_environment
from muse_ros.launching.graph import GRAPHS, Graph, build, find, parse
from muse_ros.launching.node_spec import NodeSpec
from muse_ros.launching.notices import notices
from muse_ros.launching.parameter_file import write_parameters
from muse_ros.launching.processes import Program, Supervisor
from muse_ros.launching.security import enclave_arguments

USAGE = "usage: muse up GRAPH [name:=value ...] [--dry-run]"
HELP = ("-h", "--help", "-s", "--show-args")  # the last two as for `ros2 launch`


def main(argv: list[str] | None = None) -> int:
    """Start a graph and stay until it ends.

    Args:
        argv: The command line after ``muse up``, the process's own by default.

    Returns:
        0 after success, 1 after a failure, 2 for a wrong command line, 130 after Ctrl-C.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    wants_help = any(word in argv for word in HELP)
    words = [word for word in argv if word not in (*HELP, "--dry-run")]
    try:
        if not words:
            print(describe())
            return 0 if wants_help else 2
        if wants_help:
            print(describe_graph(words[0], find(words[0])))
            return 0
        texts = read_arguments(words[1:])
        specs, values = build(words[0], texts), parse(words[0], texts)
    except (GraphError, FileNotFoundError) as error:
        print(f"muse up: {error}", file=sys.stderr)
        return 2
    environment = child_environment(str(values["discovery"]), os.environ, sys.stdout.isatty())
    with tempfile.TemporaryDirectory(prefix="muse_up_") as folder:
        programs = [program(spec, Path(folder)) for spec in specs]
        if "--dry-run" in argv:
            for each in programs:
                print(f"{each.name}: {shlex.join(each.command)}")
            return 0
        missing = missing_ros()
        if missing:
            print(f"muse up: {missing}", file=sys.stderr)
            return 1
        for line in notices(values, specs, os.environ):
            print(line, flush=True)
        return Supervisor(programs, environment, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR")).run()


def collect(argv: list[str] | None = None) -> int:
    """``muse collect``: the graph ``collect``, with the same arguments."""
    return main(["collect", *(sys.argv[1:] if argv is None else argv)])


def read_arguments(words: list[str]) -> dict[str, str]:
    """Arguments given as ``name:=value``, as on ROS command lines.

    Raises:
        GraphError: for a word that is none.
    """
    texts = {}
    for word in words:
        name, separator, text = word.partition(":=")
        if not separator or not name:
            raise GraphError(f"{word!r} is not an argument; arguments look like name:=value, as in task:=lift")
        texts[name] = text
    return texts


def program(spec: NodeSpec, folder: Path) -> Program:
    """The process that runs a node.

    Args:
        spec: The node.
        folder: Where its file of parameters is written: in a file they keep their types, whatever they look like.
    """
    overrides = write_parameters(spec, folder)
    start = f"import sys; from muse_ros.nodes.{spec.program} import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "--ros-args", "-r", f"__node:={spec.name}"]
    namespace = spec.full_name.rpartition("/")[0]
    if namespace:
        command += ["-r", f"__ns:={namespace}"]
    for path in (*spec.parameter_files, overrides):
        command += ["--params-file", str(path)]
    command += enclave_arguments(spec.full_name, os.environ)
    return Program(spec.name, tuple(command), spec.required, spec.finishes, spec.stops_last, spec.again)


def child_environment(discovery: str, environment: Mapping[str, str], tty: bool) -> dict[str, str]:
    """The environment of the nodes: unbuffered, in colour on a terminal, discovered as far as was asked for."""
    extra = {"PYTHONUNBUFFERED": "1"}
    if tty and not environment.get("NO_COLOR"):
        extra["RCUTILS_COLORIZED_OUTPUT"] = "1"
    extra |= discovery_environment(discovery, environment.get("ROS_DISTRO", "jazzy"), environment)
    return {**environment, **extra}


def missing_ros() -> str:
    """What is missing to run a node here, and what to do; empty where nothing is."""
    absent = [name for name in ("rclpy", "muse_ros.msg") if find_spec(name) is None]
    if not absent:
        return ""
    return (
        f"no ROS 2 here: {' and '.join(absent)} cannot be imported. In a checkout, `make setup` mends it. "
        "On a ROS install, source it and the workspace that Muse was built in."
    )


def describe() -> str:
    """The help text of ``muse up``."""
    width = max(len(name) for name in GRAPHS)
    graphs = "\n".join(f"  {name:<{width}}  {graph.description}" for name, graph in GRAPHS.items())
    return (
        f"{USAGE}\n\nStart a graph of ROS nodes, each in a process of its own. Ctrl-C stops them all.\n\n{graphs}\n\n"
        "muse up GRAPH --help lists the arguments. --dry-run only prints the commands.\n"
        "Where ROS 2's launch is installed, `ros2 launch muse_ros GRAPH.launch.py` starts the same."
    )


def describe_graph(name: str, graph: Graph) -> str:
    """The help text of one graph: its arguments, their meaning, choices and defaults."""
    lines = [
        f"usage: muse up {name} [name:=value ...]",
        "",
        f"{graph.description[0].upper()}{graph.description[1:]}.",
        "",
    ]
    for argument in graph.arguments:
        choices = f" [{', '.join(argument.choices)}]" if len(argument.choices) > 1 else ""
        default = f" (default: {argument.default_text})" if argument.default_text else ""
        lines.append(f"  {argument.name + ':=':<16} {argument.description}{choices}{default}")
    return "\n".join(lines)
