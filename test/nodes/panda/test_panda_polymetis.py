"""The panda node over a Polymetis server: led, struck by faults, recovered, led by hand, left alone."""

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")
pytest.importorskip("grpc")
pytest.importorskip("torch")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from std_srvs.srv import Trigger

from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import AppliedAction
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.polymetis.loopback.process import LoopbackProcess

PATIENT = {"hold_after_s": 0.3, "stop_after_s": 1.0, "speed_limit": 0.05}
"""Of tests on a machine that may be busy with others: the server's arm is then late, and must not be left behind."""


@pytest.fixture(scope="module")
def server():
    with LoopbackProcess("--clock_offset_s", "50") as process:
        yield process


@pytest.fixture
def arm(panda, operator, server, wait_until):
    """``arm(parameter=value, ...)`` is the node and who operates it."""

    def start(**parameters):
        ports = {"robot_port": int(server.arm.rpartition(":")[2]), "hand_port": int(server.hand.rpartition(":")[2])}
        where = {"robot": "polymetis", "robot_ip": "127.0.0.1", "clock": False, "require_enable": False}
        node = panda(**{**where, **ports, **PATIENT, **parameters})
        return node, operator()

    return start


def led(one, **action):
    return lambda: one.act(**action) and one.last("panda/applied_action").source == "teleop"


def test_the_arm_is_led_and_its_state_is_stamped_by_our_clock_at_100_hz(arm, wait_until):
    node, one = arm()
    before = one.position()
    wait_until(lambda: one.act() and one.position()[0] > before[0] + 0.02, what="the arm to be led forwards")
    stamps = [time_ns(message.header.stamp) for message in one.heard["panda/ee_pose"]]
    assert np.all(np.diff(stamps) > 0)
    wait_until(lambda: abs(node.get_clock().now().nanoseconds - one.now_ns()) < 1e9, what="a stamp of our clock")
    first = len(one.heard["panda/ee_pose"])
    wait_until(lambda: len(one.heard["panda/ee_pose"]) > first + 200, what="200 states")
    of_these = [time_ns(message.header.stamp) for message in one.heard["panda/ee_pose"][first:]]
    assert np.median(np.diff(of_these)) < 30e6  # 8 ms, where the machine is not busy
    values = [value for array in one.heard["diagnostics"] for value in array.status[0].values]
    assert all(float(value.value) < 5.0 for value in values if value.key == "time factor [1]")


def test_a_reflex_ends_the_episode_as_a_fault_and_recover_brings_the_arm_back(arm, server, wait_until, call):
    node, one = arm()
    one.record(True, episode_id="episode_0007")
    wait_until(lambda: node._control.recording, what="the status to arrive")
    wait_until(led(one), what="the arm to be led")
    server.scene.ask("reflex", for_s=3.0)
    event = wait_until(lambda: one.last("collect/events"), what="the fault")
    assert (event.event, event.episode_id) == ("fault", "episode_0007") and "reflex" in event.detail
    wait_until(lambda: "call panda/recover" in (one.diagnosis() or ("", ""))[1], what="the diagnosis")
    assert one.diagnosis()[0] == DiagnosticStatus.ERROR and "no new state of the arm" in one.diagnosis()[1]
    wait_until(lambda: call(one.node, Trigger, "panda/recover").success, what="the arm to be back")
    wait_until(lambda: led(one)() and not one.last("panda/applied_action").limited_by & AppliedAction.STOPPED)


def test_a_server_that_is_restarted_is_found_again_by_the_same_node(arm, server, wait_until, call):
    node, one = arm()
    wait_until(led(one), what="the arm to be led")
    server.scene.ask("restart", for_s=1.5)
    wait_until(lambda: "cannot be reached" in node._loop.led.fault, what="the fault")
    wait_until(lambda: call(one.node, Trigger, "panda/recover").success, what="the arm to be back")
    before = one.position()
    wait_until(lambda: one.act(values=(0, 0, 0.01, 0, 0, 0, 0)) and one.position()[2] > before[2] + 0.01)
    assert not node.finished.is_set()


