"""The driver over an arm's topics: what it reads and sends, and every way in which the arm can be lost."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from muse_core.control.kinematics import HOME_Q, PandaKinematics
from muse_core.control.state import SetPoint
from muse_ros.arm.drivers.driver import DriverError, DriverSettings, StaleState
from muse_ros.arm.drivers.joint_settings import FORWARD, JointSettings
from muse_ros.arm.drivers.ros2_control import Ros2ControlDriver

MS = 1_000_000
START_NS = 1_700_000_000 * 10**9
ARM = JointSettings()


class Topics:
    """An arm of the imagination: publishes at 100 Hz of its own time while it lives, obeys where it is told to."""

    def __init__(self):
        self.steady_ns, self.alive, self.obeys = 0, True, True
        self.q, self.width = HOME_Q.copy(), 0.04
        self.names = [*ARM.joints, *ARM.fingers]
        self.heard_by, self.busy, self.recovery, self.others = 1, False, "", []
        self.trajectories, self.positions, self.asked, self.wrenches = [], [], [], None
        self.closed = 0
        self._told_ns = -1

    def sleep(self, seconds):
        self.steady_ns += round(seconds * 1e9)

    def taken(self):
        if not self.alive or self.steady_ns // (10 * MS) == self._told_ns:
            return []
        self._told_ns = self.steady_ns // (10 * MS)
        stamp_ns = START_NS + self._told_ns * 10 * MS
        header = SimpleNamespace(stamp=SimpleNamespace(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9))
        position = [*self.q, self.width / 2, self.width / 2]
        message = SimpleNamespace(header=header, name=self.names, position=position, velocity=[0.1] * 7 + [0, 0])
        return [(message, stamp_ns + MS)]

    def wrench(self):
        return self.wrenches

    def send_trajectory(self, points):
        self.trajectories.append(points)
        if self.obeys:
            self.q = points[0].position

    def send_position(self, position):
        self.positions.append(position)

    def listeners(self):
        return self.heard_by

    def rivals(self):
        return self.others

    def ask_hand(self, width_m):
        self.asked.append(width_m)

    def hand_busy(self):
        return self.busy

    def hand_report(self):
        return "fine"

    def recover(self):
        return self.recovery

    def heard_of(self):
        return "joint states are published on /left/joint_states: set parameter joint_states"

    def close(self):
        self.closed += 1


@pytest.fixture
def topics():
    return Topics()


@pytest.fixture
def lead(topics):
    """``lead(field=value)`` opens and starts a driver; the arm's time stands still but for ``topics.sleep``."""

    def start(**fields):
        settings = DriverSettings(joints=replace(ARM, **fields))
        clock = lambda: START_NS + topics.steady_ns  # noqa: E731
        driver = Ros2ControlDriver(settings, topics, clock, lambda: topics.steady_ns, topics.sleep)
        driver.start()
        return driver

    return start


def set_point(position=HOME_Q, width=0.04, action_stamp_ns=0):
    return SetPoint(np.array(position, float), np.zeros(7), width, 0, "", action_stamp_ns)


def drive(driver, topics, seconds, position=HOME_Q, **fields):
    for _ in range(round(seconds * 100)):
        topics.sleep(0.01)
        driver.read()
        driver.send(set_point(position, **fields), 0.01)


def test_the_state_is_that_of_the_newest_joint_states(lead, topics):
    driver = lead()
    topics.wrenches = np.arange(6.0)
    topics.q = HOME_Q + 0.1
    topics.sleep(0.01)
    state = driver.read()
    position, orientation = PandaKinematics().forward(HOME_Q + 0.1)
    assert state.stamp_ns == START_NS + topics.steady_ns // (10 * MS) * 10 * MS
    assert state.q == pytest.approx(HOME_Q + 0.1)
    assert (state.ee_position, state.ee_orientation) == (pytest.approx(position), pytest.approx(orientation))
    assert state.ee_twist == pytest.approx(PandaKinematics().jacobian(HOME_Q + 0.1) @ np.full(7, 0.1))
    assert state.wrench.tolist() == [0, 1, 2, 3, 4, 5]
    assert state.gripper_width == pytest.approx(0.04)
    assert driver.read() is state  # nothing new: the same stamp


