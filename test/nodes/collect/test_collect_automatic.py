"""Automatic episodes of the collect node, against a stand-in for the simulated panda."""

import json

import pytest

pytest.importorskip("rclpy")

from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from muse_ros.bridge import STATUS_QOS
from muse_ros.msg import EpisodeStatus


class Simulation:
    """Gives a world the services of the simulated panda; even seeds are solved after 0.2 s, odd ones never."""

    def __init__(self, world):
        node = self.node = world.node
        node.declare_parameter("seed", 0)
        self.solved = node.create_publisher(Bool, "sim/success", STATUS_QOS)
        self.seeds = []
        node.create_service(Trigger, "sim/reset", self.reset)
        node.create_subscription(EpisodeStatus, "collect/status", self.hear, STATUS_QOS)

    def hear(self, status):
        if status.state == EpisodeStatus.RECORDING and status.elapsed > 0.2 and status.seed % 2 == 0:
            self.solved.publish(Bool(data=True))

    def reset(self, request, response):
        self.seeds.append(self.node.get_parameter("seed").value)
        self.solved.publish(Bool(data=False))
        response.success = True
        return response


def test_automatic_episodes_reset_by_seed_label_by_success_and_end_the_node(
    make_collect, make_world, wait_until, tmp_path
):
    simulation = Simulation(make_world("panda"))
    collect = make_collect(auto_episodes=3, seed=6, max_episode_s=1.5)
    wait_until(collect.finished.is_set, what="the end of the automatic episodes")
    assert collect.failure == ""
    assert simulation.seeds == [6, 7, 8]
    contents = [json.loads((tmp_path / "s" / f"episode_000{i}" / "episode.json").read_text()) for i in range(3)]
    assert [(content["seed"], content["outcome"]) for content in contents] == [
        (6, "success"),
        (7, "failure"),
        (8, "success"),
    ]
    assert contents[1]["duration_s"] >= 1.5


def test_automatic_episodes_without_a_simulation_give_up_and_say_so(make_collect, world, wait_until):
    collect = make_collect(auto_episodes=1, patience_s=1.0)
    wait_until(collect.finished.is_set)
    assert "sim/reset" in collect.failure
