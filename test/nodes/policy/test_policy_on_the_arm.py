"""What a hold of the policy does to the arm, through the real panda node at 1x: it slows down and stays where it is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")
pytest.importorskip("muse_ros.msg")

from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState

from muse_core.control.limits import default_limits
from muse_ros.bridge import SENSOR_QOS, STATUS_QOS, time_message
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import AppliedAction, EpisodeEvent, EpisodeStatus, PolicyStatus
from muse_ros.nodes.panda import PandaNode
from muse_ros.nodes.policy import PolicyNode
from muse_ros.policy.loading import LoadedPolicy

FORWARD = np.array([0.0, 0.012, 0, 0, 0, 0, 0])
STANDING = 1e-9


@pytest.fixture
def on_the_arm(started, ros, make_node, spin, wait_until):
    """A policy node beside a panda node, in an episode in which the arm moves along y."""
    policy, nodes = started.scripted(), []
    policy.answer = FORWARD
    small = {"camera_width": 16, "camera_height": 16, "camera_rate_hz": 1.0}
    nodes.append(PandaNode(parameter_overrides=[Parameter(name, value=value) for name, value in small.items()]))
    nodes[-1].start()
    nodes.append(PolicyNode(load=lambda *_: LoadedPolicy(policy, started.contract)))
    nodes[-1].start()
    for node in nodes:
        spin(node)
    world = spin(make_node("world"))
    heard = {"applied": [], "joints": [], "events": [], "statuses": []}
    world.create_subscription(AppliedAction, "panda/applied_action", heard["applied"].append, SENSOR_QOS)
    world.create_subscription(JointState, "panda/joint_states", heard["joints"].append, SENSOR_QOS)
    world.create_subscription(EpisodeEvent, "collect/events", heard["events"].append, 10)
    world.create_subscription(PolicyStatus, "policy/status", heard["statuses"].append, 10)
    episodes = world.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)

    def recording():  # as collect says it, again and again
        status = EpisodeStatus(state=EpisodeStatus.RECORDING, episode_id="episode_0000")
        status.start = time_message(start_ns)
        episodes.publish(status)

    wait_until(lambda: world.count_publishers("action/policy"), what="a policy that is ready")
    start_ns = nodes[0].get_clock().now().nanoseconds
    world.create_timer(0.1, recording)
    wait_until(lambda: sum(speed(a) > 0.05 for a in heard["applied"]) > 40, what="an arm that moves")
    yield policy, heard
    for node in nodes:
        node.executor.shutdown()
        node.close()
        node.destroy_node()


def speed(applied):
    return float(np.abs(applied.velocity).max())


def test_when_the_policy_fails_the_arm_slows_down_within_its_limits_and_holds_where_it_is_measured(
    on_the_arm, wait_until
):
    policy, heard = on_the_arm
    policy.answer = np.full(7, np.nan)

    def stands():
        last = heard["applied"][-20:]
        return len(last) == 20 and all(speed(a) <= STANDING and a.limited_by & AppliedAction.STALE for a in last)

    wait_until(stands, what="an arm that stands")
    applied = list(heard["applied"])
    served = [n for n, a in enumerate(applied) if a.source == "policy"]
    last_action_ns = time_ns(applied[served[-1]].action_stamp)
    held_ns = time_ns(applied[served[-1] + 1].header.stamp)
    assert held_ns - last_action_ns <= 400_000_000, "2.5 periods of 100 ms after its last action, and some scheduling"
    limits = default_limits("panda")
    limit = limits.joint_acceleration_max * limits.acceleration_scale
    after = applied[served[-1] - 5 :]
    for one, other in pairwise(after):
        periods = max(1, round((time_ns(other.header.stamp) - time_ns(one.header.stamp)) / 10_000_000))
        change = np.abs(np.array(other.velocity) - np.array(one.velocity))
        assert (change <= limit * 0.01 * (periods + 1) + 1e-9).all(), "a ramp, no step"
    joints = wait_until(
        lambda: next(
            (j for j in reversed(heard["joints"]) if np.abs(np.array(j.velocity[:7])).max() < 2e-3), None
        ),
        what="joints at rest",
    )  # fmt: skip
    np.testing.assert_allclose(joints.position[:7], applied[-1].position, atol=0.02)
    stop = wait_until(lambda: [e for e in heard["events"] if e.event == EpisodeEvent.POLICY_STOP], what="the stop")
    assert stop[0].detail.startswith("action not finite: ") and stop[0].episode_id == "episode_0000"
    policy.answer = FORWARD
    ticks = len(heard["statuses"])
    wait_until(lambda: len(heard["statuses"]) > ticks + 5, what="more ticks")
    assert heard["statuses"][-1].state == PolicyStatus.STOPPED and speed(heard["applied"][-1]) <= STANDING
