"""config/sros2/muse.policy.xml lets every node have what it has: else it would not start where keys are enforced.

The wheels' middleware knows no security, so that the policy is held against the graph of a running session instead.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

from muse_ros.resources import resource

START = "import sys; from muse_ros.command import main; sys.exit(main())"
NODES = ("panda", "teleop", "collect")
DEADLINE_S = 60.0


@pytest.fixture
def session(tmp_path: Path, dds_domain: int) -> Iterator[None]:
    arguments = ["up", "collect", "task:=reach", "teleop:=expert", f"root_dir:={tmp_path}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", START, *arguments], env=environment)  # shown where the test fails
    yield
    process.send_signal(signal.SIGINT)
    process.wait(DEADLINE_S)


def allowed(node: str, kind: str, tag: str) -> list[str]:
    """The patterns that the policy allows a node, such as all topics it may publish; ``~`` is the node's own name."""
    folder = resource("config/sros2")
    enclaves = ElementTree.parse(folder / "muse.policy.xml").iter("enclave")
    own = next(each for each in enclaves if each.get("path") == f"/{node}")
    common = ElementTree.parse(folder / "node.xml").getroot()
    blocks = [block for part in (own, common) for block in part.iter(f"{tag}s") if block.get(kind) == "ALLOW"]
    return [(each.text or "").replace("~", f"/{node}") for block in blocks for each in block.iter(tag)]


def test_every_topic_and_service_of_a_session_is_allowed_by_the_policy(
    session: None, make_node: Callable, wait_until: Callable
):
    watcher = make_node("watcher")

    def has(list_names: Callable, node: str) -> set[str]:
        return {name for name, _ in list_names(node, "/")}

    def all_there() -> bool:
        names = watcher.get_node_names()
        if any(node not in names for node in NODES):
            return False
        serves, asks = watcher.get_service_names_and_types_by_node, watcher.get_client_names_and_types_by_node
        last = ((serves, "panda", "/sim/reset"), (serves, "collect", "/collect/undo"), (asks, "teleop", "/panda/stop"))
        return all(name in has(list_names, node) for list_names, node, name in last)

    wait_until(all_there, DEADLINE_S, "panda, teleop and collect with all that they have")
    asked = [
        (watcher.get_publisher_names_and_types_by_node, "publish", "topic"),
        (watcher.get_subscriber_names_and_types_by_node, "subscribe", "topic"),
        (watcher.get_service_names_and_types_by_node, "reply", "service"),
        (watcher.get_client_names_and_types_by_node, "request", "service"),
    ]
    refused, seen = [], 0
    for node in NODES:
        for list_names, kind, tag in asked:
            patterns = allowed(node, kind, tag)
            names = has(list_names, node)
            seen += len(names)
            refused += [f"{node}: {kind} {n}" for n in sorted(names) if not any(fnmatch(n, p) for p in patterns)]
    assert seen > 50 and refused == []
