"""The motion controller follows actions closely, holds when it should, and never carries out part of a bad action."""

import numpy as np
import pytest

from muse_core.control.kinematics import HOME_Q, PandaKinematics
from muse_core.control.limits import Limit, default_limits
from muse_core.control.motion import MotionController
from muse_core.control.state import ActionError, ArmAction, RobotState
from muse_core.geometry import quaternion_conjugate, quaternion_multiply, rotation_vector_from_quaternion

LIMITS = default_limits()
KINEMATICS = PandaKinematics(LIMITS)
DT_NS = 10_000_000
START, START_R = KINEMATICS.forward(HOME_Q)


class Arm:
    """An arm that is always exactly where its last set-point was."""

    def __init__(self, q=HOME_Q, gripper_width=0.08):
        self.motion = MotionController(KINEMATICS, LIMITS)
        self.q, self.gripper_width, self.now_ns = np.array(q, dtype=float), gripper_width, 0
        self.motion.anchor(self.state())
        self.last = None

    def state(self):
        position, quaternion = KINEMATICS.forward(self.q)
        zeros = np.zeros(6)
        return RobotState(self.now_ns, self.q, np.zeros(7), position, quaternion, zeros, zeros, self.gripper_width)

    def ask(self, space, values, period_s=0.1, **more):
        action = ArmAction(space, np.array(values, dtype=float), period_s, self.now_ns, "test", **more)
        self.motion.accept(action, self.now_ns)

    def run(self, periods):
        tools = []
        for _ in range(periods):
            self.last = self.motion.update(self.now_ns, self.state())
            self.q, self.now_ns = self.last.position, self.now_ns + DT_NS
            tools.append(KINEMATICS.forward(self.q)[0])
        return np.array(tools)

    @property
    def tool(self):
        return KINEMATICS.forward(self.q)[0]


def beside(point, *offset):
    return np.add(point, offset)


def delta(x=0.0, y=0.0, z=0.0, gripper=0.0):
    return [x, y, z, 0, 0, 0, gripper]


def test_one_delta_ends_where_it_points():
    arm = Arm()
    arm.ask("ee_delta", delta(0.01, -0.02, 0.005))
    arm.run(25)
    np.testing.assert_allclose(arm.tool, beside(START, 0.01, -0.02, 0.005), atol=3e-4)


def test_a_small_delta_is_spread_over_its_period_in_equal_steps():
    # 2 mm in 0.1 s is 0.2 mm a set-point: slow enough to be in step after four of them, by jerk and acceleration.
    arm = Arm()
    arm.ask("ee_delta", delta(y=0.002))
    steps = np.diff(np.vstack([START, arm.run(10)])[:, 1])
    np.testing.assert_allclose(steps[4:], 0.0002, atol=1e-6)


def test_a_stream_of_22_mm_deltas_is_followed_within_a_third_of_a_step():
    arm, behind = Arm(), []
    for i in range(12):
        arm.ask("ee_delta", delta(0.0132, 0.01408, -0.01056))  # 22 mm
        arm.run(10)
        behind.append(np.linalg.norm(START + (i + 1) * np.array([0.0132, 0.01408, -0.01056]) - arm.tool))
    assert max(behind) < 0.0075
    assert max(behind[7:]) < 1e-4  # caught up


def test_deltas_add_up_from_the_commanded_pose_not_from_where_the_arm_is():
    # The second comes before the first is carried out: together they are still 2 cm.
    arm = Arm()
    arm.ask("ee_delta", delta(y=0.01))
    arm.run(5)
    arm.ask("ee_delta", delta(y=0.01))
    arm.run(25)
    assert arm.tool[1] == pytest.approx(0.02, abs=1e-5)


def test_a_rotation_delta_turns_about_the_base_axis_through_the_tool():
    arm = Arm()
    arm.ask("ee_delta", [0, 0, 0, 0, 0, 0.05, 0])
    arm.run(25)
    position, quaternion = KINEMATICS.forward(arm.q)
    turn = rotation_vector_from_quaternion(quaternion_multiply(quaternion, quaternion_conjugate(START_R)))
    np.testing.assert_allclose(turn, [0, 0, 0.05], atol=1e-5)
    np.testing.assert_allclose(position, START, atol=1e-5)


def test_a_pose_is_approached_step_by_step_and_reached():
    arm = Arm()
    goal = beside(START, 0.1, 0.05, -0.1)  # 150 mm: 6 actions at 25 mm, and some to speed up
    for _ in range(12):
        arm.ask("ee_pose", [*goal, *START_R, 0])
        arm.run(10)
    np.testing.assert_allclose(arm.tool, goal, atol=1e-5)


def test_joint_positions_are_reached_and_joint_deltas_add_up():
    arm = Arm()
    goal = HOME_Q + 0.02
    arm.ask("joint_position", [*goal, 0], period_s=0.5)
    arm.run(60)
    np.testing.assert_allclose(arm.q, goal, atol=1e-9)
    arm = Arm()
    for _ in range(5):
        arm.ask("joint_delta", [0.01] * 7 + [0])
        arm.run(10)
    arm.ask("joint_delta", [0.0] * 8)
    arm.run(20)
    np.testing.assert_allclose(arm.q, HOME_Q + 0.05, atol=1e-9)


