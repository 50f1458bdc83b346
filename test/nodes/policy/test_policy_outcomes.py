"""What goes wrong in a live policy has an outcome over DDS: the arm is asked for nothing, and everybody can read why.

Each test breaks one thing in an episode that runs: a stream, the policy, or the clock.
"""

from __future__ import annotations

import threading

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import EpisodeStatus, PolicyStatus

MS = 1_000_000
ACTING, HOLDING, STOPPED, WAITING = (
    PolicyStatus.ACTING, PolicyStatus.HOLDING, PolicyStatus.STOPPED, PolicyStatus.WAITING,
)  # fmt: skip


def in_an_episode(world, actions=2):
    world.episode(EpisodeStatus.RECORDING)
    world.until(lambda: len(world.asked()) >= actions, "the first actions")


def of_state(world, state):
    return [s for s in world.ticks() if s.state == state]


def test_a_camera_that_stops_for_two_seconds_stops_the_policy_until_the_next_episode(started, wait_until):
    node, policy, world = started()
    in_an_episode(world)
    world.posing = False
    world.for_a_while(2_000)
    world.posing = True
    world.for_a_while(500)
    wait_until(lambda: world.stops() and of_state(world, STOPPED), what="the stop")
    stop = world.stops()[0]
    assert len(world.stops()) == 1 and stop.episode_id == "episode_0000"
    assert stop.detail.startswith("stale observation: ee_position: newest sample of panda/ee_pose is")
    held = of_state(world, HOLDING)
    gave_up_ns = time_ns(stop.header.stamp) - time_ns(held[0].header.stamp)
    assert 1_000 * MS <= gave_up_ns < 1_500 * MS, "give_up_s after the first hold, or some missed ticks later"
    last_asked = max(world.asked())
    assert last_asked < time_ns(held[0].header.stamp), "though the camera came back, nothing is asked for any more"
    assert of_state(world, STOPPED)[-1].reason in stop.detail
    world.until(lambda: not world.actions[-1].values, "a heartbeat that asks for nothing")
    world.episode(EpisodeStatus.DECIDING)
    world.until(world.ends, "the end")
    world.episode(EpisodeStatus.RECORDING, "episode_0001")
    world.until(lambda: max(world.asked()) > last_asked, "actions in the next episode")
    assert node._voice.summary.stops == {"stale observation": 1}
    assert node._voice.summary.holds["stale observation"] == len(held) and policy.resets == 2


def test_a_camera_that_is_away_for_half_a_second_makes_it_hold_and_go_on(started, wait_until):
    _, _, world = started()
    in_an_episode(world)
    world.posing = False
    world.until(lambda: len(of_state(world, HOLDING)) >= 3, "holds")
    asked = len(world.asked())
    world.posing = True
    world.until(lambda: len(world.asked()) > asked, "actions again")
    assert not world.stops()


def test_a_stream_that_comes_late_to_an_episode_is_waited_for(started, wait_until):
    _, _, world = started()
    world.posing = False
    world.for_a_while(300)
    world.episode(EpisodeStatus.RECORDING)
    world.until(lambda: any(s.reason.startswith("ee_position") for s in world.statuses), "word of what is missing")
    world.posing = True
    world.until(lambda: len(world.asked()) >= 2, "actions")
    assert not of_state(world, HOLDING) and not world.stops()
    waits = [s for s in world.statuses if s.state == WAITING and s.reason.startswith("ee_position")]
    assert all("newest sample of panda/ee_pose is" in s.reason for s in waits)


def test_a_stream_that_does_not_come_at_all_is_not_waited_for_longer_than_give_up_s(started, wait_until):
    _, _, world = started(give_up_s=0.5)
    world.posing = False
    world.for_a_while(300)
    world.episode(EpisodeStatus.RECORDING)
    world.until(world.stops, "the stop")
    assert not world.asked()


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (np.array([np.nan] * 7), "action not finite", "not finite"),
        (np.zeros(8), "action of the wrong length", "shape [8], the contract's has [7]"),
        (RuntimeError("no more memory"), "policy failed", "the policy failed: RuntimeError: no more memory"),
    ],
)
def test_nonsense_from_the_policy_makes_it_hold_then_stop(started, wait_until, answer, kind, reason):
    node, policy, world = started()
    in_an_episode(world)
    policy.answer = answer
    world.until(world.stops, "the stop")
    wait_until(lambda: of_state(world, STOPPED), what="its status")
    held = of_state(world, HOLDING)
    assert 1 <= len(held) <= 10 and all(reason in s.reason for s in held)
    assert world.stops()[0].detail.startswith(f"{kind}: ") and reason in world.stops()[0].detail
    assert node._voice.summary.holds == {kind: len(held)} and node._voice.summary.stops == {kind: 1}
    assert all(np.isfinite(values).all() and len(values) == 7 for values in world.asked().values())


