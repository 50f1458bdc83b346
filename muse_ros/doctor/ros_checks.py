"""ROS itself: is it there, are Muse's messages built and current, which middleware, who can see whom, and how fast."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from muse_ros.doctor.machine import Machine
from muse_ros.finding import Finding, Verdict
from muse_ros.resources import resource

DISTROS = ("humble", "jazzy", "kilted", "rolling")
SLOW_MS = 5.0
LISTEN_S = 4.0  # Fast DDS announces a node every 3 s: one that missed the first announcement hears the next
PROBE_S = 30.0


def check_ros(machine: Machine) -> list[Finding]:
    """Distribution, rclpy, messages and middleware."""
    findings = [_distribution(machine)]
    if findings[0].verdict is Verdict.FAIL:
        return findings
    version = machine.version("rclpy") or machine.version("ros-jazzy-rclpy")
    findings.append(Finding("ros", "rclpy", Verdict.OK, version or "there"))
    findings.append(_messages(machine))
    chosen = machine.environment.get("RMW_IMPLEMENTATION", "")
    findings.append(
        Finding("ros", "middleware", Verdict.OK, f"{chosen or 'the default (Fast DDS)'}, by RMW_IMPLEMENTATION")
    )
    return findings


def stays_here(environment: Mapping[str, str]) -> bool:
    """Whether discovery, by these variables, finds no node of another computer."""
    peers = environment.get("ROS_STATIC_PEERS") or environment.get("ROS_DISCOVERY_SERVER")
    reach = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "")
    return reach == "OFF" or environment.get("ROS_LOCALHOST_ONLY", "0") == "1" or (reach == "LOCALHOST" and not peers)


def check_discovery(machine: Machine) -> Finding:
    """Who can see the nodes that this shell starts."""
    environment = machine.environment
    domain = environment.get("ROS_DOMAIN_ID", "0") or "0"
    reach = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "")
    peers = environment.get("ROS_STATIC_PEERS", "")
    here = stays_here(environment)
    where = f"domain {domain}, {reach or ('LOCALHOST' if here else 'SUBNET')}"
    if not domain.isdecimal() or int(domain) > 101:
        return Finding(
            "ros", "discovery", Verdict.FAIL, f"ROS_DOMAIN_ID is {domain!r}", "export ROS_DOMAIN_ID=0   # 0 to 101"
        )
    if reach == "OFF":
        return Finding(
            "ros", "discovery", Verdict.FAIL, f"{where}: no node finds any", "unset ROS_AUTOMATIC_DISCOVERY_RANGE"
        )
    if here:
        return Finding("ros", "discovery", Verdict.OK, f"{where}: nodes of this machine only")
    if reach == "LOCALHOST" and peers:
        return Finding("ros", "discovery", Verdict.OK, f"{where}: nodes of this machine and of {peers}")
    return Finding(
        "ros",
        "discovery",
        Verdict.WARN,
        f"{where}: every machine of the network sees and moves the arm (muse up keeps to this machine by itself)",
        "export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST, with ROS_STATIC_PEERS=ADDRESS for a second computer; or a "
        "ROS_DOMAIN_ID of your own",
    )


def probe(machine: Machine, seconds: float = LISTEN_S) -> dict[str, Any]:
    """What the dds_probe hears in a process of its own; ``{"error": ...}`` where it cannot run."""
    code, said = machine.run([machine.python, "-m", "muse_ros.nodes.probes.dds_probe", str(seconds)], PROBE_S)
    try:
        heard = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError):
        heard = None
    if code or not isinstance(heard, dict):
        return {"error": said.splitlines()[-1] if said else "it said nothing"}
    return heard


def check_round_trip(heard: dict[str, Any]) -> Finding:
    """Messages that a node sent to itself: how many came back, and how fast."""
    if "error" in heard:
        return Finding(
            "ros",
            "publish, subscribe",
            Verdict.FAIL,
            f"no node could be made: {heard['error']}",
            "ros2 doctor; with RMW_IMPLEMENTATION set: unset RMW_IMPLEMENTATION",
        )
    times, sent = sorted(heard["round_trip_ms"]), heard["sent"]
    where = f"{heard['rmw']}, {len(times)} of {sent} messages came"
    if not times:
        return Finding(
            "ros",
            "publish, subscribe",
            Verdict.FAIL,
            f"{where} back",
            "sudo ip link set lo multicast on; and where there is a firewall: sudo ufw status",
        )
    median, worst = times[len(times) // 2], times[-1]
    found = f"{where}, in {median:.2f} ms (median), {worst:.1f} ms (slowest)"
    if len(times) < sent or median > SLOW_MS:
        return Finding("ros", "publish, subscribe", Verdict.WARN, found, "close what keeps the processor busy: top")
    return Finding("ros", "publish, subscribe", Verdict.OK, found)


def check_graph(heard: dict[str, Any]) -> Finding:
    """What runs now."""
    if "error" in heard:
        return Finding("ros", "live graph", Verdict.SKIP, "cannot be seen")
    nodes, topics = heard["nodes"], heard["topics"]
    if not nodes:
        return Finding("ros", "live graph", Verdict.SKIP, "no node runs")
    twice = sorted({name for name in nodes if nodes.count(name) > 1})
    found = f"{len(nodes)} nodes, {len(topics)} topics: {', '.join(sorted(set(nodes)))}"
    if twice:
        return Finding("ros", "live graph", Verdict.WARN, found, f"end one of the two: {', '.join(twice)} runs twice")
    return Finding("ros", "live graph", Verdict.OK, found)


def _distribution(machine: Machine) -> Finding:
    distro = machine.environment.get("ROS_DISTRO", "")
    if not machine.has_package("rclpy"):
        sourced = f"{distro} is sourced, but this Python ({machine.python}) has no rclpy" if distro else "no ROS 2 here"
        installed = [path.split("/")[3] for path in machine.paths("/opt/ros/*/setup.bash")]
        cure = f"source /opt/ros/{installed[-1]}/setup.bash" if installed else "make setup"
        if distro:
            cure = "make a venv with the system's packages: python3 -m venv --system-site-packages .venv"
        return Finding("ros", "distribution", Verdict.FAIL, f"{sourced}; a machine that only trains needs none", cure)
    if not distro:
        return Finding("ros", "distribution", Verdict.OK, "wheels of ROS 2 Jazzy in this Python; none is sourced")
    if distro not in DISTROS:
        return Finding(
            "ros",
            "distribution",
            Verdict.WARN,
            f"{distro}, which Muse was not tried with",
            f"take one of {', '.join(DISTROS)}",
        )
    return Finding("ros", "distribution", Verdict.OK, f"{distro}, sourced")


def _messages(machine: Machine) -> Finding:
    """Whether Muse's messages are built, and from what ``msg/`` says now."""
    if not machine.has_package("muse_ros.msg"):
        return Finding(
            "ros",
            "Muse's messages",
            Verdict.FAIL,
            "muse_ros.msg cannot be imported: they are not built, or the workspace is not sourced",
            "make setup; in a ROS workspace: colcon build --packages-select muse_ros && source install/setup.bash",
        )
    prefixes = [prefix for prefix in machine.environment.get("AMENT_PREFIX_PATH", "").split(":") if prefix]
    prefixes.append(str(Path(machine.python).parents[1]))
    differing = []
    for source in sorted(resource("msg").glob("*.msg")):
        built = [machine.read(f"{prefix}/share/muse_ros/msg/{source.name}") for prefix in prefixes]
        there = [text for text in built if text is not None]
        if there and there[0] != (machine.read(str(source)) or ""):
            differing.append(source.stem)
        elif not there:
            differing.append(f"{source.stem} (not built)")
    if differing:
        return Finding(
            "ros",
            "Muse's messages",
            Verdict.FAIL,
            f"built from other definitions than msg/ has: {', '.join(differing)}",
            "make setup; in a ROS workspace: colcon build --packages-select muse_ros",
        )
    return Finding("ros", "Muse's messages", Verdict.OK, "built from msg/ as it is")
