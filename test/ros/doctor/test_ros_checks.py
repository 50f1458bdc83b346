"""What the doctor says of ROS, by facts given by hand."""

import json

import pytest

from muse_ros.doctor.ros_checks import check_discovery, check_graph, check_ros, check_round_trip, probe
from muse_ros.resources import resource

MESSAGES = {f"/ros/share/muse_ros/msg/{path.name}": path.read_text().strip() for path in resource("msg").glob("*.msg")}
SOURCES = {str(path): path.read_text().strip() for path in resource("msg").glob("*.msg")}


def with_messages(machine, **facts):
    made = machine(**facts)
    made.files |= MESSAGES | SOURCES
    return made


def test_a_sourced_ros_with_current_messages_is_well(machine, verdicts):
    well = with_messages(machine)
    well.environment |= {"ROS_DISTRO": "humble", "RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}
    findings = check_ros(well)
    assert set(verdicts(findings).values()) == {"ok"}
    assert findings[0].found == "humble, sourced"
    assert "rmw_cyclonedds_cpp" in findings[3].found


@pytest.mark.parametrize(
    ("facts", "distro", "found", "cure"),
    [
        ({}, "", "no ROS 2 here", "make setup"),
        ({"files": {"/opt/ros/jazzy/setup.bash": ""}}, "", "no ROS 2 here", "source /opt/ros/jazzy/setup.bash"),
        ({}, "jazzy", "jazzy is sourced, but this Python", "--system-site-packages"),
    ],
)
def test_without_rclpy_the_cure_fits_what_is_there(machine, facts, distro, found, cure):
    without = machine(missing={"rclpy"}, **facts)
    without.environment["ROS_DISTRO"] = distro
    (finding,) = check_ros(without)
    assert finding.verdict.value == "FAIL" and found in finding.found and cure in finding.cure


def test_messages_that_are_not_built_or_of_other_definitions_are_named(machine, verdicts):
    assert verdicts(check_ros(with_messages(machine, missing={"muse_ros.msg"})))["Muse's messages"] == "fail"
    old = with_messages(machine)
    old.files["/ros/share/muse_ros/msg/Action.msg"] = "float64 values"
    del old.files["/ros/share/muse_ros/msg/StreamHealth.msg"]
    finding = check_ros(old)[2]
    assert finding.found.endswith("than msg/ has: Action, StreamHealth (not built)") and "colcon build" in finding.cure


@pytest.mark.parametrize(
    ("environment", "verdict"),
    [
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, "ok"),
        ({"ROS_LOCALHOST_ONLY": "1"}, "ok"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_STATIC_PEERS": "192.168.1.20"}, "ok"),
        ({"ROS_STATIC_PEERS": "192.168.1.20"}, "warn"),
        ({}, "warn"),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}, "fail"),
        ({"ROS_DOMAIN_ID": "nine", "ROS_LOCALHOST_ONLY": "1"}, "fail"),
        ({"ROS_DOMAIN_ID": "102", "ROS_LOCALHOST_ONLY": "1"}, "fail"),
    ],
)
def test_discovery_is_judged_by_who_could_move_the_arm(machine, verdicts, environment, verdict):
    assert verdicts(check_discovery(machine(environment=environment)))["discovery"] == verdict


def heard(**changes):
    times = [0.3] * 49 + [2.0]
    return {"rmw": "rmw_x", "sent": 50, "round_trip_ms": times, "nodes": ["/panda"], "topics": {"/a": "T"}, **changes}


@pytest.mark.parametrize(
    ("changes", "verdict", "said"),
    [
        ({}, "ok", "50 of 50 messages came, in 0.30 ms (median), 2.0 ms (slowest)"),
        ({"round_trip_ms": [0.3] * 49}, "warn", "49 of 50"),
        ({"round_trip_ms": [6.0] * 50}, "warn", "6.00 ms (median)"),
        ({"round_trip_ms": []}, "fail", "0 of 50 messages came back"),
        ({"error": "RMW not found"}, "fail", "no node could be made: RMW not found"),
    ],
)
def test_the_round_trip_is_judged_by_losses_and_time(changes, verdict, said):
    finding = check_round_trip(heard(**changes))
    assert finding.verdict.value.lower() == verdict and said in finding.found


def test_a_node_that_runs_twice_is_named(verdicts):
    assert check_graph(heard()).found == "1 nodes, 1 topics: /panda"
    twice = check_graph(heard(nodes=["/panda", "/collect", "/panda"]))
    assert twice.verdict.value == "warn" and "/panda runs twice" in twice.cure
    assert verdicts(check_graph(heard(nodes=[]))) == {"live graph": "skip"}


def test_the_probe_answers_on_its_last_line_and_its_failure_is_a_fact(machine):
    works = machine(
        programs={"/venv/bin/python -m muse_ros.nodes.probes.dds_probe": (0, "warning\n" + json.dumps(heard()))}
    )
    assert probe(works)["sent"] == 50
    broken = machine(programs={"/venv/bin/python -m": (1, "Traceback\nRuntimeError: no middleware")})
    assert probe(broken) == {"error": "RuntimeError: no middleware"}
    assert probe(machine()) == {"error": "not installed"}