def test_deltas_after_joint_actions_start_where_those_ended():
    arm = Arm()
    arm.ask("joint_delta", [0.02, 0, 0, 0, 0, 0, 0, 0], period_s=0.2)
    arm.run(30)
    turned = arm.tool
    assert turned[1] > 0.005
    arm.ask("ee_delta", delta(z=0.01))
    arm.run(25)
    np.testing.assert_allclose(arm.tool, beside(turned, 0, 0, 0.01), atol=1e-5)
    arm.ask("joint_delta", [-0.02, 0, 0, 0, 0, 0, 0, 0], period_s=0.2)
    arm.run(30)
    np.testing.assert_allclose(arm.tool[1], 0.0, atol=1e-3)


def test_a_step_that_is_too_long_is_shortened_and_says_so():
    arm = Arm()
    arm.ask("ee_delta", delta(y=0.04), period_s=0.1)  # 0.4 m/s
    arm.run(1)
    assert arm.last.limited_by & Limit.CARTESIAN_SPEED
    arm.run(24)
    assert arm.tool[1] == pytest.approx(0.025, abs=1e-5)  # 0.25 m/s for 0.1 s
    arm.ask("ee_delta", delta(y=0.3), period_s=1.0)
    arm.run(1)
    assert arm.last.limited_by & Limit.STEP_SIZE
    arm.run(150)
    assert arm.tool[1] == pytest.approx(0.075, abs=1e-5)  # 5 cm at most


def test_a_joint_step_that_is_too_long_is_shortened_and_says_so():
    arm = Arm()
    arm.ask("joint_delta", [0.5, 0.1, 0, 0, 0, 0, 0, 0], period_s=1.0)
    arm.run(1)
    assert arm.last.limited_by & Limit.STEP_SIZE
    arm.run(150)
    np.testing.assert_allclose(arm.q - HOME_Q, [0.2, 0.04, 0, 0, 0, 0, 0], atol=1e-9)


def test_the_arm_slides_along_a_wall_of_the_workspace():
    arm = Arm()
    for _ in range(40):  # 0.3 m to the wall at y = 0.5 would be left after 30 actions
        arm.ask("ee_delta", delta(x=0.004, y=0.02))
        arm.run(10)
    assert arm.last.limited_by & Limit.WORKSPACE
    assert 0.49 < arm.tool[1] <= 0.5
    assert arm.tool[0] == pytest.approx(START[0] + 40 * 0.004, abs=0.005)


def test_a_pose_out_of_reach_stops_the_arm_and_does_not_wind_up():
    reach = default_limits()
    object.__setattr__(reach, "workspace_upper", np.array([2.0, 2.0, 2.0]))
    arm = Arm()
    arm.motion = MotionController(KINEMATICS, reach)
    arm.motion.anchor(arm.state())
    for _ in range(60):  # 1.2 m outwards: the arm ends at about 0.85 m
        arm.ask("ee_delta", delta(x=0.02))
        arm.run(10)
    assert arm.last.limited_by & (Limit.UNREACHABLE | Limit.JOINT_POSITION | Limit.SINGULARITY)
    furthest = arm.tool[0]
    for _ in range(15):  # of 60: bending the straight arm takes the joints half a second
        arm.ask("ee_delta", delta(x=-0.02))
        arm.run(10)
    assert arm.tool[0] < furthest - 0.1


@pytest.mark.parametrize("way", [(0.02, 0, 0, 0, 0, 0), (0.015, 0, 0.015, 0, 0, 0), (0, 0, 0, 0, 0.05, 0)])
def test_before_a_singularity_the_arm_slows_down_and_stops_and_it_can_leave_again(way):
    reach = default_limits()  # the tool outwards, or turned in place until its wrist is in line
    object.__setattr__(reach, "workspace_upper", np.array([2.0, 2.0, 2.0]))
    arm = Arm()
    arm.motion = MotionController(KINEMATICS, reach)
    arm.motion.anchor(arm.state())
    clearances = []
    for _ in range(80):
        arm.ask("ee_delta", [*way, 0])
        for _ in range(10):
            arm.run(1)
            clearances.append(KINEMATICS.clearance(arm.q))
            assert (np.abs(arm.last.velocity) <= reach.joint_velocity).all()
    assert min(clearances) > 0.5 * reach.singularity_stop
    stopped = arm.q
    for _ in range(20):
        arm.ask("ee_delta", [*np.negative(way), 0])
        arm.run(10)
    assert np.abs(arm.q - stopped).max() > 0.1
    assert KINEMATICS.clearance(arm.q) > clearances[-1]


def test_without_a_new_action_the_arm_holds_after_two_and_a_half_periods():
    arm = Arm()
    arm.ask("ee_delta", delta(y=0.02))
    arm.run(26)
    assert arm.last.source == "test" and not arm.last.limited_by & Limit.STALE
    arm.run(1)  # at 0.26 s
    assert (arm.last.source, arm.last.action_stamp_ns, arm.last.limited_by) == ("", 0, Limit.STALE)


