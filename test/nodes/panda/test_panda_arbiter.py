"""Who leads the arm, over real DDS: takeovers as events, the enable, two publishers on one topic, killed publishers."""

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")
pytest.importorskip("muse_ros.msg")

from diagnostic_msgs.msg import DiagnosticStatus

from muse_core.control.limits import default_limits
from muse_ros.bridge import ACTION_QOS, time_message
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import Action, AppliedAction


def test_a_takeover_and_its_release_are_events_and_marked_in_what_is_republished(panda, operator, wait_until):
    node = panda()
    one = operator()
    one.record(True, episode_id="episode_0007")
    wait_until(lambda: node._control.recording, what="the status to arrive")
    wait_until(lambda: one.act("policy") and one.last("action"), what="the policy to have the arm")
    wait_until(lambda: one.act("policy") and one.act() and one.last("action").source == "", what="an action of teleop")
    wait_until(lambda: one.heard["collect/events"], what="the takeover")
    wait_until(lambda: one.act() and one.last("action").takeover, what="a republished action that is a takeover")
    assert not one.heard["action"][0].takeover
    wait_until(
        lambda: one.act("policy") and one.act(deadman=False) and len(one.heard["collect/events"]) > 1,
        what="the release",
    )
    said = [(event.event, event.episode_id) for event in one.heard["collect/events"]]
    assert said == [("takeover", "episode_0007"), ("release", "episode_0007")]
    assert one.heard["collect/events"][0].detail == "policy"


def test_a_policy_waits_for_the_next_episode_where_the_recorder_fell_silent_in_this_one(panda, operator, wait_until):
    node = panda()
    one = operator()
    one.record(True)
    wait_until(lambda: node._control.recording, what="the status to arrive")
    silent = (DiagnosticStatus.WARN, "the recorder was silent in an episode")
    wait_until(lambda: (said := one.diagnosis()) and (said[0], said[1][:37]) == silent, what="the diagnosis")
    one.heard["action"].clear()
    seen = len(one.heard["panda/applied_action"])

    def goes_on():
        one.record(True)
        return one.act("policy") and len(one.heard["panda/applied_action"]) > seen + 60

    wait_until(goes_on, what="60 more set-points")
    assert one.heard["action"] == []
    one.record(False)
    wait_until(lambda: not node._control.recorder_lost, what="the end of the episode to arrive")
    one.record(True)
    wait_until(lambda: one.act("policy") and one.heard["action"], what="the policy's action to be chosen")


def test_where_it_is_required_a_policy_waits_for_the_enable(panda, operator, wait_until):
    node = panda(require_enable=True)
    one = operator()
    one.record(True)
    wait_until(lambda: node._control.recording, what="the status to arrive")
    seen = len(one.heard["panda/applied_action"])
    wait_until(
        lambda: one.act("policy") and len(one.heard["panda/applied_action"]) > seen + 30, what="30 more set-points"
    )
    assert one.heard["action"] == []
    wait_until(
        lambda: one.act(deadman=False, enable=True) and one.act("policy") and one.heard["action"],
        what="the policy's action to be chosen",
    )


def test_unless_a_script_holds_it_a_deadman_that_is_down_when_it_appears_moves_nothing_before_it_was_up(
    panda, operator, wait_until
):
    panda(require_release=True)
    one = operator()
    seen = len(one.heard["panda/applied_action"])
    wait_until(lambda: one.act() and len(one.heard["panda/applied_action"]) > seen + 30, what="30 more set-points")
    assert one.heard["action"] == []
    wait_until(lambda: one.act() and one.said("to be released") == "True", what="the diagnosis")
    one.act(deadman=False)
    wait_until(lambda: one.act() and one.heard["action"], what="teleop's action")
    wait_until(lambda: one.act() and one.said("to be released") == "False", what="the next diagnosis")


def test_two_publishers_on_one_topic_are_named_and_lead_nothing_until_one_is_gone(
    panda, operator, make_node, wait_until
):
    panda()
    one = operator()
    other = make_node("forgotten")
    second = other.create_publisher(Action, "action/teleop", ACTION_QOS)
    wait_until(second.get_subscription_count, what="the second publisher to be connected")

    def both():
        one.act()
        message = Action(action_space="ee_delta", values=[0.0] * 7, period=0.1, deadman=True)
        message.header.stamp = time_message(one.now_ns())
        second.publish(message)
        return True

    wait_until(lambda: both() and (one.diagnosis() or (b"",))[0] == DiagnosticStatus.ERROR, what="the diagnosis")
    said = one.diagnosis()[1]
    assert (
        said.startswith("2 publishers speak on /action/teleop (/forgotten, /operator)") and "stop all but one" in said
    )
    wait_until(lambda: both() and one.last("panda/applied_action").source == "", what="the arm to hold")
    wait_until(
        lambda: one.act() and one.last("panda/applied_action").source == "teleop", what="the arm to be led again"
    )


SPEAKER = """
import sys, time, rclpy
from muse_ros.bridge import ACTION_QOS, time_message
from muse_ros.msg import Action
rclpy.init()
node = rclpy.create_node("speaker")
publisher = node.create_publisher(Action, "action/" + sys.argv[1], ACTION_QOS)
while True:
    action = Action(action_space="ee_delta", values=[0.0, 0.004, 0.0, 0.0, 0.0, 0.0, 0.0], period=0.1, deadman=True)
    action.header.stamp = node.get_clock().now().to_msg()
    publisher.publish(action)
    time.sleep(0.02)
"""
MOST_PERIODS = 15


@pytest.mark.parametrize("source", ["teleop", "policy", "replay"])
def test_a_source_that_is_killed_leaves_the_arm_in_a_hold_within_150_ms(panda, operator, wait_until, source):
    panda(clock=False, execute_always=True)
    one = operator()
    process = subprocess.Popen([sys.executable, "-c", SPEAKER, source], env=os.environ)
    try:
        moving = lambda: abs(one.last("panda/applied_action").velocity[0]) > 0.15  # noqa: E731
        wait_until(moving, what="the arm to move")
    finally:
        process.kill()
        process.wait()
    last = lambda: one.last("panda/applied_action")  # noqa: E731
    wait_until(lambda: last().source == "" and not np.any(last().velocity), what="the arm to stand")
    applied = list(one.heard["panda/applied_action"])
    led = [i for i, each in enumerate(applied) if each.source == source]
    began = next(i for i in led if time_ns(applied[i].action_stamp) == time_ns(applied[led[-1]].action_stamp))
    assert led[-1] + 1 - began <= MOST_PERIODS  # set-points of 10 ms between the last action and the hold
    assert all(each.limited_by & AppliedAction.NO_DEADMAN for each in applied[led[-1] + 1 :])
    positions = np.array([each.position for each in applied[led[-1] - 10 :]])
    velocities = np.array([each.velocity for each in applied[led[-1] - 10 :]])
    in_turn = np.abs(np.diff(positions, axis=0) - 0.01 * velocities[1:]).max(axis=1) < 1e-9  # none was lost on the way
    accelerations = np.abs(np.diff(velocities, axis=0))[in_turn] / 0.01
    assert len(accelerations) > 8 and (accelerations <= default_limits().joint_acceleration * (1 + 1e-6)).all()
