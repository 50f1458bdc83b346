"""The policy node beside an operator: taken over and released, looking on in the shadow, planning in chunks."""

from __future__ import annotations

import threading

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from muse_core.configs.model_settings import Execution
from muse_core.policies.policy import Readiness
from muse_ros.bridge import ACTION_QOS, time_message
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import Action, EpisodeStatus, PolicyStatus

MS = 1_000_000


class Planner:
    """Plans eight actions, 10 times the number of the observation and 0, 1, ...; may be held back."""

    execution = Execution(execute=4)

    def __init__(self):
        self.seen, self.resets, self.gate = 0, 0, threading.Event()
        self.gate.set()

    def reset(self):
        self.resets, self.seen = self.resets + 1, 0

    def observe(self, observation):
        self.seen += 1

    def plan(self):
        assert self.gate.wait(20)
        return {"action": np.repeat((10.0 * self.seen + np.arange(8.0))[:, None], 7, axis=1)}

    def replan(self):
        pass

    def act(self, observation):
        raise AssertionError("a schedule asks for plans")


def ticks_of(world, state):
    return [s for s in world.ticks() if s.state == state]


def test_while_a_person_has_the_arm_it_looks_on_and_asks_for_nothing(started, wait_until):
    node, policy, world = started()
    world.episode(EpisodeStatus.RECORDING)
    world.until(lambda: len(world.asked()) >= 2, "actions")
    world.event("takeover")
    over = world.until(lambda: ticks_of(world, PolicyStatus.TAKEN_OVER), "ticks that look on")
    first_ns = time_ns(over[0].header.stamp)
    seen = len(policy.seen)
    world.until(lambda: len(policy.seen) >= seen + 15, "observations for longer than its patience")
    world.until(lambda: not world.actions[-1].values, "a heartbeat that asks for nothing")
    assert not world.stops() and max(world.asked()) < first_ns
    assert list(over[0].sample_stamps) == [over[0].header.stamp], "its samples are told: interventions convert by them"
    world.event("release")
    world.until(lambda: max(world.asked()) > first_ns, "actions after the release")
    assert policy.resets == 1, "it remembers what it has seen meanwhile"
    assert node._voice.summary.taken_over >= 15


def test_a_takeover_of_another_episode_is_none_of_this_one(started, wait_until):
    _, _, world = started()
    world.event("takeover", "episode_0000")
    world.episode(EpisodeStatus.RECORDING, "episode_0001")
    world.until(lambda: len(world.asked()) >= 3, "actions")
    assert not ticks_of(world, PolicyStatus.TAKEN_OVER)


def test_a_chunk_from_before_a_takeover_is_forgotten_and_what_was_seen_is_not(started, wait_until):
    policy = Planner()
    _, _, world = started(policy=policy, readiness=Readiness(8, 0.01))
    world.episode(EpisodeStatus.RECORDING)
    world.until(lambda: len(world.asked()) >= 2, "actions")
    asked = world.asked()
    assert [asked[stamp][0] for stamp in sorted(asked)[:2]] == [10.0, 11.0], "the plan of the first observation"
    world.event("takeover")
    world.until(lambda: ticks_of(world, PolicyStatus.TAKEN_OVER), "a tick that looks on")
    before = max(world.asked())
    world.event("release")
    world.until(lambda: max(world.asked()) > before, "an action after the release")
    new = min(stamp for stamp in world.asked() if stamp > before)
    assert world.asked()[new][0] == 10.0 * (len([s for s in world.ticks() if time_ns(s.header.stamp) <= new]))
    assert policy.resets == 1


def test_actions_of_chunks_have_a_target_time_where_latency_is_made_up_for(started, wait_until):
    _, _, world = started(policy=Planner(), readiness=Readiness(8, 0.01), latency_s=0.15)
    world.episode(EpisodeStatus.RECORDING)
    world.until(lambda: len(world.asked()) >= 3, "actions")
    first = min((a for a in world.actions if a.values), key=lambda a: time_ns(a.header.stamp))
    assert first.values[0] == 12.0, "1.5 periods ahead, rounded to the even one"
    assert time_ns(first.target_time) - time_ns(first.header.stamp) == 250 * MS
    wait_until(world.ticks, what="statuses")
    assert world.ticks()[-1].compensation == pytest.approx(0.15)


def test_a_slow_model_plans_beside_the_ticks_and_what_is_over_is_dropped(started, wait_until):
    policy = Planner()
    policy.gate.clear()
    node, _, world = started(policy=policy, readiness=Readiness(8, 0.2), inference="asynchronous")
    world.episode(EpisodeStatus.RECORDING)
    waits = world.until(
        lambda: [s for s in world.statuses if s.reason == "the first plan is being made"], "ticks that do not wait"
    )
    assert waits[0].state == PolicyStatus.WAITING and not world.asked()
    policy.gate.set()
    world.until(lambda: len(world.asked()) >= 12, "actions")
    assert node._voice.summary.dropped >= 1
    assert world.ticks()[-1].dropped_actions == node._voice.summary.dropped or world.ticks()[-1].dropped_actions >= 1
    assert not world.stops()


def test_one_action_at_a_time_cannot_be_planned_meanwhile(started):
    from muse_ros.nodes.run_node import NodeFailure

    with pytest.raises(NodeFailure, match="answers one at a time"):
        started(inference="asynchronous")


def test_in_the_shadow_it_says_how_far_from_the_operator_it_is_and_is_never_stopped(started, wait_until):
    node, policy, world = started(execute=False)
    actions = world.node.create_publisher(Action, "action", ACTION_QOS)
    wait_until(actions.get_subscription_count, what="the shadow's subscription")
    policy.answer = np.array([0.007, 0, 0, 0, 0, 0, 0])

    def operator_moves():
        """1 mm along x in each action: 6 mm from what the policy would do, by a contract that takes a tick's next."""
        message = Action(action_space="ee_delta", values=[0.001, 0, 0, 0, 0, 0, 0], period=0.01, source=Action.TELEOP)
        message.header.stamp = time_message(world.now_ns + 10 * MS)
        actions.publish(message)
        return len(ticks_of(world, PolicyStatus.SHADOW)) >= 12

    world.episode(EpisodeStatus.RECORDING)
    world.until(operator_moves, "ticks in the shadow")
    wait_until(lambda: node._voice._shadow._error.ticks >= 5, what="comparisons")
    world.posing = False
    world.for_a_while(2_000)
    held = wait_until(lambda: ticks_of(world, PolicyStatus.HOLDING), what="a hold")
    assert "newest sample of panda/ee_pose" in held[0].reason
    assert not world.stops() and not ticks_of(world, PolicyStatus.STOPPED)
    found = node._voice._shadow.finish()
    assert found.startswith("from the operator's action over ")
    translation_mm = float(found.partition("translation ")[2].split()[0])
    assert translation_mm == pytest.approx(6.0, abs=1e-3)
