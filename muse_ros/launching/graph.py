"""The graphs, described once: which nodes run together, and which arguments set which of their parameters.

``launch/*.launch.py``, ``muse up`` and the tests all read this, so that the three ways to start cannot drift apart.
It imports neither ROS nor launch, and starts nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from muse_ros.launching.arguments import (
    CALIBRATION,
    COMMON,
    EPISODES,
    INTERACTIVE,
    POLICY,
    RECORD,
    REPLAY,
    TELEOP,
    Argument,
    GraphError,
    Value,
    suggest,
)
from muse_ros.launching.node_spec import NodeSpec
from muse_ros.launching.nodes import (
    calibrate_nodes,
    collect_nodes,
    interactive_nodes,
    policy_nodes,
    replay_nodes,
    sim_nodes,
    teleop_nodes,
)


@dataclass(frozen=True)
class Graph:
    """Nodes that run together.

    Attributes:
        description: What the graph is for, in one line.
        arguments: What may be set.
        nodes: From the arguments' values and the environment's variables to the nodes.
    """

    description: str
    arguments: tuple[Argument, ...]
    nodes: Callable[[dict[str, Value], Mapping[str, str]], list[NodeSpec]] = field(repr=False)


def parse(graph: str, texts: Mapping[str, str]) -> dict[str, Value]:
    """The values of all of a graph's arguments: those given, as texts, and the defaults of the others.

    Raises:
        GraphError: for an unknown graph or argument, or an illegal value.
    """
    arguments = {argument.name: argument for argument in find(graph).arguments}
    for name in texts:
        if name not in arguments:
            raise GraphError(f"{graph} has no argument {name!r}{suggest(name, arguments)}")
    return {
        name: argument.parse(texts[name]) if name in texts else argument.default for name, argument in arguments.items()
    }


def build(graph: str, texts: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> list[NodeSpec]:
    """The nodes of a graph, for arguments given as texts.

    Args:
        graph: Its name.
        texts: Argument to text.
        environment: Variables, which tell whether there is a display.

    Raises:
        GraphError: for an unknown graph or argument, or an illegal value.
    """
    nodes = find(graph).nodes(parse(graph, texts), environment)
    if not nodes:
        raise GraphError(f"{graph} with these arguments starts no node at all")
    return nodes


def find(graph: str) -> Graph:
    """A graph by name.

    Raises:
        GraphError: listing the graphs there are.
    """
    if graph not in GRAPHS:
        raise GraphError(f"there is no graph {graph!r}{suggest(graph, GRAPHS)}")
    return GRAPHS[graph]


GRAPHS: dict[str, Graph] = {
    "sim": Graph("the simulated Panda alone: its cameras, its state, its services", COMMON, sim_nodes),
    "teleop": Graph("lead the arm by a teleoperation device, without recording", (*COMMON, *TELEOP), teleop_nodes),
    "collect": Graph(
        "collect demonstrations: the arm, a teleoperation device, and the recorder of episodes",
        (*COMMON, *TELEOP, *EPISODES),
        collect_nodes,
    ),
    "policy": Graph(
        "run a trained policy live: the arm, the policy, a device that can take over, and the recorder of its episodes",
        (*COMMON, *POLICY, *TELEOP, RECORD, *EPISODES),
        policy_nodes,
    ),
    "replay": Graph(
        "play an episode's actions to the arm again, from a checked start pose",
        # A replay has its own pace, which lockstep would wait for in vain, and ends after one episode.
        tuple(
            argument
            for argument in (*COMMON, *REPLAY, *TELEOP, *EPISODES)
            if argument.name not in ("lockstep", "reset", "episodes", "max_episode_s")
        ),
        replay_nodes,
    ),
    "calibrate": Graph(
        "sway the arm a little and record what `muse calibrate latency` works out the cameras' delays of",
        tuple(argument for argument in (*COMMON, *CALIBRATION, *TELEOP) if argument.name != "lockstep"),
        calibrate_nodes,
    ),
    "interactive_collect": Graph(
        "episode by episode in a window: run a policy or lead the arm, keep or discard, assemble one file",
        (*COMMON, *TELEOP, *INTERACTIVE, *EPISODES),
        interactive_nodes,
    ),
}
