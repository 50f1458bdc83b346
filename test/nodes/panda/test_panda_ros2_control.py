"""The panda node over ros2_control: the same arbiter, filter and watchdog; the arm behind topics of its own names."""

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from diagnostic_msgs.msg import DiagnosticStatus
from ros2_control_arm import ControlledArm
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from muse_core.control.kinematics import HOME_Q, JOINT_NAMES
from muse_ros.msg import AppliedAction
from muse_ros.nodes.run_node import NodeFailure

FR3 = [f"fr3_joint{i}" for i in range(1, 8)]
FINGERS = ["fr3_finger_joint1", "fr3_finger_joint2"]
PATIENT = {"hold_after_s": 0.3, "stop_after_s": 2.0}
"""Of tests on a machine that may be busy with others."""
REAL = {
    "robot": "ros2_control", "clock": False, "arm_id": "fr3", "execute_always": True, "require_enable": False, **PATIENT
}  # fmt: skip


@pytest.fixture
def arm(make_node, spin):
    """``arm(**fields)`` starts an FR3 behind ros2_control."""

    def start(node_name="controller_manager", namespace="", **fields):
        node = make_node(node_name, namespace=namespace)
        one = ControlledArm(node, HOME_Q, FR3, FINGERS, **fields)
        spin(node)
        return one

    return start


def lead(one, wait_until, arm, direction=1.0, metres=0.02):
    """Have the operator lead the tool along x until the arm has got so far."""
    start = one.position()[0]

    def far():
        one.act(values=(0.01 * direction, 0, 0, 0, 0, 0, 0))
        return direction * (one.position()[0] - start) > metres

    wait_until(far, what="the arm to be led")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"forward": True, "commands": "forward_command_controller/commands"},
        {"topic": "franka/joint_states", "commands": "/fr3_arm_controller/joint_trajectory"},
    ],
    ids=["trajectory", "forward", "named"],
)
def test_the_arm_goes_where_it_is_led_through_the_filter(panda, operator, arm, wait_until, fields):
    there = arm(**fields)
    kind = "forward_command_controller" if "forward" in fields else "joint_trajectory_controller"
    topics = {"joint_states": fields["topic"], "command_topic": fields["commands"]} if "topic" in fields else {}
    panda(**REAL, controller=kind, **topics)
    one = operator()
    lead(one, wait_until, there)

    def standing():
        applied, states = one.last("panda/applied_action"), one.last("panda/joint_states")
        told, measured = np.array(applied.position), np.array(states.position[:7])
        return not any(applied.velocity) and np.abs([told - there.q, measured - there.q]).max() < 1e-6

    wait_until(standing, what="the arm to stand where it was told to, and to be seen there")
    assert not there.controller.refused
    states = one.last("panda/joint_states")
    assert states.name[:7] == list(JOINT_NAMES)
    assert states.position[7] == there.finger
    status = wait_until(lambda: one.last("diagnostics")).status[0]
    values = {each.key: each.value for each in status.values}
    assert values["controller's topic"].endswith(", 1 listening")
    assert 0.0 <= float(values["joint states age [ms]"]) < 2000.0


def test_an_arm_that_is_not_heard_is_held_and_then_a_fault_until_it_is_recovered(
    panda, operator, arm, wait_until, call
):
    there = arm()
    panda(**REAL)
    one = operator()
    one.record(True, episode_id="episode_0001")
    lead(one, wait_until, there)
    there.silent = True
    event = wait_until(lambda: one.last("collect/events"), what="the fault")
    assert event.event == "fault"
    assert "the last joint states came" in event.detail
    wait_until(lambda: (one.diagnosis() or (b"",))[0] == DiagnosticStatus.ERROR, what="the diagnosis")
    answer = call(one.node, Trigger, "panda/recover")
    assert (answer.success, "the last joint states came" in answer.message) == (False, True)
    there.silent = False
    assert call(one.node, Trigger, "panda/recover").success
    wait_until(lambda: not one.last("panda/applied_action").limited_by & AppliedAction.STOPPED)
    lead(one, wait_until, there, direction=-1.0)


def test_an_arm_that_does_not_follow_is_a_fault_and_recovery_asks_its_own_service(
    panda, operator, arm, wait_until, call
):
    there = arm()
    panda(**REAL, following_error=0.03, following_time_s=0.5, recovery="error_recovery")
    one = operator()
    lead(one, wait_until, there)
    there.stuck = True
    event = wait_until(lambda: one.act() and one.last("collect/events"), what="the fault")
    assert event.event == "fault"
    assert "the arm does not follow: fr3_joint" in event.detail
    assert call(one.node, Trigger, "panda/recover").success
    assert not there.stuck
    wait_until(lambda: not one.last("panda/applied_action").limited_by & AppliedAction.STOPPED)
    lead(one, wait_until, there, direction=-1.0)
    answer = call(one.node, Trigger, "panda/guide")
    assert not answer.success