def test_states_that_cease_for_an_instant_make_the_arm_hold_and_no_more(arm, server, wait_until):
    node, one = arm(hold_after_s=0.1, stop_after_s=10.0)
    wait_until(led(one), what="the arm to be led")
    server.scene.ask("lose_calls", for_s=1.0)
    wait_until(lambda: one.act() and one.last("panda/applied_action").source == "", what="the arm to hold")
    wait_until(led(one), what="the arm to be led on")
    assert node._loop.led.fault == ""


def test_the_arm_is_led_by_hand_until_it_is_told_to_hold(arm, wait_until, call):
    node, one = arm()
    one.record(True, episode_id="episode_0002")
    wait_until(lambda: node._control.recording, what="the status to arrive")
    assert call(one.node, Trigger, "panda/guide").success
    wait_until(lambda: (one.diagnosis() or (b"", ""))[1] == "led by hand: panda/hold ends it", what="the diagnosis")
    sent = len(one.heard["panda/applied_action"])
    states = len(one.heard["panda/joint_states"])
    wait_until(lambda: one.act() and len(one.heard["panda/joint_states"]) > states + 20, what="states go on")
    assert len(one.heard["panda/applied_action"]) <= sent + 1, "nobody leads it meanwhile"
    assert not call(one.node, Trigger, "panda/home").success
    assert call(one.node, Trigger, "panda/hold").message == "the arm stands where it is"
    assert call(one.node, Trigger, "panda/hold").message == "the arm was not led by hand"
    wait_until(led(one), what="the arm to be led by teleop again")
    said = [(event.event, event.detail) for event in one.heard["collect/events"]]
    assert said == [("takeover", "led by hand"), ("release", "led by hand")]
    assert not call(one.node, Trigger, "panda/guide").success, "teleop has the arm"


def test_a_stop_ends_the_guidance_too(arm, call):
    node, one = arm()
    assert call(one.node, Trigger, "panda/guide").success
    assert call(one.node, Trigger, "panda/stop").success
    assert node._control.stopped and not node._loop.led.guided
    assert node._driver.report()["controller"] == "joint impedance"


def test_a_deactivated_node_leaves_the_arm_to_its_server_and_takes_it_back_when_activated(arm, wait_until, call):
    node, one = arm()

    def change(transition):
        request = ChangeState.Request(transition=Transition(id=transition))
        return call(one.node, ChangeState, "panda/change_state", request).success

    assert change(Transition.TRANSITION_DEACTIVATE)
    assert node._driver.report()["controller"] == "the server's own"
    assert change(Transition.TRANSITION_ACTIVATE)
    wait_until(led(one), what="the arm to be led again")
    assert node._driver.report()["controller"] == "joint impedance"


def test_a_fault_outlives_a_deactivation_and_recover_ends_it(arm, server, wait_until, call):
    node, one = arm()

    def change(transition):
        request = ChangeState.Request(transition=Transition(id=transition))
        return call(one.node, ChangeState, "panda/change_state", request).success

    server.scene.ask("reflex", for_s=3.0)
    wait_until(lambda: node._loop.led.fault, what="the fault")
    assert change(Transition.TRANSITION_DEACTIVATE)
    assert node._driver.report()["controller"] == "the server's own"
    assert change(Transition.TRANSITION_ACTIVATE)
    assert node._loop.led.fault
    wait_until(lambda: call(one.node, Trigger, "panda/recover").success, what="the arm to be back")
    wait_until(led(one), what="the arm to be led again")


def test_without_an_address_there_is_no_arm(panda):
    with pytest.raises(NodeFailure, match="robot_ip:=ADDRESS"):
        panda(robot="polymetis", clock=False)


@pytest.mark.parametrize("name", ["stiffness", "damping"])
def test_gains_that_would_shake_the_arm_are_refused(panda, name):
    with pytest.raises(NodeFailure, match=f"parameter {name} of joint 1 must be at most"):
        panda(robot="polymetis", robot_ip="127.0.0.1", clock=False, **{name: [6000.0] * 7})
