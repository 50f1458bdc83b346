"""What ``robot:=`` asks for: what goes with what, where an arm's server is, and the simulated arm on loopback.

Imports neither ROS nor launch.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from muse_core.control.home import READY_Q
from muse_ros.launching.arguments import GraphError, Value

HERE = "127.0.0.1"
WAITS_S = 30.0
"""How long the arm's driver waits for the loopback server, which starts beside it [s]."""
SIM_SERVER = "sim_server"


def check_robot(values: Mapping[str, Value]) -> None:
    """Refuse what no robot can do.

    Raises:
        GraphError: saying what to leave out or to give.
    """
    robot = values["robot"]
    if values["clock"] and values["use_sim_time"]:
        raise GraphError("clock:=true makes the time and use_sim_time:=true takes it from elsewhere: choose one")
    if values["clock"] and robot != "sim":
        raise GraphError("clock:=true needs robot:=sim, which makes the time")
    if values["loopback"] and robot != "polymetis":
        raise GraphError("loopback:=true is a Polymetis server without an arm: it needs robot:=polymetis")
    if values["loopback"] and values["robot_ip"]:
        raise GraphError("loopback:=true brings a server of its own: leave out robot_ip, or loopback for the real arm")
    if robot == "polymetis" and not values["loopback"] and not values["robot_ip"]:
        raise GraphError(
            "robot:=polymetis needs robot_ip:=ADDRESS, of the computer that runs the arm's server; loopback:=true "
            "tries it without an arm"
        )


def with_loopback_ports(values: Mapping[str, Value]) -> dict[str, Value]:
    """The values, with a free port of this computer for each service of a loopback server that has none yet."""
    if not values["loopback"]:
        return dict(values)
    robot_port, hand_port = values["robot_port"], values["hand_port"]
    ports = {"robot_port": robot_port or free_port(), "hand_port": free_port() if hand_port < 0 else hand_port}
    return {**values, **ports}


def panda_parameters(values: Mapping[str, Value]) -> dict[str, Any]:
    """Of the panda node, beside those of any arm; what is left open is as in its file."""
    if values["robot"] != "polymetis":
        return {}
    least = {"robot_port": 1, "hand_port": 0}
    parameters: dict[str, Any] = {name: values[name] for name, lowest in least.items() if values[name] >= lowest}
    if not values["loopback"]:
        return {"robot_ip": values["robot_ip"], **parameters}
    parameters |= {"robot_ip": HERE, "wait_for_robot_s": WAITS_S}
    # Nobody can be hurt, and nobody is there to put the scene back: as in the simulator, an episode begins with an open
    # hand over the table, and a policy needs no one who holds its enable.
    return parameters | {"require_enable": False, "home_q": READY_Q.tolist(), "home_opens_hand": True}


def scene_parameters(values: Mapping[str, Value]) -> dict[str, Any]:
    """Of a node that moves the arm home and has the scene made anew."""
    return {"home_q": READY_Q.tolist(), "simulator": SIM_SERVER} if values["loopback"] else {}


def sim_server_parameters(values: Mapping[str, Value]) -> dict[str, Value]:
    """Of the node that runs the loopback server."""
    names = {name: name for name in ("task", "seed", "wide", "hand_port")} | {"port": "robot_port"}
    found = {name: values[argument] for name, argument in names.items()}
    return found | {"publish_cameras": not values["cameras"]}


def free_port() -> int:
    """A TCP port of this computer that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return probe.getsockname()[1]
