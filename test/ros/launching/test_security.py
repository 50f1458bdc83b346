"""SROS2: each node with its own keys, and a policy that lets few of them command the arm."""

from xml.etree import ElementTree

import pytest

from muse_ros.arm.arbiter import SOURCES
from muse_ros.launching import up
from muse_ros.launching.graph import build
from muse_ros.launching.security import enclave_arguments
from muse_ros.resources import resource

ON = {"ROS_SECURITY_ENABLE": "true"}


@pytest.mark.parametrize(
    ("environment", "arguments"),
    [
        ({}, []),
        ({"ROS_SECURITY_ENABLE": "false"}, []),
        (ON, ["--enclave", "/left/panda"]),
        (ON | {"ROS_SECURITY_ENCLAVE_OVERRIDE": "/lab"}, []),
    ],
)
def test_a_node_takes_the_keys_of_its_own_name_where_security_is_on(environment, arguments):
    assert enclave_arguments("/left/panda", environment) == arguments


def test_muse_up_tells_each_node_its_keys(monkeypatch, tmp_path):
    monkeypatch.setenv("ROS_SECURITY_ENABLE", "true")
    programs = [up.program(spec, tmp_path) for spec in build("collect", {"namespace": "left", "teleop": "expert"}, {})]
    keys = [each.command[each.command.index("--enclave") + 1] for each in programs]
    assert keys == ["/left/panda", "/left/teleop", "/left/collect"]


def test_only_those_who_lead_the_arm_may_send_actions_and_only_the_arm_may_say_what_it_does():
    may = {topic: set() for topic in (*(f"/action/{source}" for source in SOURCES), "/action", "/panda/joint_states")}
    for enclave in ElementTree.parse(resource("config/sros2/muse.policy.xml")).iter("enclave"):
        for topics in enclave.iter("topics"):
            for topic in topics.iter("topic") if topics.get("publish") == "ALLOW" else ():
                name = (topic.text or "").strip()
                for each in may:
                    if each == name or (name.endswith("*") and each.startswith(name[:-1])):
                        may[each].add(enclave.get("path"))
    expected = {f"/action/{source}": {f"/{source}"} for source in SOURCES}
    expected["/action/replay"].add("/calibrate")
    assert may == expected | {"/action": {"/panda"}, "/panda/joint_states": {"/panda"}}
