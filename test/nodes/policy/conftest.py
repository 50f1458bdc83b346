"""A policy node on /clock with a scripted policy, and the world around it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from geometry_msgs.msg import PoseStamped
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock

from muse_ros.bridge import ACTION_QOS, EVENT_QOS, SENSOR_QOS, STATUS_QOS, TICK_QOS, time_message
from muse_ros.contract.contract import Contract
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import Action, EpisodeEvent, EpisodeStatus, PolicyStatus
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
        self.seen, self.resets, self.answer, self.before = [], 0, None, lambda: None

    def reset(self):
        self.resets += 1

    def act(self, observation):
        self.seen.append(observation["ee_position"].copy())
        self.before()
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return {"action": self.answer}
        return {"action": np.full(7, observation["ee_position"][0], np.float32)}


class World:
    """The other side of the graph: /clock, a pose at every 10 ms, episodes; collects what the policy publishes."""

    def __init__(self, node, wait_until):
        self.node, self.now_ns, self.posing, self._wait_until = node, 1_000 * MS, True, wait_until
        self.actions, self.statuses, self.heard = [], [], []
        self._clock = node.create_publisher(Clock, "/clock", 10)
        self._poses = node.create_publisher(PoseStamped, "panda/ee_pose", SENSOR_QOS)
        self._episodes = node.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)
        self._events = node.create_publisher(EpisodeEvent, "collect/events", EVENT_QOS)
        node.create_subscription(EpisodeEvent, "collect/events", self.heard.append, EVENT_QOS)
        node.create_subscription(Action, "action/policy", self.actions.append, ACTION_QOS)
        node.create_subscription(PolicyStatus, "policy/status", self.statuses.append, TICK_QOS)

    def connected(self):
        return all(p.get_subscription_count() for p in (self._clock, self._poses, self._episodes)) and (
            self._events.get_subscription_count() == 2  # the policy's and this one's
        )

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

    def until(self, condition, what):
        """Let simulated time pass until something is so."""

        def step():
            self.advance()
            return condition()

        return self._wait_until(step, what=what)

    def for_a_while(self, milliseconds):
        """Let so much simulated time pass."""
        end_ns = self.now_ns + milliseconds * MS
        self.until(lambda: self.now_ns >= end_ns, "time")

    def event(self, name, episode="episode_0000"):
        message = EpisodeEvent(event=name, episode_id=episode)
        message.header.stamp = time_message(self.now_ns)
        self._events.publish(message)

    def stops(self):
        return [e for e in self.heard if e.event == EpisodeEvent.POLICY_STOP]

    def states(self):
        """States of the ticks in order, each as often as it follows itself once."""
        found = [s.state for s in self.statuses if s.keys or s.reason != "the episode has ended"]
        return [state for state, before in zip(found, [None, *found], strict=False) if state != before]

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

    def start(policy=None, readiness=None, **parameters):
        policy = policy or Scripted()
        overrides = [Parameter(name, value=value) for name, value in {"use_sim_time": True, **parameters}.items()]
        node = PolicyNode(load=lambda *_: LoadedPolicy(policy, CONTRACT, "", readiness), parameter_overrides=overrides)
        node.start()
        world = World(spin(make_node("world")), wait_until)
        spin(node)
        wait_until(world.connected, what="the policy node's subscriptions")
        world.until(lambda: world.now_ns >= 1_250 * MS, "some time before any episode")
        policies.append(policy)
        nodes.append(node)
        return node, policy, world

    start.scripted, start.contract = Scripted, CONTRACT
    yield start
    for node in nodes:
        node.executor.shutdown()
        node.close()
        node.destroy_node()