def test_set_points_go_out_at_their_rate_and_end_at_rest(lead, topics):
    driver = lead()
    drive(driver, topics, 1.0)
    assert len(topics.trajectories) == 50
    assert topics.trajectories[0][0].position.tolist() == HOME_Q.tolist()
    assert topics.trajectories[0][-1].velocity.tolist() == [0] * 7
    assert driver.report()["set-points sent"] == "50"
    assert driver.report()["following error [rad]"] == "0.000"


def test_a_forward_controller_gets_the_positions_themselves(lead, topics):
    driver = lead(controller=FORWARD)
    drive(driver, topics, 0.1, HOME_Q)
    assert len(topics.positions) == 5
    assert topics.positions[0].tolist() == HOME_Q.tolist()
    assert not topics.trajectories


def test_trajectories_begin_with_the_last_set_point_where_the_controller_needs_it(lead, topics):
    driver = lead(from_set_point=True)
    drive(driver, topics, 0.02, HOME_Q)
    drive(driver, topics, 0.02, HOME_Q + 0.01)
    first, second = topics.trajectories
    assert [point.time_s for point in first] == pytest.approx([0.02, 0.07])
    assert [point.time_s for point in second] == pytest.approx([0.0, 0.02, 0.07])
    assert second[0].position.tolist() == HOME_Q.tolist()


def test_an_arm_that_was_left_behind_is_given_time_to_come_after(lead, topics):
    driver = lead()
    topics.obeys = False
    drive(driver, topics, 0.02, HOME_Q + 0.05)
    drive(driver, topics, 0.02, HOME_Q + 0.18)
    assert [points[0].time_s for points in topics.trajectories] == pytest.approx([0.04, 0.09])  # 0.18 rad at 2 rad/s


def test_old_joint_states_mean_hold_and_then_a_fault(lead, topics):
    driver = lead()
    driver.read()
    topics.alive = False
    topics.sleep(0.09)
    driver.read()
    topics.sleep(0.02)
    with pytest.raises(StaleState, match=r"the last joint states came 0\.1\d s ago on joint_states"):
        driver.read()
    topics.sleep(0.4)
    with pytest.raises(DriverError, match="is the arm's ros2_control running") as error:
        driver.read()
    assert not isinstance(error.value, StaleState)
    with pytest.raises(DriverError, match="the last joint states came"):
        driver.recover()
    topics.alive = True
    driver.recover()
    assert driver.read().q.tolist() == HOME_Q.tolist()


def test_without_joint_states_the_driver_does_not_open_and_says_where_there_are_some(topics):
    topics.alive = False
    with pytest.raises(DriverError, match=r"no joint states came on joint_states in 10 s; .* on /left/joint_states"):
        Ros2ControlDriver(DriverSettings(), topics, lambda: START_NS, lambda: topics.steady_ns, topics.sleep)
    assert topics.closed == 1
    assert topics.steady_ns == pytest.approx(10e9, rel=0.01)


def test_joints_of_another_arm_are_named(topics):
    topics.names = [name.replace("panda", "fr3") for name in topics.names]
    with pytest.raises(
        DriverError, match=r"have no panda_joint1, .*; they have fr3_joint1, .* parameter joints, or arm_id"
    ):
        Ros2ControlDriver(DriverSettings(), topics, lambda: START_NS, lambda: topics.steady_ns, topics.sleep)


def test_an_arm_that_does_not_follow_for_half_a_second_is_a_fault(lead, topics):
    driver = lead()
    topics.obeys = False
    drive(driver, topics, 1.0, HOME_Q + 0.19)  # 0.2 rad are allowed
    position = HOME_Q.copy()
    position[3] += 0.21
    drive(driver, topics, 0.5, position)
    with pytest.raises(DriverError, match=r"does not follow: panda_joint4 is 0\.21 rad from where it was told to be"):
        drive(driver, topics, 0.1, position)
    driver.recover()
    drive(driver, topics, 1.0, HOME_Q)


