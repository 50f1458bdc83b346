"""A kept episode, played as `ros2 bag play` plays it, feeds a policy that looks on, and the operator's window.

The player publishes the recorded bytes in their order, with the quality of service that the bag's metadata names, and
with the recorded /clock: what a subscriber could not hear of it, it would not hear of `ros2 bag play` either.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
import yaml

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_ros.bags.bags import open_bag
from muse_ros.bags.metadata import read_metadata
from muse_ros.bridge import message_class
from muse_ros.contract.contract import load_contract
from muse_ros.conversion import convert_cli
from muse_ros.msg import EpisodeStatus, PolicyStatus
from muse_ros.nodes.operator.window_topics import WindowTopics
from muse_ros.nodes.policy import PolicyNode
from muse_ros.policy.loading import LoadedPolicy, narrowed

CONTRACT = narrowed(load_contract("panda_sim"), {"ee_position": (3,), "q": (7,), "image": (64, 64, 3)})
RESEND_S = 0.5
PLAYERS_DEPTH = 10  # rosbag2's, whatever was recorded: what DDS tells of a publisher has no depth


def offered(folder) -> dict[str, QoSProfile]:
    """Topic to what a player offers: reliability and durability of its recorded publishers, which must agree."""
    found = {}
    for each in read_metadata(folder)["topics_with_message_count"]:
        topic = each["topic_metadata"]
        profiles = yaml.safe_load(topic["offered_qos_profiles"])
        kinds = {(profile["reliability"], profile["durability"]) for profile in profiles}
        assert len(kinds) == 1, f"{topic['name']}: a player falls back to defaults where publishers differ: {kinds}"
        ((reliability, durability),) = kinds
        found[topic["name"]] = QoSProfile(
            depth=PLAYERS_DEPTH, reliability=ReliabilityPolicy(reliability), durability=DurabilityPolicy(durability)
        )
    return found


class LooksOn:
    """A policy that remembers what it saw."""

    def reset(self):
        pass

    def act(self, observation):
        return {"action": np.zeros(7)}


@pytest.fixture
def policy(ros, spin):
    """A policy in shadow mode on /clock, and the reports of its ticks."""
    parameters = {"use_sim_time": True, "execute": False}
    node = PolicyNode(
        load=lambda *_: LoadedPolicy(LooksOn(), CONTRACT),
        parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()],
    )
    reports = []
    node.on_tick.append(reports.append)
    node.start()
    spin(node)
    yield node, reports
    node.executor.shutdown()
    node.close()
    node.destroy_node()


def play(folder, node, policy, wait_until, each=lambda: None) -> None:
    """Publish a bag in the steps of its /clock; before each, the policy has heard all that was recorded by then."""
    bag, qos = open_bag(folder), offered(folder)
    publishers = {
        name: node.create_publisher(message_class(topic.type), name, qos[name]) for name, topic in bag.topics.items()
    }
    read = {f"/{topic}": topic for topic in CONTRACT.observation_topics()}
    wait_until(lambda: all(publishers[n].get_subscription_count() for n in (*read, "/clock")), what="the policy")
    sent = dict.fromkeys(read.values(), 0)
    step = []  # what was sent since the last step: best effort may lose it on a busy machine

    def short(topic: str) -> bool:
        counts = policy._bridge._assembler.counts[topic]
        return counts.received - counts.duplicates < sent[topic]  # the copy of one must not stand in for another

    def heard() -> bool:
        if not any(map(short, sent)):
            return True
        if time.monotonic() > began_s + RESEND_S:  # a second copy of what did arrive is dropped by its stamp
            for name, data in step:
                if short(read[name]):
                    publishers[name].publish(data)
        return False

    codec = bag.codec(["/clock"])
    for name, type_name, data, _ in bag.messages():
        if name == "/clock":
            began_s = time.monotonic()
            wait_until(heard, what="what was recorded by then")
            step.clear()
            each()
        publishers[name].publish(bytes(data))
        if name in read:
            sent[read[name]] += 1
            step.append((name, bytes(data)))
        if name == "/clock":
            now = codec.parse(type_name, data).clock
            now_ns = now.sec * 10**9 + now.nanosec
            wait_until(lambda at=now_ns: policy._tick_clock.now_ns() >= at, what="the clock")


def test_a_played_episode_shows_the_policy_and_the_window_what_was_there(
    lift, policy, make_node, spin, wait_until, tmp_path
):
    node, reports = policy
    player, operator = spin(make_node("player")), make_node("window")
    window = WindowTopics(operator, ["front", "wrist"], 0.04)
    states, shown = [], []
    player.create_subscription(PolicyStatus, "policy/status", lambda m: states.append((m.state, m.episode_id)), 50)

    def look():
        window.drain()
        cameras = window.cameras(with_start=False)
        shown.append((window.status.state, window.arm().source, sum(each.data is not None for each in cameras)))

    play(lift, player, node, wait_until, look)
    shadowed = {name for state, name in states if state == PolicyStatus.SHADOW}
    assert shadowed == {lift.name}, "the policy follows the recorded episode by collect/status in the bag"
    assert PolicyStatus.ACTING not in {state for state, _ in states}
    assert (EpisodeStatus.RECORDING, "teleop", 2) in shown, "the recording light, who leads the arm, both cameras"
    assert window.policy() is not None

    acted = {report.tick.stamp_ns: report for report in reports if report.action is not None}
    assert convert_cli.main([str(lift), "-o", str(tmp_path / "data"), "--contract", "panda_sim"]) == 0
    rows = EpisodeFolder.open(tmp_path / "data").get_episode(0).arrays
    stamps = [int(stamp) for stamp in rows["stamp_ns"]]
    assert set(stamps[:-1]) <= set(acted), "no row of the dataset that the policy did not see"
    for place, stamp in enumerate(stamps):
        for key in CONTRACT.observations if stamp in acted else ():
            seen = acted[stamp].observation.arrays[key]
            assert seen.tobytes() == np.asarray(rows[key][place]).tobytes(), f"{key} of row {place}"
