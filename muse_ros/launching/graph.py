"""The graph of nodes, described once: which nodes run together, and which arguments set which of their parameters.

``launch/*.launch.py``, ``muse up`` and the tests all read this, so that the three ways to start cannot drift apart.
It imports neither ROS nor launch, and starts nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from muse_ros.resources import resource

Value = bool | int | float | str


class GraphError(ValueError):
    """An argument or a graph is not known, or a value does not fit; the message lists what would."""


@dataclass(frozen=True)
class Argument:
    """One argument of a graph, given as ``name:=value``.

    Attributes:
        name: Its name.
        default: Its value where none is given; it also sets the type.
        description: What it is, in one line, with its unit.
        choices: Legal values; any where empty.
    """

    name: str
    default: Value
    description: str
    choices: tuple[str, ...] = ()

    def parse(self, text: str) -> Value:
        """The value that a text from a command line or a launch file stands for.

        Raises:
            GraphError: naming the argument, what was given and what is legal.
        """
        if self.choices and text not in self.choices:
            raise GraphError(f"{self.name}:={text}: must be one of {', '.join(self.choices)}")
        if isinstance(self.default, str):
            return text
        if isinstance(self.default, bool):
            if text.lower() not in ("true", "false"):
                raise GraphError(f"{self.name}:={text}: must be true or false")
            return text.lower() == "true"
        kind = type(self.default)
        try:
            return kind(text)
        except ValueError:
            wanted = "a whole number" if kind is int else "a number"
            raise GraphError(f"{self.name}:={text}: must be {wanted}") from None

    @property
    def default_text(self) -> str:
        """The default as one would type it."""
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)


@dataclass(frozen=True)
class NodeSpec:
    """One node to start.

    Attributes:
        name: Node name, and name of the module in ``muse_ros.nodes`` and of the executable.
        parameters: Parameters that the arguments set, over those of its files.
        parameter_files: YAML files of parameters, later ones over earlier ones.
        namespace: Where the node and its relative topics live; empty for the root.
        required: Its end, however it comes, ends the whole graph.
        finishes: It ends by itself when its work is done, and the graph with it; exit code 0 is then success.
    """

    name: str
    parameters: Mapping[str, Value]
    parameter_files: tuple[Path, ...] = ()
    namespace: str = ""
    required: bool = False
    finishes: bool = False


@dataclass(frozen=True)
class Graph:
    """Nodes that run together.

    Attributes:
        description: What the graph is for, in one line.
        arguments: What may be set.
        nodes: From the arguments' values to the nodes.
    """

    description: str
    arguments: tuple[Argument, ...]
    nodes: Callable[[dict[str, Value]], list[NodeSpec]] = field(repr=False)


def parse(graph: str, texts: Mapping[str, str]) -> dict[str, Value]:
    """The values of all of a graph's arguments: those given, as texts, and the defaults of the others.

    Raises:
        GraphError: for an unknown graph or argument, or an illegal value.
    """
    arguments = {argument.name: argument for argument in find(graph).arguments}
    for name in texts:
        if name not in arguments:
            raise GraphError(f"{graph} has no argument {name!r}{_suggest(name, arguments)}")
    return {
        name: argument.parse(texts[name]) if name in texts else argument.default for name, argument in arguments.items()
    }


def build(graph: str, texts: Mapping[str, str]) -> list[NodeSpec]:
    """The nodes of a graph, for arguments given as texts.

    Raises:
        GraphError: for an unknown graph or argument, or an illegal value.
    """
    return find(graph).nodes(parse(graph, texts))


def find(graph: str) -> Graph:
    """A graph by name.

    Raises:
        GraphError: listing the graphs there are.
    """
    if graph not in GRAPHS:
        raise GraphError(f"there is no graph {graph!r}{_suggest(graph, GRAPHS)}")
    return GRAPHS[graph]


def discovery_environment(reach: str, distro: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that keep ROS's discovery on this machine, unless something else was asked for.

    Args:
        reach: ``machine`` or ``network``.
        distro: Name of the ROS distribution, such as ``jazzy``.
        environment: Variables that are set already; a choice made there stands.
    """
    if reach != "machine":
        return {}
    variable, value = (
        ("ROS_LOCALHOST_ONLY", "1") if distro == "humble" else ("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    )
    return {} if variable in environment else {variable: value}


def _suggest(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(known)}"


TASKS = ("reach", "lift", "place", "coffee")  # the simulator's, by name: this module needs no simulator
_COMMON = (
    Argument("robot", "sim", "the arm's driver", ("sim",)),
    Argument("task", "lift", "what is done, and what the simulated world holds", TASKS),
    Argument("seed", 0, "seed of the simulated world and of the first automatic episode"),
    Argument("clock", False, "the simulator publishes /clock and runs as fast as it can, all nodes on its time"),
    Argument("lockstep", True, "with clock: the simulator waits for the action of each tick of an episode"),
    Argument("wide", False, "spread the simulated objects wider"),
    Argument("namespace", "", "puts all nodes and topics below this name"),
    Argument("params_file", "", "a YAML file of parameters, laid over Muse's own in config/nodes"),
    Argument("discovery", "machine", "who can see the nodes: this machine, or its network", ("machine", "network")),
)
_EPISODES = (
    Argument("contract", "panda_sim", "the contract whose streams must arrive: a file, or a name in config/robot"),
    Argument("root_dir", "recordings", "folder of all sessions"),
    Argument("session", "", "name of this session's folder; default: made from date and time"),
    Argument("operator", "", "who is showing the task"),
    Argument("episodes", 0, "run this many episodes automatically, then end; 0: wait for the services"),
    Argument("max_episode_s", 15.0, "an automatic episode without success ends as a failure after this [s]"),
)


def _node(values: dict[str, Value], name: str, parameters: dict[str, Value], **marks: bool) -> NodeSpec:
    files = [resource(f"config/nodes/{name}.yaml")]
    if values["params_file"]:
        files.append(_existing("params_file", values))
    clock = {"use_sim_time": values["clock"] and name != "panda"}
    return NodeSpec(name, {**parameters, **clock}, tuple(files), str(values["namespace"]), **marks)


def _existing(name: str, values: dict[str, Value]) -> Path:
    """The file that an argument names, made absolute: nodes may run in another folder."""
    path = Path(str(values[name])).expanduser().absolute()
    if not path.is_file():
        raise GraphError(f"{name}:={values[name]}: there is no such file")
    return path


def _panda(values: dict[str, Value]) -> NodeSpec:
    names = ("robot", "task", "seed", "clock", "wide")
    parameters = {name: values[name] for name in names}
    # A clock that outruns real time must not outrun whoever leads the arm.
    lockstep = values["clock"] and values["lockstep"]
    return _node(values, "panda", parameters | {"lockstep": lockstep}, required=True)


def _collect(values: dict[str, Value]) -> NodeSpec:
    names = ("contract", "session", "operator", "task", "seed", "max_episode_s")
    automatic = int(values["episodes"])
    parameters = {name: values[name] for name in names}
    parameters["root_dir"] = str(Path(str(values["root_dir"])).expanduser().absolute())
    parameters |= {"auto_episodes": automatic, "auto_exit": automatic > 0, "source": _source(values)}
    return _node(values, "collect", parameters, required=True, finishes=automatic > 0)


def _source(values: dict[str, Value]) -> str:
    """The topic of actions without which no episode starts: a policy may still be loading its model."""
    if "model_file" in values:
        return "action/policy" if values["execute"] else "policy/shadow_action"
    return "" if values["teleop"] == "none" else "action/teleop"


def _teleop(values: dict[str, Value]) -> NodeSpec:
    return _node(values, "teleop", {"device": values["teleop"], "task": values["task"], "seed": values["seed"]})


def _policy(values: dict[str, Value]) -> NodeSpec:
    if not values["model_file"]:
        raise GraphError("policy needs model_file:=PATH, a checkpoint such as experiments/NAME/models/model.pt")
    parameters = {"model_file": str(_existing("model_file", values)), "execute": values["execute"]}
    return _node(values, "policy", parameters, required=True)


def _sim_nodes(values: dict[str, Value]) -> list[NodeSpec]:
    return [_panda(values)]


def _collect_nodes(values: dict[str, Value]) -> list[NodeSpec]:
    teleop = [] if values["teleop"] == "none" else [_teleop(values)]
    return [_panda(values), *teleop, _collect(values)]


def _policy_nodes(values: dict[str, Value]) -> list[NodeSpec]:
    return [*_collect_nodes(values), _policy(values)]


_DEVICES = ("keyboard", "expert", "none")
GRAPHS: dict[str, Graph] = {
    "sim": Graph("the simulated Panda alone: its cameras, its state, its services", _COMMON, _sim_nodes),
    "collect": Graph(
        "collect demonstrations: the arm, a teleoperation device, and the recorder of episodes",
        (*_COMMON, Argument("teleop", "keyboard", "the device that leads the arm", _DEVICES), *_EPISODES),
        _collect_nodes,
    ),
    "policy": Graph(
        "run a trained policy live: the arm, the policy, and the recorder of its episodes",
        (
            *_COMMON,
            Argument("model_file", "", "the checkpoint to run; needed"),
            Argument("execute", True, "false: the policy only shows what it would do (shadow mode)"),
            Argument("teleop", "none", "a device that can take the arm over", _DEVICES),
            *_EPISODES,
        ),
        _policy_nodes,
    ),
}
