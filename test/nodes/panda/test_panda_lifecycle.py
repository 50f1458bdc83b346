"""The panda node's transitions: what each begins and ends."""

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")
pytest.importorskip("muse_ros.msg")

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

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
