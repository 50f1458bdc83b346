"""The road from messages to set-points, with message-like objects, a clock of the test's own and no ROS."""

from types import SimpleNamespace

import numpy as np
import pytest

from muse_core.control.kinematics import HOME_Q, PandaKinematics
from muse_core.control.limits import Limit, default_limits
from muse_core.control.state import RobotState
from muse_ros.arm.arm_control import ArmControl, arm_action

KINEMATICS = PandaKinematics()
DT_NS = 10_000_000


def message(values, stamp_ns, space="ee_delta", deadman=True, frame="panda_link0"):
    stamp = SimpleNamespace(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    header = SimpleNamespace(stamp=stamp, frame_id=frame)
    never = SimpleNamespace(sec=0, nanosec=0)
    return SimpleNamespace(
        header=header, action_space=space, values=values, period=0.1, deadman=deadman, enable=False, target_time=never
    )


class Road:
    """An ArmControl with a perfect arm behind it; both clocks run together."""

    def __init__(self, **options):
        self.control = ArmControl(default_limits(), 100.0, **options)
        self.q, self.now_ns, self.steps = HOME_Q, 10**9, []
        self.control.anchor(self.state())

    def state(self):
        position, quaternion = KINEMATICS.forward(self.q)
        return RobotState(self.now_ns, self.q, np.zeros(7), position, quaternion, np.zeros(6), np.zeros(6), 0.08)

    def hear(self, values=(0.0, 0.01, 0, 0, 0, 0, 0), source="teleop", **more):
        asked = message(list(values), more.pop("stamp_ns", self.now_ns), **more)
        self.control.hear(source, asked, self.now_ns)
        return asked

    def run(self, periods):
        steps = []
        for _ in range(periods):
            steps.append(self.control.step(self.now_ns, self.now_ns, self.state()))
            self.q, self.now_ns = steps[-1].set_point.position, self.now_ns + DT_NS
        return steps

    @property
    def tool(self):
        return KINEMATICS.forward(self.q)[0]


def test_an_action_is_chosen_once_as_it_came_and_moves_the_arm():
    road = Road()
    asked = road.hear()
    steps = road.run(13)
    assert [step.chosen for step in steps] == [asked] + [None] * 12
    assert steps[0].set_point.source == "teleop"
    assert road.tool[1] > 0.009
    assert road.control.source == "teleop"


def test_a_repeated_action_is_a_heartbeat_and_not_a_second_step():
    road = Road()
    stamp_ns = road.now_ns
    for _ in range(10):
        road.hear(stamp_ns=stamp_ns)
        road.run(2)
    np.testing.assert_allclose(road.tool[1], 0.01, atol=1e-4)


def test_two_deltas_of_4_mm_that_come_within_one_period_move_the_tool_8_mm():
    road = Road()
    start, stamp_ns = road.tool, road.now_ns
    first, second = (road.hear((0, 0.004, 0, 0, 0, 0, 0), stamp_ns=stamp_ns - ms * 1_000_000) for ms in (5, 0))
    steps = road.run(12)
    assert [step.chosen for step in steps] == [first, second] + [None] * 10
    np.testing.assert_allclose(road.tool - start, [0, 0.008, 0], atol=1e-3)  # after 12 periods it still settles
    assert road.control.dropped == 0


def test_an_action_of_a_wrong_clock_is_not_the_newest_that_lockstep_waits_for():
    road = Road()
    road.run(1)
    road.hear(stamp_ns=road.now_ns)
    newest_ns = road.control.newest_action_ns
    road.hear(stamp_ns=road.now_ns + 3_600 * 10**9)
    assert road.control.newest_action_ns == newest_ns


def test_the_arm_holds_when_120_ms_have_passed_since_the_last_message():
    road = Road()
    road.hear()
    reasons = [step.set_point.limited_by & Limit.NO_DEADMAN for step in road.run(15)]
    assert [bool(reason) for reason in reasons] == [False] * 13 + [True] * 2  # 0 .. 120 ms, then 130 ms


def test_a_takeover_is_an_event_of_the_episode_and_so_is_the_release():
    road = Road()
    road.control.record(True, road.now_ns)
    road.hear(source="policy")
    steps = road.run(2)
    road.hear()
    steps += road.run(2)
    road.hear(values=(), deadman=False)
    steps += road.run(2)
    assert [step.event for step in steps] == ["", "", "takeover", "", "release", ""]
    assert [step.displaced for step in steps] == ["", "", "policy", "policy", "", ""]


def test_an_episode_that_ends_while_teleop_has_the_arm_has_no_release():
    road = Road()
    road.control.record(True, road.now_ns)
    road.hear(source="policy")
    road.hear()
    assert road.run(1)[0].event == "takeover"
    road.control.record(False, road.now_ns)
    assert [step.event for step in road.run(20)] == [""] * 20


def test_an_action_with_a_target_time_is_complete_at_that_time():
    road = Road()
    asked = message([0.0, 0.002, 0, 0, 0, 0, 0], road.now_ns)
    asked.target_time = SimpleNamespace(sec=1, nanosec=50_000_000)  # now is 1 s, the period 0.1 s
    road.control.hear("teleop", asked, road.now_ns)
    road.run(5)
    halfway = road.tool[1]
    road.run(4)
    np.testing.assert_allclose(road.tool[1], 0.002, atol=2e-4)
    assert halfway > 0.001  # a joint speeds up within its limits first


def test_a_late_action_is_refused_and_counted_and_the_one_before_goes_on():
    road = Road()
    road.hear()
    road.run(5)
    late = message([0.0, -0.02, 0, 0, 0, 0, 0], road.now_ns)
    late.target_time = SimpleNamespace(sec=1, nanosec=40_000_000)
    road.control.hear("teleop", late, road.now_ns)
    steps = road.run(7)
    assert "late: it was to be complete 0.010 s ago" in steps[0].refused
    assert (road.control.late, road.control.refused) == (1, 1)
    assert [step.set_point.source for step in steps] == ["teleop"] * 7
    assert road.tool[1] > 0.009


def test_an_action_that_is_to_be_complete_after_its_life_is_refused_with_the_cure():
    road = Road()
    asked = message([0.0, 0.01, 0, 0, 0, 0, 0], road.now_ns)
    asked.target_time = SimpleNamespace(sec=1, nanosec=260_000_000)
    road.control.hear("teleop", asked, road.now_ns)
    assert "an action lives 2.5 periods, 0.250 s: send it nearer to its time" in road.run(1)[0].refused


def test_a_refused_action_is_reported_once_and_the_arm_holds_whole():
    road = Road()
    road.hear(values=[0.01, float("nan"), 0, 0, 0, 0, 1.0])
    steps = road.run(5)
    assert "not finite" in steps[0].refused
    assert [step.refused for step in steps[1:]] == [""] * 4
    assert all(step.set_point.limited_by & Limit.NOT_FINITE and step.chosen is None for step in steps)
    assert road.control.refused == 1
    np.testing.assert_array_equal(road.q, HOME_Q)


def test_an_action_in_another_frame_is_refused():
    road = Road()
    road.hear(frame="camera")
    assert "ee_delta in frame camera" in road.run(1)[0].refused


def test_a_policy_needs_no_deadman_and_teleop_does():
    assert arm_action("policy", message([0.0] * 7, 5, deadman=False)).deadman
    assert not arm_action("teleop", message([0.0] * 7, 5, deadman=False)).deadman


def test_while_stopped_nothing_is_chosen_and_after_recover_only_what_is_new():
    road = Road()
    road.hear()
    road.run(3)
    road.control.stop()
    road.hear(stamp_ns=road.now_ns)
    steps = road.run(20)
    assert all(step.chosen is None and step.set_point.limited_by & Limit.STOPPED for step in steps)
    held = road.tool
    road.hear(stamp_ns=road.now_ns)
    assert road.control.recover(road.state()).startswith("recovered")
    assert all(step.chosen is None for step in road.run(5))
    np.testing.assert_allclose(road.tool, held, atol=1e-12)
    road.hear(stamp_ns=road.now_ns)
    assert road.run(1)[0].chosen is not None


def test_a_recover_does_not_move_the_arm_by_a_deadman_that_was_held_all_the_while():
    road = Road(require_release=True)
    road.hear(deadman=False)
    road.hear(stamp_ns=road.now_ns + 1)
    assert road.run(1)[0].chosen is not None
    road.control.stop()
    road.control.recover(road.state())
    road.hear(stamp_ns=road.now_ns)
    assert road.run(1)[0].chosen is None and road.control.to_be_released
    road.hear(deadman=False)
    road.hear(stamp_ns=road.now_ns + 1)
    assert road.run(1)[0].chosen is not None


def test_a_recover_right_after_a_stop_lets_the_arm_slow_down_first():
    road = Road()
    for _ in range(5):
        road.hear((0.02, 0.02, 0.0, 0, 0, 0, 0))
        before = road.run(10)
    road.control.stop()
    road.control.recover(road.state())
    velocity = np.array([step.set_point.velocity for step in (*before[-1:], *road.run(30))])
    assert np.abs(velocity[0]).max() > 0.1 and not velocity[-1].any()
    largest = np.abs(np.diff(velocity, axis=0) / 0.01).max(axis=0)
    assert (largest <= default_limits().joint_acceleration * (1 + 1e-9)).all()


def test_recover_without_a_stop_says_so():
    assert "was not stopped" in Road().control.recover(Road().state())


def test_home_is_refused_while_stopped_recording_or_led():
    road = Road()
    road.control.stop()
    assert "recover" in road.control.go_home(road.now_ns)
    road = Road()
    road.control.record(True, road.now_ns)
    assert "being recorded" in road.control.go_home(road.now_ns)
    road = Road()
    road.hear()
    road.run(1)
    assert "teleop has the arm" in road.control.go_home(road.now_ns)


def test_an_episode_ends_for_the_policy_when_the_recorder_says_nothing_any_more():
    road = Road()
    road.control.record(True, road.now_ns)
    start_ns = road.now_ns
    moved = []
    while road.now_ns < start_ns + 2_500_000_000:
        if (road.now_ns - start_ns) % 100_000_000 == 0:
            road.hear(source="policy")
        since_ns = road.now_ns - start_ns
        moved += [since_ns for step in road.run(1) if step.set_point.source]
    assert max(moved) == 2_000_000_000
    assert not road.control.recording and road.control.recorder_lost


@pytest.mark.parametrize("stepped", [True, False], ids=["the arm's loop ran meanwhile", "its loop hung"])
def test_an_episode_whose_recorder_was_silent_moves_nobody_again_before_it_was_ended(stepped):
    road = Road()
    road.control.record(True, road.now_ns)
    road.run(300 if stepped else 0)  # 3 s
    road.now_ns += 0 if stepped else 3_000_000_000
    for _ in range(20):  # the same episode goes on
        road.control.record(True, road.now_ns)
        road.hear(source="policy")
        assert not any(step.set_point.source for step in road.run(10))
    assert not road.control.recording and road.control.recorder_lost
    road.control.record(False, road.now_ns)
    assert not road.control.recorder_lost
    road.control.record(True, road.now_ns)
    road.hear(source="policy")
    assert road.run(1)[0].set_point.source == "policy"
    assert road.control.recording


def test_a_period_that_is_none_is_refused_with_its_value():
    road = Road()
    asked = message([0.0, 0.01, 0, 0, 0, 0, 0], road.now_ns)
    asked.period = -1.0
    road.control.hear("teleop", asked, road.now_ns)
    refused = [step.refused for step in road.run(30) if step.refused]
    assert len(refused) == 1 and "got -1.0 s" in refused[0]
    assert not road.run(1)[0].set_point.velocity.any()


def test_one_stamp_from_the_future_does_not_mute_its_source():
    road = Road()
    road.run(1)
    road.hear(stamp_ns=road.now_ns + 3_600 * 10**9)
    assert "ahead of now" in road.run(1)[0].refused
    asked = road.hear()
    assert road.run(1)[0].chosen is asked


def test_home_is_ended_by_teleop_and_by_a_stop():
    road = Road()
    road.q = HOME_Q + 0.2
    road.control.anchor(road.state())
    assert road.control.go_home(road.now_ns) == ""
    assert road.run(10)[-1].set_point.source == "home"
    road.hear()
    assert road.run(1)[0].set_point.source == "teleop"
    assert not road.control.homing
    road = Road()
    road.control.go_home(road.now_ns)
    road.control.stop()
    assert not road.control.homing


def test_a_reset_forgets_the_action_that_runs():
    road = Road()
    road.hear()
    road.run(3)
    road.q = HOME_Q
    road.control.anchor(road.state())
    steps = road.run(5)
    assert all(step.set_point.source == "" for step in steps)
    np.testing.assert_array_equal(road.q, HOME_Q)


def test_limits_are_counted_by_name():
    road = Road()
    road.run(3)
    assert road.control.limits_hit == {"NO_DEADMAN": 3}
    road.hear(values=[0, 0.04, 0, 0, 0, 0, 0])
    road.run(1)
    assert road.control.limits_hit["CARTESIAN_SPEED"] == 1
