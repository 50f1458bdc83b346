"""From the values of a graph's arguments to its nodes: one function a node, one a graph.

A parameter that no argument names keeps the value of its file in ``config/nodes``, or of the user's. Imports neither
ROS nor launch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from muse_core.policies.random import RANDOM
from muse_ros.cameras.settings import CameraSettingError
from muse_ros.cameras.setup import read_cameras
from muse_ros.display import display_named
from muse_ros.launching.arguments import GraphError, Value
from muse_ros.launching.node_spec import Environment, NodeSpec, Values, existing, node_spec
from muse_ros.launching.robots import (
    SIM_SERVER,
    check_robot,
    panda_parameters,
    scene_parameters,
    sim_server_parameters,
    with_loopback_ports,
)
from muse_ros.teleop.mapping_file import MappingError, find_file

LOOPBACK = "loopback"
CONTRACTS = {"sim": "panda_sim", LOOPBACK: "panda_sim"}
"""The contract of a robot where none is named; the real arm's elsewhere."""
RESETS = {"sim": "sim", LOOPBACK: "home_sim", "none": "none"}
"""What follows a decision where nothing is asked for; a real arm goes home."""


def sim_nodes(values: Values, environment: Environment) -> list[NodeSpec]:
    """The arm and its cameras."""
    return [*_robot(values), *_cameras(values)]


def teleop_nodes(values: Values, environment: Environment) -> list[NodeSpec]:
    """The arm, its cameras and a device."""
    return [*sim_nodes(values, environment), *_teleop(values, environment)]


def collect_nodes(values: Values, environment: Environment) -> list[NodeSpec]:
    """The arm, a device and the recorder, which waits for the device."""
    source = "" if chosen_device(values, environment) == "none" else "action/teleop"
    return [*teleop_nodes(values, environment), _collect(values, source)]


def policy_nodes(values: Values, environment: Environment) -> list[NodeSpec]:
    """The arm, the policy, a device that can take over, and the recorder, which waits for a model being loaded."""
    source = "action/policy" if values["execute"] else "policy/shadow_action"
    recorder = [_collect(values, source)] if values["record"] else []
    return [*teleop_nodes(values, environment), *recorder, _policy(values)]


def replay_nodes(values: Values, environment: Environment) -> list[NodeSpec]:
    """The arm, a device that can take over, the replay, and where asked the recorder, which waits for the replay."""
    by_hand: Values = {"episodes": 0, "max_episode_s": 15.0, "reset": "none"}
    # beside an arm that runs already, so does its recorder
    own = values["record"] and values["robot"] != "none"
    recorder = [_collect(values | by_hand, "action/replay")] if own else []
    return [*teleop_nodes(values, environment), *recorder, _replay(values)]


def calibrate_nodes(values: Values, environment: Environment) -> list[NodeSpec]:
    """The arm, a device that can take over, and what sways the arm and records it."""
    return [*teleop_nodes(values, environment), _calibrate(values)]


def interactive_nodes(values: Values, environment: Environment) -> list[NodeSpec]:
    """The arm, a device, the recorder, what converts and counts, and the policy where one acts."""
    values = {**values, "session": values["session"] or "interactive", "execute": True, "record": True}
    acting = policy_nodes if values["model_file"] else collect_nodes
    return [*acting(values, environment), _interactive_collect(values)]


def chosen_device(values: Values, environment: Environment) -> str:
    """The device that ``teleop`` comes to: with ``auto`` the keyboard where its window can open, else none."""
    if values["teleop"] != "auto":
        return str(values["teleop"])
    return "keyboard" if has_window(values, environment) else "none"


def has_window(values: Values, environment: Environment) -> bool:
    """Whether the operator's window is wanted and there is a display for it."""
    return values["window"] == "true" or (values["window"] == "auto" and display_named(environment))


def sessions_folder(values: Values) -> Path:
    """The folder of all sessions, absolute: nodes may run in another folder."""
    return Path(str(values["root_dir"])).expanduser().absolute()


def _robot(values: Values) -> list[NodeSpec]:
    check_robot(values)
    if values["robot"] == "none":
        return []
    values = with_loopback_ports(values)
    names = ("robot", "task", "seed", "clock", "wide", "autostart")
    parameters = {name: values[name] for name in names}
    # A clock that outruns real time must not outrun whoever leads the arm.
    parameters["lockstep"] = values["clock"] and values.get("lockstep", False)
    parameters["publish_cameras"] = not values["cameras"]  # two publishers of one camera would mix their pictures
    if values.get("teleop") == "expert":  # a script holds this deadman: nobody saw the arm stop, nobody can let go
        parameters["require_release"] = False
    if "path" in values or "bag" in values:  # neither a replay nor a calibration needs an episode around it
        parameters["execute_always"] = True
    parameters |= panda_parameters(values)
    nodes = [node_spec(values, "panda", parameters, required=True, stops_last=True)]
    if values["loopback"]:
        nodes.append(node_spec(values, SIM_SERVER, sim_server_parameters(values), required=True, stops_last=True))
    return nodes


def _kind(values: Values) -> str:
    """The robot, as far as the defaults of other nodes depend on it."""
    return LOOPBACK if values["loopback"] else str(values["robot"])


