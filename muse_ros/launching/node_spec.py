"""One node to start, as a value, and how it is made of a graph's arguments. Imports neither ROS nor launch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from muse_ros.launching.arguments import GraphError, Value
from muse_ros.resources import resource

Values = dict[str, Value]
Environment = Mapping[str, str]


@dataclass(frozen=True)
class NodeSpec:
    """One node to start.

    Attributes:
        name: Node name.
        parameters: Parameters that the arguments set, over those of its files.
        parameter_files: YAML files of parameters, later ones over earlier ones.
        namespace: Where the node and its relative topics live; empty for the root.
        required: Its end, however it comes, ends the whole graph.
        finishes: It ends by itself when its work is done, and the graph with it; exit code 0 is then success.
        stops_last: When all stop, it does so after the others: the arm holds, and cameras show it, until nothing leads
            it any more and the bag is closed.
        again: The command with which a person has it back where the others go on without it; empty: not said.
        executable: Name of the executable and of the module in ``muse_ros.nodes``; the node's own name where empty.
    """

    name: str
    parameters: Mapping[str, Value]
    parameter_files: tuple[Path, ...] = ()
    namespace: str = ""
    required: bool = False
    finishes: bool = False
    stops_last: bool = False
    again: str = ""
    executable: str = ""

    @property
    def program(self) -> str:
        """Name of the executable that runs it."""
        return self.executable or self.name

    @property
    def full_name(self) -> str:
        """The node's name with its namespace, such as ``/left/panda``."""
        return absolute_name(self.namespace, self.name)


def absolute_name(namespace: str, name: str) -> str:
    """A relative name of a node, topic or service, seen from the root."""
    return "/" + "/".join(part for part in (*namespace.split("/"), name) if part)


def node_spec(
    values: Values, name: str, parameters: dict[str, Value], executable: str = "", again: str = "", **marks: bool
) -> NodeSpec:
    """The node of this name, with its file of parameters, the user's, and what all nodes are given.

    Args:
        values: Of the graph's arguments.
        name: Of the node.
        parameters: What the arguments set.
        executable: As in :class:`NodeSpec`; such a node has no file of its own.
        again: As in :class:`NodeSpec`.
        marks: Its other fields.
    """
    files = [] if executable else [resource(f"config/nodes/{name}.yaml")]  # whose parameters are for a node's own name
    if values["params_file"]:
        files.append(existing("params_file", values))
    simulated = values["use_sim_time"] or (values["clock"] and name != "panda")
    parameters = {**parameters, "use_sim_time": simulated}
    return NodeSpec(
        name, parameters, tuple(files), str(values["namespace"]), again=again, executable=executable, **marks
    )


def existing(name: str, values: Values) -> Path:
    """The file or folder that an argument names, made absolute: nodes may run in another folder.

    Raises:
        GraphError: where there is none.
    """
    path = Path(str(values[name])).expanduser().absolute()
    if not (path.is_file() or (path.is_dir() and name == "goal_file")):
        raise GraphError(f"{name}:={values[name]}: there is no such file")
    return path