def test_a_hold_slows_down_and_keeps_its_reason():
    arm = Arm()
    for _ in range(3):
        arm.ask("ee_delta", delta(y=0.02))
        arm.run(10)
    arm.motion.hold(Limit.NO_DEADMAN)
    tools = arm.run(60)
    assert np.abs(np.diff(tools[:, 1])).max() < 0.0025
    assert arm.last.limited_by == Limit.NO_DEADMAN
    np.testing.assert_array_equal(arm.last.velocity, np.zeros(7))


def test_after_a_hold_motion_starts_from_where_the_arm_is_measured():
    arm = Arm()
    arm.ask("ee_delta", delta(y=0.02))
    arm.run(30)
    arm.q = beside(arm.q, 0.01, 0, 0, 0, 0, 0, 0)  # pushed aside while it held
    pushed = arm.tool
    arm.ask("ee_delta", delta(z=0.01))
    arm.run(26)
    np.testing.assert_allclose(arm.tool, beside(pushed, 0, 0, 0.01), atol=1e-4)


def test_a_stop_is_latched_and_recover_starts_from_where_the_arm_is():
    arm = Arm()
    arm.ask("ee_delta", delta(y=0.02, gripper=1.0))
    arm.run(5)
    arm.motion.stop()
    arm.run(30)
    stopped = arm.tool
    arm.ask("ee_delta", delta(y=0.02))
    arm.motion.hold(Limit.STALE)
    arm.run(30)
    assert arm.motion.stopped and arm.last.limited_by == Limit.STOPPED
    np.testing.assert_array_equal(arm.tool, stopped)
    arm.motion.recover(arm.state())
    arm.ask("ee_delta", delta(z=0.01, gripper=0.5))
    arm.run(25)
    np.testing.assert_allclose(arm.tool, beside(stopped, 0, 0, 0.01), atol=1e-5)
    assert arm.last.gripper_width == 0.0  # what it held, it still holds


def test_anchoring_keeps_a_latched_stop():
    arm = Arm()
    arm.motion.stop()
    arm.motion.anchor(arm.state())
    arm.run(1)
    assert arm.motion.stopped and arm.last.limited_by == Limit.STOPPED


@pytest.mark.parametrize(
    "space, values, more, named",
    [
        ("ee_delta", [0.01, 0, float("nan"), 0, 0, 0, 1], {}, "not finite"),
        ("ee_delta", [0.01, 0, float("inf"), 0, 0, 0, 1], {}, "not finite"),
        ("ee_delta", [0.01, 0, 0, 0, 0, 0], {}, "must hold 7 numbers"),
        ("ee_pose", [0.4, 0, 0.4, 0, 0, 0, 0, 1], {}, "quaternion is zero"),
        ("torque", [0.0] * 7, {}, "known are ee_delta, ee_pose"),
        ("ee_delta", [0.01, 0, 0, 0, 0, 0, 1], {"period_s": 0.0}, "period must be in"),
        ("ee_delta", [0.01, 0, 0, 0, 0, 0, 1], {"period_s": float("nan")}, "period must be in"),
    ],
)
def test_a_bad_action_moves_nothing_and_the_arm_holds(space, values, more, named):
    arm = Arm()
    arm.ask("ee_delta", delta(y=0.02))
    arm.run(10)
    with pytest.raises(ActionError, match=named):
        arm.ask(space, values, **more)
    arm.run(40)
    assert arm.last.limited_by == Limit.NOT_FINITE
    assert arm.last.gripper_width == 0.08
    assert abs(arm.tool[0] - START[0]) < 1e-3


def test_an_action_from_the_future_is_refused():
    arm = Arm()
    with pytest.raises(ActionError, match=r"0\.500 s ahead"):
        arm.motion.accept(ArmAction("ee_delta", np.zeros(7), 0.1, 500_000_000, "test"), 0)


def test_an_action_without_its_deadman_holds():
    arm = Arm()
    arm.ask("ee_delta", delta(y=0.02), deadman=False)
    arm.run(10)
    assert arm.last.limited_by == Limit.NO_DEADMAN
    np.testing.assert_array_equal(arm.q, HOME_Q)


def test_the_gripper_of_a_delta_is_binary_with_hysteresis():
    arm, widths = Arm(), []
    for command in (0.0, 0.5, 0.56, 0.5, 0.46, 0.44, 0.54, -3.0, 7.0):
        arm.ask("ee_delta", delta(gripper=command))
        arm.run(1)
        widths.append(arm.last.gripper_width)
    assert widths == [0.08, 0.08, 0.0, 0.0, 0.0, 0.08, 0.08, 0.08, 0.0]


def test_the_gripper_of_a_pose_is_a_width():
    arm = Arm()
    arm.ask("ee_pose", [*START, *START_R, 0.25])
    arm.run(1)
    assert arm.last.gripper_width == pytest.approx(0.06)
