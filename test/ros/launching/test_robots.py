"""The graph of an arm behind a server, and of the simulated one on loopback in its place."""

from __future__ import annotations

import pytest

from muse_core.control.home import READY_Q
from muse_ros.launching.arguments import GraphError
from muse_ros.launching.graph import build


def nodes(graph: str, **texts: str) -> dict:
    return {spec.name: spec for spec in build(graph, texts, {})}


def test_a_real_arm_is_where_it_is_said_to_be_and_goes_home_after_a_decision():
    found = nodes("collect", robot="polymetis", robot_ip="172.16.0.1", robot_port="6000")
    assert list(found) == ["panda", "collect"]
    panda = found["panda"].parameters
    assert (panda["robot"], panda["robot_ip"], panda["robot_port"]) == ("polymetis", "172.16.0.1", 6000)
    assert not {"hand_port", "require_enable", "home_q", "wait_for_robot_s"} & set(panda)  # as in their file
    assert (found["collect"].parameters["reset"], found["collect"].parameters["contract"]) == ("home", "panda")


def test_an_arm_without_a_hand_is_told_so_by_port_0():
    arm = nodes("sim", robot="polymetis", robot_ip="172.16.0.1", hand_port="0")["panda"].parameters
    assert arm["hand_port"] == 0
    assert nodes("sim", robot="polymetis", loopback="true", hand_port="0")["panda"].parameters["hand_port"] == 0


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"robot": "polymetis"}, "needs robot_ip:=ADDRESS"),
        ({"robot": "polymetis", "loopback": "true", "robot_ip": "10.0.0.1"}, "leave out robot_ip"),
        ({"loopback": "true"}, "needs robot:=polymetis"),
        ({"robot": "polymetis", "loopback": "true", "clock": "true"}, "clock:=true needs robot:=sim"),
        ({"robot": "none", "clock": "true"}, "clock:=true needs robot:=sim"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(texts: dict, said: str):
    with pytest.raises(GraphError, match=said):
        build("collect", texts, {})


def test_on_loopback_the_simulated_world_is_a_required_node_and_the_arm_is_led_at_its_ports():
    found = nodes("collect", robot="polymetis", loopback="true", task="place", seed="7", wide="true")
    assert list(found) == ["panda", "sim_server", "collect"]
    server, panda = found["sim_server"], found["panda"].parameters
    assert server.required and server.stops_last
    assert server.parameters["task"] == "place" and server.parameters["seed"] == 7 and server.parameters["wide"]
    assert panda["robot_ip"] == "127.0.0.1" and panda["wait_for_robot_s"] > 0
    ports = (panda["robot_port"], panda["hand_port"])
    assert ports == (server.parameters["port"], server.parameters["hand_port"])
    assert 0 not in ports and ports[0] != ports[1]


def test_two_loopback_servers_on_one_machine_have_ports_of_their_own_unless_these_are_given():
    first, second = (nodes("sim", robot="polymetis", loopback="true")["panda"].parameters for _ in range(2))
    assert {first["robot_port"], first["hand_port"]}.isdisjoint({second["robot_port"], second["hand_port"]})
    given = nodes("sim", robot="polymetis", loopback="true", robot_port="6001", hand_port="6002")
    assert (given["sim_server"].parameters["port"], given["panda"].parameters["hand_port"]) == (6001, 6002)


def test_on_loopback_an_episode_begins_where_the_simulators_do(tmp_path):
    path = tmp_path / "episode"
    path.mkdir()
    found = nodes("collect", robot="polymetis", loopback="true")
    assert found["panda"].parameters["home_q"] == found["collect"].parameters["home_q"] == READY_Q.tolist()
    assert found["panda"].parameters["home_opens_hand"] and not found["panda"].parameters["require_enable"]
    collect = found["collect"].parameters
    assert (collect["reset"], collect["simulator"], collect["contract"]) == ("home_sim", "sim_server", "panda_sim")
    replay = nodes("replay", robot="polymetis", loopback="true", path=str(path))["replay"].parameters
    assert (replay["home_q"], replay["simulator"]) == (READY_Q.tolist(), "sim_server")


def test_cameras_of_a_file_take_the_place_of_the_simulated_ones(tmp_path):
    file = tmp_path / "cameras.yaml"
    file.write_text("cameras:\n  front: {source: '/dev/video0'}\n")
    found = nodes("sim", robot="polymetis", loopback="true", cameras=str(file))
    assert found["sim_server"].parameters["publish_cameras"] is False
