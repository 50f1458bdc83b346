"""The policy node acts at every tick of an episode, says what it saw, and holds with a reason when it cannot act."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from geometry_msgs.msg import PoseStamped
from rclpy.lifecycle import TransitionCallbackReturn

from muse_ros.bridge import ACTION_QOS, SENSOR_QOS
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import Action, EpisodeStatus, PolicyStatus
from muse_ros.nodes.policy import PolicyNode
from muse_ros.policy.loading import LoadedPolicy

MS = 1_000_000


def test_it_acts_at_whole_multiples_of_the_period_on_what_was_stamped_by_then(started, wait_until):
    _, policy, world = started()
    world.episode(EpisodeStatus.RECORDING)
    start_ns = world.now_ns
    world.until(lambda: len(world.asked()) >= 5, "five actions")
    stamps = sorted(world.asked())
    assert all(stamp % (100 * MS) == 0 and stamp >= start_ns for stamp in stamps)
    for stamp in stamps:
        assert world.asked()[stamp] == [float(np.float32(stamp / 1e9))] * 7, "the sample stamped exactly at the tick"
    assert policy.resets == 1
    wait_until(lambda: len(world.ticks()) >= 5, what="their statuses")
    for status in world.ticks():
        assert status.state == PolicyStatus.ACTING and status.episode_id == "episode_0000"
        assert list(status.keys) == ["ee_position"] and list(status.ages) == [0.0]
        assert time_ns(status.sample_stamps[0]) == time_ns(status.header.stamp)
        assert status.wait >= 0.02


def test_nothing_moves_before_and_after_an_episode_and_memory_is_reset_at_each(started, wait_until):
    _, policy, world = started()
    world.until(lambda: world.now_ns >= 1_500 * MS, "time without an episode")
    assert policy.seen == []
    for number in (1, 2):
        world.episode(EpisodeStatus.RECORDING, f"episode_{number:04d}")
        world.until(lambda n=number: len(world.asked()) >= 2 * n, "two actions")
        world.episode(EpisodeStatus.DECIDING, f"episode_{number:04d}")
        world.until(lambda n=number: len(world.ends()) == n, "the end of the run")
        assert policy.resets == number
        seen = len(policy.seen)
        end_ns = world.now_ns + 400 * MS
        world.until(lambda end=end_ns: world.now_ns >= end, "time after the episode")
        assert len(policy.seen) == seen
        wait_until(lambda: not world.actions[-1].values, what="a heartbeat that asks for nothing")


def test_a_stream_that_stops_makes_it_hold_with_a_reason_until_it_comes_back(started, wait_until):
    _, _, world = started()
    world.episode(EpisodeStatus.RECORDING)
    world.until(lambda: len(world.asked()) >= 2, "two actions")
    world.posing = False
    held = world.until(lambda: [s for s in world.ticks() if s.state == PolicyStatus.HOLDING], "a tick that holds")
    assert "newest sample of panda/ee_pose is" in held[0].reason and "max_age_s is 0.1" in held[0].reason
    asked = len(world.asked())
    world.posing = True
    world.until(lambda: len(world.asked()) > asked, "an action after the stream came back")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (np.array([np.nan] * 7), "not finite"),
        (np.zeros(8), r"shape [8], the contract's has [7]"),
        (RuntimeError("no more memory"), "the policy failed: RuntimeError: no more memory"),
    ],
)
def test_nonsense_from_the_policy_is_not_published_and_says_why(started, wait_until, answer, reason):
    _, policy, world = started()
    policy.answer = answer
    world.episode(EpisodeStatus.RECORDING)
    world.until(lambda: len(world.ticks()) >= 2, "two ticks")
    assert all(s.state == PolicyStatus.HOLDING and reason in s.reason for s in world.ticks())
    assert world.asked() == {}


def test_in_shadow_mode_it_says_what_it_would_do_and_asks_for_nothing(started, wait_until):
    _, _, world = started(execute=False)
    shadow = []
    world.node.create_subscription(Action, "policy/shadow_action", shadow.append, ACTION_QOS)
    world.episode(EpisodeStatus.RECORDING)
    world.until(lambda: len([a for a in shadow if a.values]) >= 2, "shadow actions")
    wait_until(lambda: world.ticks(), what="statuses")
    assert all(s.state == PolicyStatus.SHADOW for s in world.ticks())
    assert not world.actions, "nothing at all on the topic that the arm listens to"


def test_without_gating_it_acts_from_its_activation_on(started, wait_until):
    _, _, world = started(episode_gating=False)
    world.until(lambda: len(world.asked()) >= 3, "actions without an episode")


def test_deactivating_stops_the_ticks_and_activating_starts_them_again(started, wait_until):
    node, policy, world = started(episode_gating=False)
    world.until(lambda: len(world.asked()) >= 2, "actions")
    node.trigger_deactivate()
    seen, end_ns = len(policy.seen), world.now_ns + 500 * MS
    world.until(lambda: world.now_ns >= end_ns, "time while inactive")
    assert len(policy.seen) == seen
    node.trigger_activate()
    world.until(lambda: len(policy.seen) > seen, "actions after activation")


def test_it_can_be_cleaned_up_and_configured_again(started, wait_until):
    node, _, world = started(episode_gating=False)
    world.until(lambda: len(world.asked()) >= 2, "actions")
    for transition in (node.trigger_deactivate, node.trigger_cleanup, node.trigger_configure, node.trigger_activate):
        assert transition() == TransitionCallbackReturn.SUCCESS
    last = max(world.asked())
    world.until(lambda: max(world.asked()) > last, "actions after it was configured again")
    node.create_timer(1.0, lambda: None)  # as any node can


def test_a_clock_that_goes_back_does_not_end_it(started, wait_until):
    _, policy, world = started(episode_gating=False)
    world.until(lambda: world.now_ns > 8_000 * MS, "time")
    world.now_ns = 2_000 * MS
    seen = len(policy.seen)
    world.until(lambda: len(policy.seen) >= seen + 3, "actions on the earlier clock")


def test_topics_follow_the_namespace(started, make_node, wait_until):
    node, _, _ = started(episode_gating=False)
    assert {"/panda/ee_pose", "/collect/status"} <= {s.topic_name for s in node.subscriptions}
    spaced = PolicyNode(load=lambda *_: LoadedPolicy(started.scripted(), started.contract), namespace="lab")
    spaced.start()
    names = {s.topic_name for s in spaced.subscriptions} | {p.topic_name for p in spaced.publishers}
    spaced.close()
    spaced.destroy_node()
    assert {"/lab/panda/ee_pose", "/lab/collect/status", "/lab/policy/status"} <= names


def test_it_says_that_it_is_ready_once_every_stream_has_been_heard(started, wait_until):
    node, _, world = started()
    ready = wait_until(lambda: world.statuses, what="word from the policy")
    assert [(s.state, s.reason) for s in ready] == [(PolicyStatus.WAITING, "ready; no episode runs")]
    assert node._bridge.silent() == []


def test_its_topic_of_actions_appears_only_when_it_could_act(started, make_node, spin, wait_until):
    """The start of an episode waits for this topic: before the streams are heard there would be no action."""
    policy = PolicyNode(load=lambda *_: LoadedPolicy(started.scripted(), started.contract))
    policy.start()
    spin(policy)
    node = spin(make_node("world"))
    wait_until(lambda: node.count_publishers("policy/status"), what="the policy node")
    assert node.count_publishers("action/policy") == 0
    poses = node.create_publisher(PoseStamped, "panda/ee_pose", SENSOR_QOS)

    def heard():
        poses.publish(PoseStamped())
        return node.count_publishers("action/policy") == 1

    wait_until(heard, what="the topic of actions")
    policy.executor.shutdown()
    policy.close()
    policy.destroy_node()
