"""Actions of an arm behind ros2_control: the hand that takes its time, and the release of a reflex."""

import threading

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from ros2_control_arm import ControlledArm
from std_srvs.srv import Trigger

from muse_core.control.kinematics import HOME_Q, JOINT_NAMES
from muse_ros.nodes.run_node import NodeFailure

PATIENT = {"hold_after_s": 0.3, "stop_after_s": 2.0}
"""Of tests on a machine that may be busy with others."""
REAL = {"robot": "ros2_control", "clock": False, "execute_always": True, "require_enable": False, **PATIENT}
HAND = {"gripper": "action", "gripper_command": "panda_gripper/gripper_action", "gripper_largest": 0.078}


@pytest.fixture
def arm(make_node, spin):
    """An arm at home behind ros2_control."""
    node = make_node("controller_manager")
    one = ControlledArm(node, HOME_Q, JOINT_NAMES)
    spin(node)
    return one


class Server:
    """An action server that says what it was asked, and ends a goal when the test says so."""

    def __init__(self, node, kind, name):
        from rclpy.action import ActionServer

        self.goals, self.end, self.succeeds = [], threading.Event(), True
        self._kind = kind
        self.server = ActionServer(node, kind, name, self._execute)

    def _execute(self, handle):
        self.goals.append(handle.request)
        self.end.wait(20.0)
        self.end.clear()
        (handle.succeed if self.succeeds else handle.abort)()
        return self._kind.Result()


@pytest.fixture
def server(make_node, spin):
    """``server(kind, name)`` starts an action server in a node of its own."""
    servers = []

    def start(kind, name):
        node = make_node("action_node")
        servers.append(Server(node, kind, name))
        spin(node)
        return servers[-1]

    yield start
    for each in servers:
        each.end.set()
        each.server.destroy()


def reported(one, key):
    """A value of the panda node's last diagnostics."""
    array = one.last("diagnostics")
    return {each.key: each.value for each in array.status[0].values}.get(key, "") if array else ""


def test_the_hand_gets_one_goal_after_another_and_the_newest_wish_counts(panda, operator, arm, server, wait_until):
    action = pytest.importorskip(
        "control_msgs.action", reason="control_msgs is not installed; it is no part of the wheels"
    )
    hand = server(action.GripperCommand, "panda_gripper/gripper_action")
    panda(**REAL, **HAND)
    one = operator()
    close, let_go = (0, 0, 0, 0, 0, 0, 1), (0, 0, 0, 0, 0, 0, 0)
    wait_until(lambda: one.act(values=close) and hand.goals, what="the first goal")
    assert (hand.goals[0].command.position, hand.goals[0].command.max_effort) == (0.0, 20.0)
    applied = "panda/applied_action"
    wait_until(lambda: one.act(values=let_go) and one.last(applied).gripper_width > 0.07, what="the wish to open")
    assert len(hand.goals) == 1
    hand.succeeds = False  # a grasp that closed on something is a failure to some hands
    hand.end.set()
    wait_until(lambda: one.act(values=let_go) and len(hand.goals) == 2, what="the second goal")
    assert hand.goals[1].command.position == pytest.approx(0.039)  # a finger's half of the largest opening
    hand.succeeds = True
    hand.end.set()
    wait_until(lambda: reported(one, "hand") == "to 0.0390 m: done", what="the report of the hand")


def test_a_hand_that_nobody_runs_is_reported_and_the_arm_goes_on(panda, operator, arm, wait_until):
    pytest.importorskip("control_msgs.action", reason="control_msgs is not installed; it is no part of the wheels")
    panda(**REAL, **HAND)
    one = operator()
    wait_until(lambda: one.act(values=(0, 0, 0, 0, 0, 0, 1)) and "there is no action" in reported(one, "hand"))
    assert one.last("panda/applied_action").source == "teleop"


def test_without_the_hands_messages_the_node_says_what_is_missing(panda, arm, ros):
    try:
        import control_msgs.action  # noqa: F401
    except ImportError:
        with pytest.raises(NodeFailure, match="control_msgs/action/GripperCommand is not installed here"):
            panda(**REAL, **HAND)


def test_a_reflex_is_released_by_an_action_whatever_its_type(panda, operator, arm, server, wait_until, call):
    action = pytest.importorskip("test_msgs.action")
    recovery = server(action.Fibonacci, "action_server/error_recovery")
    panda(**REAL, recovery="action_server/error_recovery", recovery_type="test_msgs/action/Fibonacci")
    one = operator()
    arm.silent = True
    wait_until(lambda: one.last("collect/events"), what="the fault")
    recovery.end.set()
    recovery.succeeds = False
    answer = call(one.node, Trigger, "panda/recover")
    assert answer.message.endswith("network up? (action_server/error_recovery: the goal was aborted)")
    recovery.succeeds, arm.silent = True, False
    recovery.end.set()
    assert call(one.node, Trigger, "panda/recover").success
    assert len(recovery.goals) == 2