def test_a_moment_beyond_the_following_error_is_forgiven(lead, topics):
    driver = lead()
    topics.obeys = False
    for _ in range(4):
        drive(driver, topics, 0.4, HOME_Q + 0.3)
        drive(driver, topics, 0.1, HOME_Q)


def test_a_controller_that_nobody_runs_is_a_fault_at_the_start_and_later(lead, topics):
    topics.heard_by = 0
    with pytest.raises(DriverError, match="nobody listens on joint_trajectory_controller/joint_trajectory"):
        lead()
    topics.heard_by = 1
    driver = lead()
    drive(driver, topics, 0.5)
    topics.heard_by = 0
    with pytest.raises(DriverError, match="nobody listens"):
        drive(driver, topics, 1.1)


def test_a_refused_recovery_is_told_and_alone_keeps_no_arm_from_being_led(lead, topics):
    driver = lead(recovery="/action_server/error_recovery", recovery_type="franka_msgs/action/ErrorRecovery")
    assert driver.report()["recovery"] == "not asked yet"
    topics.recovery = "No errors"
    driver.recover()
    assert driver.report()["recovery"] == "No errors"
    topics.alive = False
    topics.sleep(1.0)
    with pytest.raises(DriverError, match=r"last joint states came .* \(/action_server/error_recovery: No errors\)"):
        driver.recover()
    topics.alive, topics.recovery = True, ""
    driver.recover()
    assert driver.report()["recovery"] == "done"
    lead().recover()  # none is set: nothing is asked


def test_the_hand_is_asked_where_the_wish_changes_and_when_it_has_answered(lead, topics):
    driver = lead(gripper="action", gripper_command="hand/gripper_action", gripper_largest_m=0.078)
    drive(driver, topics, 0.1, width=0.04)
    assert topics.asked == []
    drive(driver, topics, 0.1, width=0.0)
    topics.busy = True
    drive(driver, topics, 0.1, width=0.08)
    assert topics.asked == [0.0]
    topics.busy = False
    drive(driver, topics, 0.1, width=0.08)
    assert topics.asked == [0.0, 0.078]
    assert driver.report()["hand"] == "fine"


def test_an_opening_that_nobody_measures_is_the_commanded_one(lead, topics):
    driver = lead(fingers=())
    topics.sleep(0.01)
    assert driver.read().gripper_width == 0.08
    drive(driver, topics, 0.1, width=0.03)
    assert driver.read().gripper_width == 0.03


def test_it_cannot_let_the_arm_float_and_says_who_can(lead, topics):
    driver = lead()
    with pytest.raises(DriverError, match="gravity compensation"):
        driver.guide(True)
    driver.guide(False)
    driver.stop()
    driver.close()
    assert topics.closed == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"joints": ("a", "b")}, "joints: seven different names are needed"),
        ({"joints": ("a",) * 7}, "joints: seven different names are needed"),
        ({"fingers": ("panda_joint1",)}, "fingers: names must differ"),
        (
            {"controller": "velocity"},
            "controller must be one of joint_trajectory_controller, forward_command_controller",
        ),
        ({"gripper": "air"}, "gripper must be one of none, topic, action"),
        ({"gripper": "action"}, "gripper_command names no action"),
        ({"recovery": "x", "recovery_type": "Trigger"}, "recovery_type must be like std_srvs/srv/Trigger"),
        ({"recovery": "x", "recovery_type": "std_msgs/msg/Bool"}, "recovery_type must be like"),
    ],
)
def test_settings_that_cannot_be_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        replace(ARM, **fields)


def test_commands_go_to_the_controllers_usual_topic_unless_another_is_named():
    assert replace(ARM, controller=FORWARD).commands == "forward_command_controller/commands"
    assert replace(ARM, command_topic="/fr3_arm_controller/joint_trajectory").commands.startswith("/fr3_arm")