def test_a_policy_that_thinks_for_longer_than_a_period_is_not_carried_out(started, wait_until):
    node, policy, world = started()
    in_an_episode(world)
    clock = node._tick_clock

    def think():
        end_ns = clock.now_ns() + 150 * MS
        wait_until(lambda: clock.now_ns() >= end_ns, what="time while the policy thinks")

    policy.before = think
    asked = len(world.asked())
    world.until(world.stops, "the stop")
    assert "late inference: the action came" in world.stops()[0].detail
    assert len(world.asked()) <= asked + 1, "the one that was being made when the policy became slow"


def test_a_clock_that_stands_still_is_said_and_when_it_goes_on_so_does_the_policy(started, wait_until):
    node, _, world = started()
    in_an_episode(world)
    said = wait_until(
        lambda: [s for s in world.statuses if s.reason.startswith("clock stands still")], what="word of the clock"
    )
    assert said[0].state == HOLDING and "is /clock being published?" in said[0].reason
    wait_until(lambda: not world.actions[-1].values, what="a heartbeat that asks for nothing")
    asked = len(world.asked())
    world.until(lambda: len(world.asked()) >= asked + 2, "actions when the clock goes on")
    assert node._voice.summary.holds["clock stands still"] >= 1 and not world.stops()


@pytest.mark.parametrize("while_it_thinks", [False, True])
def test_a_clock_that_jumps_back_begins_anew_without_memory(started, wait_until, while_it_thinks):
    """Also where it jumps while nobody waits for it: the next tick would lie in a future that does not come."""
    node, policy, world = started()
    world.now_ns = 20_000 * MS
    world.for_a_while(100)
    in_an_episode(world)
    if while_it_thinks:
        thinking, go_on = threading.Event(), threading.Event()
        policy.before = lambda: (thinking.set(), go_on.wait(20))
        world.until(thinking.is_set, "a policy that thinks")
        policy.before = lambda: None
        world.now_ns = 2_000 * MS
        world.until(lambda: node._tick_clock.now_ns() < 3_000 * MS, "the clock to jump")
        go_on.set()
    world.now_ns = min(world.now_ns, 2_000 * MS)
    world.until(lambda: len([s for s in world.asked() if s < 15_000 * MS]) >= 2, "actions on the earlier clock")
    assert policy.resets == 2


def test_an_episode_does_not_remember_the_one_before(started, wait_until):
    """The same observations give the same actions, by a policy whose action is the sum of all that it has seen."""
    _, policy, world = started()

    def remember():
        policy.answer = np.full(7, len(policy.seen) - policy.begun, float)

    def reset():
        policy.resets, policy.begun = policy.resets + 1, len(policy.seen)

    policy.begun, policy.before, policy.reset = 0, remember, reset
    actions = []
    for number in range(2):
        before = set(world.asked())
        world.episode(EpisodeStatus.RECORDING, f"episode_{number:04d}")
        world.until(lambda seen=before: len(world.asked()) >= len(seen) + 3, "three actions")
        new = sorted(set(world.asked()) - before)[:3]
        actions.append([world.asked()[stamp][0] for stamp in new])
        world.episode(EpisodeStatus.DECIDING, f"episode_{number:04d}")
        world.until(lambda n=number: len(world.ends()) > n, "the end")
    assert actions == [[1.0, 2.0, 3.0]] * 2


def test_diagnostics_tell_how_it_goes(started, wait_until):
    _, policy, world = started()
    heard = []
    world.node.create_subscription(DiagnosticArray, "diagnostics", heard.append, 10)
    in_an_episode(world)

    def status(level):
        return [s for m in heard for s in m.status if s.name == "policy: ticks" and s.level == level]

    good = world.until(
        lambda: [s for s in status(DiagnosticStatus.OK) if s.message == "acting"], "diagnostics of a policy that acts"
    )
    values = {each.key: each.value for each in good[0].values}
    assert values["state"] == "acting" and values["inference"] == "synchronous" and values["overruns"].isdigit()
    policy.answer = np.zeros(8)
    world.until(world.stops, "the stop")
    bad = world.until(lambda: status(DiagnosticStatus.ERROR), "diagnostics of one that has stopped")
    assert "shape [8]" in bad[0].message