def test_a_recovery_that_the_arm_refuses_is_told(panda, operator, arm, wait_until, call):
    there = arm()
    panda(**REAL, recovery="error_recovery")
    one = operator()
    there.silent = True
    wait_until(lambda: one.last("collect/events"), what="the fault")
    answer = call(one.node, Trigger, "panda/recover")
    assert not answer.success
    assert answer.message.endswith("(error_recovery: no errors)")
    there.silent = False
    assert call(one.node, Trigger, "panda/recover").success


def test_the_hand_follows_by_topic(panda, operator, arm, wait_until):
    there = arm()
    panda(**REAL, gripper="topic", gripper_command="hand/commands", gripper_values=2)
    one = operator()
    wait_until(lambda: one.act(values=(0, 0, 0, 0, 0, 0, 1)) and there.finger == 0.0, what="the hand to close")
    wait_until(lambda: one.last("panda/joint_states").position[7] == 0.0, what="the hand to be seen closed")
    wait_until(lambda: one.act(values=(0, 0, 0, 0, 0, 0, 0)) and there.finger == 0.04, what="the hand to open")


def test_in_a_namespace_relative_names_are_the_arms_there(panda, make_node, spin, arm, wait_until, ros):
    from rclpy.parameter import Parameter

    from muse_ros.nodes.managed_node import started
    from muse_ros.nodes.panda import PandaNode

    there = arm(namespace="left")
    overrides = [Parameter(name, value=value) for name, value in REAL.items()]
    node = started(lambda: PandaNode(namespace="left", parameter_overrides=overrides))
    try:
        spin(node)
        wait_until(lambda: there.received > 3, what="set-points in the namespace")
        assert not there.controller.refused
    finally:
        node.close()
        node.destroy_node()


def test_another_node_that_commands_the_arm_is_a_fault_by_its_name(panda, operator, arm, make_node, wait_until, call):
    arm()
    node = panda(**REAL)
    one = operator()
    other = make_node("other")
    there = other.create_publisher(JointTrajectory, "joint_trajectory_controller/joint_trajectory", 1)
    fault = wait_until(lambda: node._loop.led.fault, what="the fault")
    assert fault.startswith("/other publishes on joint_trajectory_controller/joint_trajectory too")
    other.destroy_publisher(there)
    wait_until(lambda: call(one.node, Trigger, "panda/recover").success, what="the arm to be led again")


def test_a_recorder_that_listens_is_no_controller(panda, arm, make_node, wait_until):
    there = arm(commands="elsewhere/joint_trajectory")
    commands = "joint_trajectory_controller/joint_trajectory"
    make_node("collect").create_subscription(JointTrajectory, commands, lambda _: None, 10)
    node = panda(**REAL)
    fault = wait_until(lambda: node._loop.led.fault, what="the fault")
    assert fault.startswith(f"nobody listens on {commands}")
    assert there.received == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"connect_s": 0.3}, r"no joint states came on joint_states in 0\.3 s"),
        ({"joint_states": "panda/joint_states"}, "node panda publishes itself"),
        ({"joints": ["a", "b"]}, "joints: seven different names"),
        ({"joint_states": "no topic"}, "parameter joint_states: 'no topic' is an impossible name: topic name must not"),
        ({"recovery": "/a//b"}, "parameter recovery: '/a//b' is an impossible name"),
        ({"recovery": "r", "recovery_type": "no_such_msgs/srv/Help"}, "no_such_msgs/srv/Help is not installed"),
        ({"recovery": "r", "recovery_type": "std_srvs/srv/Help"}, "package std_srvs has no srv Help"),
    ],
)
def test_what_cannot_be_opened_is_told_before_anything_moves(panda, ros, fields, words):
    with pytest.raises(NodeFailure, match=words):
        panda(**REAL, **fields)


def test_the_topic_that_has_joint_states_is_named_where_ours_has_none(panda, arm, ros):
    arm(topic="/NS_1/franka/joint_states")
    with pytest.raises(NodeFailure, match="are published on /NS_1/franka/joint_states: set parameter joint_states"):
        panda(**REAL, connect_s=1.0)
