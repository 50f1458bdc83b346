"""Trajectories that a controller takes and follows smoothly, when they are sent, and a hand's goals."""

import numpy as np
import pytest
from trajectory_controller import TrajectoryController

from muse_core.control.state import SetPoint
from muse_ros.arm.drivers.joint_commands import LEAD, Cadence, HandGoals, braking

MS = 1_000_000


def set_point(position, velocity, action_stamp_ns=0):
    return SetPoint(np.array(position, float), np.array(velocity, float), 0.08, 0, "", action_stamp_ns)


def test_a_trajectory_ends_at_rest_after_braking_at_a_constant_rate():
    one = set_point([0.1] * 7, [0.5, -0.25, 0, 0, 0, 0, 0])
    first, last = braking(one, 0.02, None)
    assert (first.time_s, first.position.tolist(), first.velocity[0]) == (0.02, [0.1] * 7, 0.5)
    # The fastest joint brakes at 5 rad/s^2: 0.1 s, 0.025 m on the way; the others take the same time.
    assert last.time_s == pytest.approx(0.12)
    assert last.position == pytest.approx([0.125, 0.0875, 0.1, 0.1, 0.1, 0.1, 0.1])
    assert last.velocity.tolist() == [0] * 7


def test_a_set_point_at_rest_is_held():
    _, last = braking(set_point([0.1] * 7, [0] * 7), 0.02, None)
    assert (last.time_s, last.position.tolist()) == (pytest.approx(0.07), [0.1] * 7)


def test_a_trajectory_may_begin_with_the_last_set_point():
    before, now = set_point([0.0] * 7, [1.0] * 7), set_point([0.02] * 7, [1.0] * 7)
    points = braking(now, 0.02, before)
    assert [point.time_s for point in points] == [0.0, 0.02, pytest.approx(0.22)]
    assert points[0].position.tolist() == [0.0] * 7


def ramp(t):
    """One joint at 0.5 rad/s for a second."""
    return min(t, 1.0) * 0.5, 0.5 if t < 1.0 else 0.0


