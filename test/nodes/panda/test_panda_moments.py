"""The panda node's stamps by the clock, its stop and recover as recorded events, its limits from a file."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")
pytest.importorskip("muse_ros.msg")

from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from muse_core.control.kinematics import HOME_Q
from muse_core.control.limits import default_limits
from muse_core.control.state import RobotState
from muse_ros.arm.arm_control import ArmControl
from muse_ros.bridge import EVENT_QOS, STATUS_QOS
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import EpisodeEvent, EpisodeStatus
from muse_ros.nodes.arm.loop import ArmLoop
from muse_ros.nodes.managed_node import started
from muse_ros.nodes.panda import PandaNode

MS = 1_000_000


class LatePace:
    """Real time whose loop runs 25 ms behind its grid."""

    def wait(self):
        return 1000 * MS

    def left_s(self):
        return -0.025

    def now_ns(self):
        return 1025 * MS


class EarlyPace(LatePace):
    """Real time whose loop waits for each period: `left` says how long it will find left to wait, in turn."""

    def __init__(self):
        self.left, self.periods = [], 0

    def wait(self):
        self.periods += 1
        return 1030 * MS

    def left_s(self):
        return self.left.pop(0)


class Arm:
    """Stands at home; remembers what was published at which stamp, and in which period what was sent."""

    def __init__(self, pace=None):
        self.measured_ns = [982 * MS, 990 * MS]
        self.states_ns, self.set_points_ns, self.chosen, self.sent, self._pace = [], [], [], [], pace

    def read(self):
        still, turn = np.zeros(6), np.array([0, 0, 0, 1.0])
        return RobotState(990 * MS, HOME_Q, np.zeros(7), np.zeros(3), turn, still, still, 0.08)

    def measured(self):
        return [replace(self.read(), stamp_ns=stamp_ns) for stamp_ns in self.measured_ns]

    def send(self, set_point, period_s):
        if self._pace is not None:
            self.sent.append((self._pace.periods, bool(set_point.velocity.any()), period_s))

    def publish_state(self, stamp_ns, state):
        self.states_ns.append(stamp_ns)

    def publish_set_point(self, stamp_ns, set_point):
        self.set_points_ns.append(stamp_ns)

    def publish_choice(self, action):
        self.chosen.append(action)


def looping(arm, pace):
    """A loop of a real arm, its control, and an action of 24 ms after the second that it has not heard yet."""
    control = ArmControl(default_limits(), 100.0)
    control.anchor(arm.read())
    loop = ArmLoop(arm, control, arm, None, pace, 20.0, None, log=None)
    loop._control.step = lambda now_ns, _, state: ArmControl.step(control, now_ns, 0, state)
    action = SimpleNamespace(
        header=SimpleNamespace(stamp=SimpleNamespace(sec=1, nanosec=24 * MS), frame_id="panda_link0"),
        action_space="ee_delta",
        values=[0.001, 0, 0, 0, 0, 0, 0],
        period=0.02,
        deadman=True,
        enable=False,
        target_time=SimpleNamespace(sec=0, nanosec=0),
    )
    return loop, control, action


def test_real_states_keep_their_stamps_all_of_them_and_a_late_loop_refuses_no_action_as_from_the_future():
    arm = Arm()
    loop, control, action = looping(arm, LatePace())
    loop.post(lambda: control.hear("teleop", action, 0))
    loop._period()
    assert (arm.states_ns, arm.set_points_ns) == ([982 * MS, 990 * MS], [1025 * MS])
    assert arm.chosen == [action]


def test_a_real_arms_action_does_not_wait_for_the_next_period_which_then_has_its_set_point_already():
    pace = EarlyPace()
    arm = Arm(pace)
    loop, control, action = looping(arm, pace)
    loop.led.look()
    control.step(0, 0, loop.led.state)  # by which it knows the time
    loop.post(lambda: control.hear("teleop", action, 0))
    pace.left = [0.004, 0.003, 0.0, 0.01, 0.0]
    loop.post(lambda: None)
    loop._period()
    assert arm.sent == [(0, True, 0.01)], "at once, before the period"
    loop._tasks.post(lambda: None)
    loop._period()
    assert arm.sent == [(0, True, 0.01), (2, True, 0.01)], "one set-point for each period, no more"


def test_stop_and_recover_are_events_of_the_episode_that_is_recorded(ros, make_node, spin, wait_until, call):
    options = {"camera_width": 32, "camera_height": 32, "clock": True}
    node = started(
        lambda: PandaNode(parameter_overrides=[Parameter(name, value=value) for name, value in options.items()])
    )
    try:
        spin(node)
        other, heard = make_node("other"), []
        other.create_subscription(EpisodeEvent, "collect/events", heard.append, EVENT_QOS)
        status = other.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)
        spin(other)
        status.publish(EpisodeStatus(state=EpisodeStatus.RECORDING, episode_id="episode_0003"))
        wait_until(lambda: node._control.recording, what="the status to arrive")
        for verb in ("stop", "stop", "recover", "recover"):
            assert call(other, Trigger, f"panda/{verb}").success
        wait_until(lambda: len(heard) > 1, what="two events")
        said = [(event.event, event.episode_id) for event in heard]
        assert said == [("arm_stop", "episode_0003"), ("recover", "episode_0003")]
        assert 0 < time_ns(heard[0].header.stamp) < time_ns(heard[1].header.stamp)
    finally:
        node.close()
        node.destroy_node()


def test_a_file_of_limits_that_is_slower_than_the_nodes_default_stays_slower(ros, tmp_path):
    text = (Path(__file__).parents[3] / "config/robot/limits.yaml").read_text()
    file = tmp_path / "slow.yaml"
    file.write_text(text.replace("linear_speed: 0.25", "linear_speed: 0.05"))
    options = {"camera_width": 32, "camera_height": 32, "clock": True, "limits_file": str(file)}
    node = started(
        lambda: PandaNode(parameter_overrides=[Parameter(name, value=value) for name, value in options.items()])
    )
    try:
        assert node._control._limits.linear_speed == 0.05
    finally:
        node.close()
        node.destroy_node()