def _cameras(values: Values) -> list[NodeSpec]:
    """A node for each camera of a file. The loss of one is the recorder's alarm and ends nothing."""
    autostart = {"autostart": values["autostart"]}
    return [
        node_spec(values, f"camera_{name}", parameters | autostart, stops_last=True, executable="camera")
        for name, parameters in _camera_file(values).items()
    ]


def _camera_file(values: Values) -> dict[str, dict[str, Any]]:
    """The parameters of each camera of the file, by name; nothing without one."""
    if not values["cameras"]:
        return {}
    try:
        return read_cameras(existing("cameras", values))
    except CameraSettingError as error:
        raise GraphError(f"cameras:={values['cameras']}: {error}") from error


def _teleop(values: Values, environment: Environment) -> list[NodeSpec]:
    device = chosen_device(values, environment)
    if device == "none" and not has_window(values, environment):
        return []
    parameters = {name: values[name] for name in ("window", "task", "seed")} | {"device": device}
    if values["cameras"]:
        parameters["cameras"] = list(_camera_file(values))  # the window shows those that there are
    if values["mapping"]:
        parameters["mapping"] = _mapping(values, device)
    return [node_spec(values, "teleop", parameters, again=_teleop_again(values))]


def _mapping(values: Values, device: str) -> str:
    mapping = str(values["mapping"])
    if device in ("keyboard", "expert", "none"):
        raise GraphError(f"mapping:={mapping}: teleop:={device} has no axes or buttons to map; leave it out")
    if mapping.endswith((".yaml", ".yml")):
        return str(existing("mapping", values))
    try:
        find_file(mapping)
    except MappingError as error:
        raise GraphError(f"mapping:={mapping}: {error}") from error
    return mapping


def _teleop_again(values: Values) -> str:
    """The command that starts the device and its window beside what runs."""
    given = {name: values[name] for name in ("teleop", "window", "mapping", "namespace", "params_file") if values[name]}
    given = {name: value for name, value in given.items() if value != "auto"}
    if values["clock"] or values["use_sim_time"]:
        given["use_sim_time"] = "true"
    return " ".join(["muse up teleop robot:=none", *(f"{name}:={value}" for name, value in given.items())])


def _collect(values: Values, source: str) -> NodeSpec:
    """The recorder; `source` is the topic of actions without which no episode starts."""
    names = ("session", "operator", "task", "seed", "max_episode_s")
    automatic = int(values["episodes"])
    parameters = {name: values[name] for name in names}
    parameters["contract"] = _contract(values)
    parameters["root_dir"] = str(sessions_folder(values))
    reset = values["reset"]
    parameters["reset"] = RESETS.get(_kind(values), "home") if reset == "auto" else reset
    parameters |= {"auto_episodes": automatic, "auto_exit": automatic > 0, "source": source}
    parameters |= scene_parameters(values)
    return node_spec(values, "collect", parameters, required=True, finishes=automatic > 0)


def _policy(values: Values) -> NodeSpec:
    if not values["model_file"]:
        raise GraphError("policy needs model_file:=PATH, a checkpoint such as experiments/NAME/models/model.pt")
    random = values["model_file"] == RANDOM
    parameters = {"model_file": RANDOM if random else str(existing("model_file", values))}
    parameters |= {"execute": values["execute"], "autostart": values["autostart"]}
    if values.get("goal_file"):
        parameters["goal_file"] = str(existing("goal_file", values))
    if values["contract"] or random:  # else the one that the checkpoint was trained with
        parameters["contract"] = _contract(values)
    return node_spec(values, "policy", parameters, required=True)


def _interactive_collect(values: Values) -> NodeSpec:
    session = values["session"]
    files = {
        "dataset": values["dataset"] or f"data/{session}",
        "save_file": values["save_file"] or f"data/{session}.npz",
    }
    names = ("session", "model_file", "max_steps", "max_eps", "save_episodic", "save_start_ep", "returns")
    parameters = {name: values[name] for name in (*names, "print_policy_name", "print_last_obs")}
    parameters |= {name: str(Path(str(path)).expanduser().absolute()) for name, path in files.items()}
    parameters["root_dir"] = str(sessions_folder(values))
    return node_spec(values, "interactive_collect", parameters, required=True, finishes=True)


def _contract(values: Values) -> Value:
    return values["contract"] or CONTRACTS.get(_kind(values), "panda")


def _calibrate(values: Values) -> NodeSpec:
    if not values["bag"]:
        raise GraphError("calibrate needs bag:=FOLDER, which does not exist yet, such as calibration/monday")
    parameters = {name: values[name] for name in ("state", "duration", "size")} | {"contract": _contract(values)}
    parameters["bag"] = str(Path(str(values["bag"])).expanduser().absolute())
    return node_spec(values, "calibrate", parameters, required=True, finishes=True)


def _replay(values: Values) -> NodeSpec:
    if not values["path"]:
        raise GraphError("replay needs path:=EPISODE, such as recordings/monday/episode_0003")
    path = Path(str(values["path"])).expanduser().absolute()
    if not path.exists():
        raise GraphError(f"path:={values['path']}: there is no such file or folder")
    names = ("episode", "what", "speed", "reset_scene", "home", "approach", "record")
    parameters = {name: values[name] for name in names} | {"path": str(path)} | scene_parameters(values)
    return node_spec(values, "replay", parameters, required=True, finishes=True)