def follow(controller, delays_ms, rate_hz=50, last_s=1.4, lag=0.0, sent_until_s=10.0, joined=False):
    """A second of a ramp, sent at `rate_hz` with these delays in turn, to an arm that lags; (t, q, qdot) each ms."""
    trace, arriving, before = [], [], None
    q, every = np.zeros(7), round(1000 / rate_hz)
    for ms in range(round(last_s * 1000)):
        if ms % every == 0 and ms * 1e-3 < sent_until_s:
            position, velocity = ramp(ms * 1e-3)
            now = set_point([position] * 7, [velocity] * 7)
            reach_s = every * 1e-3 * (1.0 if joined else LEAD)
            arriving.append((ms + delays_ms[len(trace) // every % len(delays_ms)], braking(now, reach_s, before)))
            before = now if joined else None
        while arriving and arriving[0][0] <= ms:
            points = arriving.pop(0)[1]
            controller.take(controller.joints, [(p.time_s, p.position, p.velocity) for p in points])
        measured = q.copy()
        controller.step(1e-3, measured, controller.qdot)
        q = measured + (1.0 - lag) * (controller.q - measured)
        trace.append((ms * 1e-3, controller.q[0], controller.qdot[0]))
    assert not controller.refused
    return np.array(trace)


JOINTS = [f"panda_joint{i}" for i in range(1, 8)]


@pytest.mark.parametrize("delays_ms", [[0], [0, 5, 1, 3], [2, 0, 0, 5, 4]])
def test_set_points_at_50_hz_become_a_smooth_motion_though_they_come_unevenly(delays_ms):
    trace = follow(TrajectoryController(JOINTS, np.zeros(7)), delays_ms)
    moving = (trace[:, 0] > 0.2) & (trace[:, 0] < 0.95)
    assert np.abs(trace[moving, 2] - 0.5).max() < 0.1  # it neither stops nor jumps between set-points
    assert trace[-1, 1] == pytest.approx(0.5, abs=1e-3)
    assert np.abs(np.diff(trace[moving, 2])).max() < 15e-3  # 15 rad/s^2
    assert np.abs(trace[moving, 1] - 0.5 * trace[moving, 0]).max() < 0.5 * 0.046  # two intervals behind, and jitter


def test_when_set_points_stop_the_arm_brakes_within_a_tenth_of_a_second():
    trace = follow(TrajectoryController(JOINTS, np.zeros(7)), [0], sent_until_s=0.5)
    last = trace[np.isclose(trace[:, 0], 0.48)][0, 1]
    standing = trace[trace[:, 0] > 0.48 + 0.04 + 0.1 + 0.002]
    assert np.abs(standing[:, 2]).max() == 0.0
    assert standing[0, 1] == pytest.approx(0.24 + 0.025)  # the set-point of 0.48 s, and half of 0.1 s at 0.5 rad/s
    assert standing[0, 1] - last < 0.06


def test_a_controller_that_begins_where_the_arm_is_measured_lags_unless_trajectories_begin_with_the_last_set_point():
    lazy = follow(TrajectoryController(JOINTS, np.zeros(7), from_desired=False), [0], lag=0.95)
    joined = follow(TrajectoryController(JOINTS, np.zeros(7), from_desired=False), [0], lag=0.95, joined=True)
    at = np.isclose(lazy[:, 0], 0.9)
    assert joined[at, 1] == pytest.approx(0.45, abs=0.5 * 0.021)
    assert lazy[at, 1] < joined[at, 1] - 0.005


def test_set_points_are_sent_at_their_own_rate_whatever_the_control_loops():
    cadence = Cadence(50.0, at_once=True)
    still = set_point([0] * 7, [0] * 7)
    sent = [ms for ms in range(0, 1000, 2) if cadence.due(still, 10**12 + ms * MS, 0.002)]
    assert sent == list(range(0, 1000, 20))
    cadence = Cadence(50.0, at_once=True)
    sent = [ms for ms in range(0, 120, 15) if cadence.due(still, 10**12 + ms * MS, 0.015)]
    assert sent == [0, 15, 45, 60, 75, 105]  # 0, 20, 40 ... : the nearer period of each


def test_the_first_set_point_of_an_action_does_not_wait():
    cadence = Cadence(50.0, at_once=True)
    times = []
    for ms in range(0, 60, 2):
        stamp = 5 if ms >= 26 else 0
        if cadence.due(set_point([0] * 7, [0] * 7, stamp), 10**12 + ms * MS, 0.002):
            times.append(ms)
    assert times == [0, 20, 26, 46]
    patient = Cadence(50.0, at_once=False)
    times = [ms for ms in range(0, 60, 2) if patient.due(set_point([0] * 7, [0] * 7, ms), 10**12 + ms * MS, 0.002)]
    assert times == [0, 20, 40]


def test_after_a_pause_no_set_points_are_made_up_for():
    cadence = Cadence(50.0, at_once=False)
    still = set_point([0] * 7, [0] * 7)
    assert cadence.due(still, 10**12, 0.01)
    assert cadence.due(still, 10**12 + 1000 * MS, 0.01)
    assert not cadence.due(still, 10**12 + 1010 * MS, 0.01)
    assert cadence.due(still, 10**12 + 1020 * MS, 0.01)


def test_the_hand_is_not_moved_by_what_it_does_already():
    goals = HandGoals(0.078)
    assert goals.next(0.08, False, 0) is None
    assert goals.next(0.08, False, 1) is None
    assert goals.next(0.0, False, 2) == 0.0
    assert goals.next(0.0, False, 3) is None
    assert goals.next(0.08, False, 4) == 0.078


def test_while_the_hand_is_busy_the_newest_wish_waits():
    goals = HandGoals(0.08)
    goals.next(0.08, False, 0)
    assert goals.next(0.0, False, 0) == 0.0
    assert [goals.next(width, True, MS) for width in (0.02, 0.05, 0.04)] == [None, None, None]
    assert goals.next(0.04, False, 2 * MS) == 0.04


def test_a_hand_that_never_answers_is_asked_again_after_five_seconds():
    goals = HandGoals(0.08)
    goals.next(0.08, False, 0)
    assert goals.next(0.0, False, 0) == 0.0
    assert goals.next(0.08, True, 4_999 * MS) is None
    assert goals.next(0.08, True, 5_000 * MS) == 0.08


def test_small_tremors_of_an_analog_trigger_do_not_reach_the_hand():
    goals = HandGoals(0.08)
    goals.next(0.04, False, 0)
    assert goals.next(0.0419, False, 1) is None
    assert goals.next(0.0421, False, 2) == 0.0421
