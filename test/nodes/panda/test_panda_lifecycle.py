"""The panda node's transitions: what each begins and ends."""

import gc
import threading

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")
pytest.importorskip("muse_ros.msg")

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from muse_ros.nodes import panda as panda_node
from muse_ros.nodes.managed_node import started
from muse_ros.nodes.panda import PandaNode


def test_without_autostart_it_opens_the_arm_when_configured_and_moves_it_when_active(
    panda, make_node, operator, wait_until, call
):
    node = panda(autostart=False)
    asker = make_node("asker")
    one = None

    def change(transition):
        request = ChangeState.Request(transition=Transition(id=transition))
        return call(one.node if one else asker, ChangeState, "panda/change_state", request).success

    assert asker.count_publishers("panda/joint_states") == 0
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    one = operator()
    wait_until(lambda: one.act() and one.last("panda/applied_action").source == "teleop", what="the arm to be led")
    assert change(Transition.TRANSITION_DEACTIVATE)
    one.act()
    held = one.last("panda/applied_action")
    assert held.source == "" and not np.any(held.velocity)
    assert change(Transition.TRANSITION_ACTIVATE)
    wait_until(
        lambda: one.act() and one.last("panda/applied_action").source == "teleop", what="the arm to be led again"
    )
    assert change(Transition.TRANSITION_DEACTIVATE) and change(Transition.TRANSITION_CLEANUP)
    wait_until(lambda: one.node.count_publishers("panda/joint_states") == 0, what="the topics to go")
    assert not node.finished.is_set()
    assert change(Transition.TRANSITION_CONFIGURE) and change(Transition.TRANSITION_ACTIVATE)
    wait_until(lambda: one.act() and one.last("panda/applied_action").source == "teleop", what="the arm of a new world")


def test_no_full_garbage_collection_walks_through_what_the_configured_node_has_loaded(panda):
    gc.unfreeze()
    panda(autostart=False).trigger_configure()
    assert gc.get_freeze_count() > 10 * len(gc.get_objects())


@pytest.mark.parametrize("verb", ["home", "guide", "recover"])
def test_an_inactive_node_does_not_move_later_either(panda, make_node, spin, call, wait_until, verb):
    node, asker = panda(autostart=False), spin(make_node("asker"))
    node.trigger_configure()
    assert call(asker, Trigger, f"panda/{verb}").message == "the node is not active"
    node.trigger_activate()
    wait_until(lambda: node._loop.periods > 5, what="the control loop")
    assert not node._control.homing
    node.trigger_deactivate()
    answer = call(asker, Trigger, f"panda/{verb}")
    assert (answer.success, answer.message) == (False, "the node is not active")


def test_what_a_busy_loop_did_not_do_in_time_is_not_done_later(panda, make_node, spin, call, wait_until, monkeypatch):
    monkeypatch.setattr(panda_node, "ANSWER_S", 0.2)
    node, asker, free = panda(), spin(make_node("asker")), threading.Event()
    node._loop.post(lambda: free.wait(30.0))
    try:
        answer = call(asker, Trigger, "panda/home")
        assert not answer.success and answer.message == "the control loop did not answer in 0.2 s"
        assert call(asker, Trigger, "panda/stop").message == "the control loop did not answer in 0.2 s; it still will"
    finally:
        free.set()
    wait_until(lambda: node._control.stopped, what="the stop")
    assert call(asker, Trigger, "panda/recover").success and not node._control.homing


def test_an_arm_that_cannot_be_taken_back_for_whatever_reason_has_a_fault(panda, wait_until, monkeypatch):
    node = panda()
    node.trigger_deactivate()
    monkeypatch.setattr(node._driver, "start", lambda: [].pop())
    node.trigger_activate()
    wait_until(lambda: node._loop.led.fault == "IndexError: pop from empty list", what="the fault")
    assert node._control.stopped


def test_a_configuration_that_fails_leaves_the_node_unconfigured_with_its_reason(ros):
    overrides = {"autostart": False, "task": "juggle"}
    node = started(
        lambda: PandaNode(parameter_overrides=[Parameter(name, value=value) for name, value in overrides.items()])
    )
    try:
        assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
        assert "juggle" in node.refusal
    finally:
        node.close()
        node.destroy_node()
