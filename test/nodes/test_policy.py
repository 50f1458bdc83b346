"""The policy node acts at every tick of an episode, says what it saw, and holds with a reason when it cannot act."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from geometry_msgs.msg import PoseStamped
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock

from muse_ros.bridge import ACTION_QOS, SENSOR_QOS, STATUS_QOS, TICK_QOS, time_message
from muse_ros.contract.contract import Contract
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import Action, EpisodeStatus, PolicyStatus
from muse_ros.nodes.policy import PolicyNode
from muse_ros.policy.loading import LoadedPolicy

MS = 1_000_000
CONTRACT = Contract.from_dict(
    {
        "name": "test",
        "rate_hz": 10.0,
        "settle_s": 0.02,
        "observations": {
            "ee_position": {
                "topic": "panda/ee_pose",
                "type": "geometry_msgs/msg/PoseStamped",
                "fields": ["pose.position.x", "pose.position.y", "pose.position.z"],
                "shape": [3],
                "max_age_s": 0.1,
            }
        },
        "actions": {
            "action": {
                "topic": "action",
                "type": "muse_ros/msg/Action",
                "fields": ["values"],
                "shape": [7],
                "space": "ee_delta",
            }
        },
    }
)


class Scripted:
    """Answers with what it is told to, and remembers what it saw."""

    def __init__(self):
        self.seen, self.resets, self.answer = [], 0, None

    def reset(self):
        self.resets += 1

    def act(self, observation):
        self.seen.append(observation["ee_position"].copy())
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return {"action": self.answer}
        return {"action": np.full(7, observation["ee_position"][0], np.float32)}


class World:
    """The other side of the graph: /clock, a pose at every 10 ms, episodes; collects what the policy publishes."""

    def __init__(self, node):
        self.node, self.now_ns, self.posing = node, 1_000 * MS, True
        self.actions, self.statuses = [], []
        self._clock = node.create_publisher(Clock, "/clock", 10)
        self._poses = node.create_publisher(PoseStamped, "panda/ee_pose", SENSOR_QOS)
        self._episodes = node.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)
        node.create_subscription(Action, "action/policy", self.actions.append, ACTION_QOS)
        node.create_subscription(PolicyStatus, "policy/status", self.statuses.append, TICK_QOS)

    def connected(self):
        return all(p.get_subscription_count() for p in (self._clock, self._poses, self._episodes))

    def advance(self):
        self.now_ns += 10 * MS
        if self.posing:
            pose = PoseStamped()
            pose.header.stamp = time_message(self.now_ns)
            pose.pose.position.x = self.now_ns / 1e9
            self._poses.publish(pose)
        self._clock.publish(Clock(clock=time_message(self.now_ns)))

    def episode(self, state, name="episode_0000"):
        status = EpisodeStatus(state=state, episode_id=name, start=time_message(self.now_ns))
        self._episodes.publish(status)

    def asked(self):
        """Actions proper, by stamp: what the heartbeat repeats counts once."""
        return {time_ns(a.header.stamp): list(a.values) for a in self.actions if a.values}

    def ends(self):
        return [s for s in self.statuses if s.state == PolicyStatus.WAITING and s.reason == "the episode has ended"]

    def ticks(self):
        return [s for s in self.statuses if s.state not in (PolicyStatus.WAITING, PolicyStatus.INACTIVE)]


@pytest.fixture
def started(ros, make_node, spin, wait_until):
    """A policy node on /clock with a scripted policy, and the world around it."""
    policies, nodes = [], []

    def start(**parameters):
        policy = Scripted()
        overrides = [Parameter(name, value=value) for name, value in {"use_sim_time": True, **parameters}.items()]
        node = PolicyNode(load=lambda *_: LoadedPolicy(policy, CONTRACT), parameter_overrides=overrides)
        node.start()
        world = World(spin(make_node("world")))
        spin(node)
        wait_until(world.connected, what="the policy node's subscriptions")
        run_until(world, wait_until, lambda: world.now_ns >= 1_250 * MS, "some time before any episode")
        policies.append(policy)
        nodes.append(node)
        return node, policy, world

    yield start
    for node in nodes:
        node.executor.shutdown()
        node.close()
        node.destroy_node()


def run_until(world, wait_until, condition, what):
    """Let simulated time pass until something is so."""

    def step():
        world.advance()
        return condition()

    return wait_until(step, what=what)


def test_it_acts_at_whole_multiples_of_the_period_on_what_was_stamped_by_then(started, wait_until):
    _, policy, world = started()
    world.episode(EpisodeStatus.RECORDING)
    start_ns = world.now_ns
    run_until(world, wait_until, lambda: len(world.asked()) >= 5, "five actions")
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
    run_until(world, wait_until, lambda: world.now_ns >= 1_500 * MS, "time without an episode")
    assert policy.seen == []
    for number in (1, 2):
        world.episode(EpisodeStatus.RECORDING, f"episode_{number:04d}")
        run_until(world, wait_until, lambda n=number: len(world.asked()) >= 2 * n, "two actions")
        world.episode(EpisodeStatus.DECIDING, f"episode_{number:04d}")
        run_until(world, wait_until, lambda n=number: len(world.ends()) == n, "the end of the run")
        assert policy.resets == number
        seen = len(policy.seen)
        end_ns = world.now_ns + 400 * MS
        run_until(world, wait_until, lambda end=end_ns: world.now_ns >= end, "time after the episode")
        assert len(policy.seen) == seen
        wait_until(lambda: not world.actions[-1].values, what="a heartbeat that asks for nothing")


def test_a_stream_that_stops_makes_it_hold_with_a_reason_until_it_comes_back(started, wait_until):
    _, _, world = started()
    world.episode(EpisodeStatus.RECORDING)
    run_until(world, wait_until, lambda: len(world.asked()) >= 2, "two actions")
    world.posing = False
    held = run_until(
        world, wait_until, lambda: [s for s in world.ticks() if s.state == PolicyStatus.HOLDING], "a tick that holds"
    )
    assert "newest sample of panda/ee_pose is" in held[0].reason and "max_age_s is 0.1" in held[0].reason
    asked = len(world.asked())
    world.posing = True
    run_until(world, wait_until, lambda: len(world.asked()) > asked, "an action after the stream came back")


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
    run_until(world, wait_until, lambda: len(world.ticks()) >= 2, "two ticks")
    assert all(s.state == PolicyStatus.HOLDING and reason in s.reason for s in world.ticks())
    assert world.asked() == {}


def test_in_shadow_mode_it_says_what_it_would_do_and_asks_for_nothing(started, wait_until):
    _, _, world = started(execute=False)
    shadow = []
    world.node.create_subscription(Action, "policy/shadow_action", shadow.append, ACTION_QOS)
    world.episode(EpisodeStatus.RECORDING)
    run_until(world, wait_until, lambda: len([a for a in shadow if a.values]) >= 2, "shadow actions")
    wait_until(lambda: world.ticks(), what="statuses")
    assert all(s.state == PolicyStatus.SHADOW for s in world.ticks())
    assert not world.actions, "nothing at all on the topic that the arm listens to"


def test_without_gating_it_acts_from_its_activation_on(started, wait_until):
    _, _, world = started(episode_gating=False)
    run_until(world, wait_until, lambda: len(world.asked()) >= 3, "actions without an episode")


def test_deactivating_stops_the_ticks_and_activating_starts_them_again(started, wait_until):
    node, policy, world = started(episode_gating=False)
    run_until(world, wait_until, lambda: len(world.asked()) >= 2, "actions")
    node.trigger_deactivate()
    seen, end_ns = len(policy.seen), world.now_ns + 500 * MS
    run_until(world, wait_until, lambda: world.now_ns >= end_ns, "time while inactive")
    assert len(policy.seen) == seen
    node.trigger_activate()
    run_until(world, wait_until, lambda: len(policy.seen) > seen, "actions after activation")


def test_a_clock_that_goes_back_does_not_end_it(started, wait_until):
    _, policy, world = started(episode_gating=False)
    run_until(world, wait_until, lambda: world.now_ns > 20_000 * MS, "time")
    world.now_ns = 2_000 * MS
    seen = len(policy.seen)
    run_until(world, wait_until, lambda: len(policy.seen) >= seen + 3, "actions on the earlier clock")


def test_topics_follow_the_namespace(started, make_node, wait_until):
    node, _, _ = started(episode_gating=False)
    assert {"/panda/ee_pose", "/collect/status"} <= {s.topic_name for s in node.subscriptions}
    spaced = PolicyNode(load=lambda *_: LoadedPolicy(Scripted(), CONTRACT), namespace="lab")
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


def test_its_topic_of_actions_appears_only_when_it_could_act(ros, make_node, spin, wait_until):
    """The start of an episode waits for this topic: before the streams are heard there would be no action."""
    policy = PolicyNode(load=lambda *_: LoadedPolicy(Scripted(), CONTRACT))
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
