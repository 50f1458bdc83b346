"""Faults about the arm: a driver that fails while it moves, and the way back; another node that makes the time."""

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")
pytest.importorskip("muse_ros.msg")

from diagnostic_msgs.msg import DiagnosticStatus
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger

from muse_ros.arm.drivers.driver import DriverError
from muse_ros.arm.drivers.sim import SimDriver
from muse_ros.msg import AppliedAction
from muse_ros.nodes.run_node import NodeFailure


@pytest.fixture
def cable(monkeypatch):
    """A switch for what `send` and `recover` of the driver do: ``cable["out"]`` holds what fails."""
    out, send = {"out": set()}, SimDriver.send

    def sending(self, set_point, period_s):
        if "send" in out["out"]:
            raise DriverError("the cable is out")
        send(self, set_point, period_s)

    def recovering(self):
        if "recover" in out["out"]:
            raise DriverError("the cable is still out")
        out["out"].clear()

    monkeypatch.setattr(SimDriver, "send", sending)
    monkeypatch.setattr(SimDriver, "recover", recovering)
    return out


def test_a_driver_that_fails_is_an_event_and_an_error_and_recover_brings_it_back(
    panda, operator, wait_until, call, cable
):
    node = panda()
    one = operator()
    one.record(True, episode_id="episode_0004")
    wait_until(lambda: node._control.recording, what="the status to arrive")
    wait_until(lambda: one.act() and one.last("panda/applied_action").source == "teleop", what="the arm to be led")
    cable["out"] = {"send", "recover"}
    event = wait_until(lambda: one.last("collect/events"), what="the fault")
    assert (event.event, event.episode_id, event.detail) == ("fault", "episode_0004", "the cable is out")
    wait_until(lambda: (one.diagnosis() or (b"",))[0] == DiagnosticStatus.ERROR, what="the diagnosis")
    assert "the cable is out; call panda/recover" in one.diagnosis()[1]
    answer = call(one.node, Trigger, "panda/recover")
    assert (answer.success, answer.message) == (False, "the arm's driver cannot recover: the cable is still out")
    assert not node.finished.is_set()
    cable["out"] = {"send"}
    assert call(one.node, Trigger, "panda/recover").success
    wait_until(
        lambda: (
            not one.last("panda/applied_action").limited_by & AppliedAction.STOPPED
            and one.act()
            and one.heard["action"]
            and one.last("panda/applied_action").source == "teleop"
        ),
        what="the arm to be led again",
    )


def test_another_node_that_makes_the_time_is_named(panda, operator, make_node, wait_until):
    panda()
    one = operator()
    clock = make_node("bag_player").create_publisher(Clock, "/clock", 1)
    wait_until(clock.get_subscription_count, what="the second clock to be connected")
    wait_until(lambda: (one.diagnosis() or (b"",))[0] == DiagnosticStatus.ERROR, what="the diagnosis")
    assert "/clock, which no namespace parts, is made by /bag_player, /panda: give each its own" in one.diagnosis()[1]


def test_an_arm_that_is_not_there_yet_is_waited_for_as_long_as_is_said(panda, monkeypatch):
    calls, make = [], SimDriver.__init__

    def not_yet(self, settings):
        calls.append(settings)
        if len(calls) < 3:
            raise DriverError("nobody answers")
        make(self, settings)

    monkeypatch.setattr(SimDriver, "__init__", not_yet)
    panda(wait_for_robot_s=30.0)
    assert len(calls) == 3
    calls.clear()
    with pytest.raises(NodeFailure, match="nobody answers"):
        panda()
    assert len(calls) == 1
