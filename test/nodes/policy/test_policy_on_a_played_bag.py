"""A policy looks at a bag that is played, as by `ros2 bag play --clock`, and sees what the converter makes of it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_ros.bags.bags import open_bag
from muse_ros.bridge import ACTION_QOS, TICK_QOS, message_class, time_message
from muse_ros.contract.contract import load_contract
from muse_ros.conversion import convert_cli
from muse_ros.msg import PolicyStatus
from muse_ros.nodes.policy import PolicyNode
from muse_ros.policy.loading import LoadedPolicy, narrowed
from synthetic import START_NS, Shape, write_episode

CONTRACT = narrowed(load_contract("panda_sim"), {"ee_position": (3,), "image": (64, 64, 3)})
STEP_NS = 10_000_000


class Player:
    """Publishes a bag's messages as they are, in their order, with the time of their receipt on /clock."""

    def __init__(self, node, bag):
        self._clock = node.create_publisher(Clock, "/clock", 10)
        self._messages = [(name, data, at_ns) for name, _, data, at_ns in bag.messages() if name in bag.topics]
        kinds = {name: topic.type for name, topic in bag.topics.items()}
        self.publishers = {n: node.create_publisher(message_class(kind), n, ACTION_QOS) for n, kind in kinds.items()}

    def play(self, wait_until, now_ns):
        shown_ns = 0
        for name, data, at_ns in self._messages:
            if at_ns - shown_ns >= STEP_NS:
                shown_ns = at_ns
                self._clock.publish(Clock(clock=time_message(shown_ns)))
                wait_until(lambda at=shown_ns: now_ns() == at, what="the clock")
            self.publishers[name].publish(bytes(data))


def test_a_policy_beside_a_played_bag_sees_what_the_converter_makes_of_it_and_tells_its_error(
    started, ros, make_node, spin, wait_until, tmp_path
):
    write_episode(tmp_path / "recordings", Shape(duration_s=3.0, state_hz=50.0))
    folder = next((tmp_path / "recordings").rglob("metadata.yaml")).parent
    policy, reports = started.scripted(), []
    policy.answer = np.array([0.004, 0, 0, 0, 0, 0, 0])
    shadow = {"use_sim_time": True, "execute": False, "episode_gating": False}
    node = PolicyNode(
        load=lambda *_: LoadedPolicy(policy, CONTRACT),
        parameter_overrides=[Parameter(name, value=value) for name, value in shadow.items()],
    )
    node.on_tick.append(reports.append)
    node.start()
    spin(node)
    world, states = spin(make_node("player")), []
    world.create_subscription(PolicyStatus, "policy/status", lambda m: states.append(m.state), TICK_QOS)
    player = Player(world, open_bag(folder))
    read = ("/panda/ee_pose", "/cameras/front/image/compressed", "/action")
    wait_until(lambda: all(player.publishers[n].get_subscription_count() for n in read), what="the policy node")
    player.play(wait_until, node._tick_clock.now_ns)
    acted = {report.tick.stamp_ns: report for report in reports if report.action is not None}
    wait_until(lambda: states.count(PolicyStatus.SHADOW) >= len(acted) > 0, what="statuses")
    found = node._voice._shadow.finish()
    node.executor.shutdown()
    node.close()
    node.destroy_node()
    assert PolicyStatus.ACTING not in states and found.startswith("from the operator's action over ")

    assert convert_cli.main([str(folder), "-o", str(tmp_path / "data"), "--contract", "panda_sim"]) == 0
    rows = EpisodeFolder.open(tmp_path / "data").get_episode(0).arrays
    common = [place for place, stamp in enumerate(rows["stamp_ns"]) if int(stamp) in acted]
    assert len(common) >= 10 and rows["stamp_ns"][0] == START_NS
    for place in common:
        seen = acted[int(rows["stamp_ns"][place])].observation.arrays
        for key in CONTRACT.observations:
            assert seen[key].tobytes() == np.asarray(rows[key][place]).tobytes(), f"{key} of row {place}"
    # the operator's actions are 1 mm, 2 mm, ... along x, numbered from 0.2 s before the start; the policy's always 4
    expected = [abs(float(rows["action"][place][0]) - 0.004) for place in common]
    compared = float(found.partition("translation ")[2].split()[0])
    assert compared == pytest.approx(1e3 * np.mean(expected), rel=0.35), "ticks before the start and at the end differ"
