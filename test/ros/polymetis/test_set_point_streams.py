import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from running_controller import POSE, STILL, RunningController
from swing import PERIOD_S, stream

from muse_ros.polymetis.controller_limits import FIRM_DAMPING, FIRM_STIFFNESS, ControllerLimits
from muse_ros.polymetis.controllers import joint_impedance

ARCHIVE = joint_impedance(FIRM_STIFFNESS, FIRM_DAMPING)
LIMITS = ControllerLimits()
COUNT = 150


def test_on_time_the_swing_is_followed_a_buffer_late_within_its_acceleration():
    index = np.arange(COUNT)
    desired = stream(ARCHIVE, index * PERIOD_S, index)
    late, off, ripple = desired.behind()
    assert late == pytest.approx(10, abs=1)
    assert off < 5e-4  # half a millisecond at 0.47 rad/s
    assert ripple < 2e-3
    assert desired.largest_acceleration() < 5 / 3 * 1.5 * 1.05


@pytest.mark.parametrize("jitter_s", [0.003, 0.006])
def test_arrivals_that_jitter_do_not_make_the_arm_tremble(jitter_s):
    index = np.arange(COUNT)
    arrivals = np.maximum.accumulate(index * PERIOD_S + np.random.default_rng(1).uniform(0, 2 * jitter_s, COUNT))
    desired = stream(ARCHIVE, arrivals, index)
    late, off, ripple = desired.behind()
    assert late <= 12 + 2e3 * jitter_s
    assert off < 1.5e-3
    assert ripple < 0.01
    assert desired.largest_acceleration() < 4.0


def test_set_points_in_the_wrong_order_count_as_lost():
    index = np.arange(COUNT)
    swapped = index.copy()
    swapped[20:140:10], swapped[21:141:10] = index[21:141:10], index[20:140:10]
    arrivals = np.sort(swapped) * PERIOD_S
    arrivals[20:140:10] += 0.005  # both come at once, the later one first
    arrivals[21:141:10] -= 0.015
    desired = stream(ARCHIVE, arrivals, swapped)
    _, off, ripple = desired.behind()
    assert off < 1.5e-3
    assert ripple < 0.01


def test_one_in_twenty_lost_bends_the_way_a_little():
    kept = np.array([index for index in range(COUNT) if index % 20 != 13])
    desired = stream(ARCHIVE, kept * PERIOD_S, kept)
    _, off, ripple = desired.behind()
    assert off < 5e-3
    assert ripple < 0.03
    assert desired.largest_acceleration() < 8.0


def test_a_stall_stops_the_arm_and_what_comes_then_is_not_rushed_through():
    index = np.arange(COUNT)
    arrivals = index * PERIOD_S
    arrivals[45:53] = arrivals[52]  # nothing for 160 ms where the swing is fast, then eight at once
    desired = stream(ARCHIVE, arrivals, index)
    assert np.abs(desired.velocities[1040:1060]).max() < 0.03
    assert np.abs(desired.velocities).max() < 1.0
    assert np.all(np.abs(np.diff(desired.velocities, axis=0)).max(axis=0) * 1e3 <= np.array(LIMITS.acceleration) + 1e-6)
    late, _, _ = desired.behind(100)
    assert late < 40  # of 100 ms after the stall: the buffer is drawn to its size


def test_how_long_the_arm_stood_is_no_part_of_the_way():
    arm = RunningController(ARCHIVE)
    arm.forward(POSE)
    arm.update(POSE)
    arm.follow(800)
    arm.update(POSE + 0.004, STILL, 0.8)  # 0.8 s after the one before, says who sends only what is new
    arm.follow(40)
    assert arm.desired == pytest.approx(POSE + 0.004, abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_the_limits_hold(seed):
    """Set-points drawn at random, broken ones among them, to an arm that is thrown about, by a clock that jumps."""
    rng = np.random.default_rng(seed)
    arm = RunningController(ARCHIVE)
    most, torque_limit = np.array(LIMITS.acceleration), np.array(LIMITS.torque)
    stretch = np.minimum(np.array(LIMITS.spring_torque) / FIRM_STIFFNESS, LIMITS.spring_distance)
    q, torque, speed, believed, refused = POSE.copy(), STILL, STILL, False, 0
    for cycle in range(4000):
        elapsed_ns = int(
            rng.choice([1_000_000, 1_100_000, 700_000, 5_000_000, 0, -(10**9), 10**9], p=[0.9, *[0.1 / 6] * 6])
        )
        dt = 1e-3 if elapsed_ns <= 0 else min(1e-9 * elapsed_ns, 0.01)
        was_believed, pushed = believed, rng.normal(0, 0.002, 7) * (rng.random() < 0.3)
        q = arm.desired + pushed if believed else q + pushed
        measured = q + (np.nan if rng.random() < 0.003 else 0.0)
        velocity = np.where(rng.random(7) < 0.001, rng.choice([np.nan, 50.0, 1e30]), arm.desired_velocity)
        found = arm.forward(measured, velocity, elapsed_ns)
        believed = arm.module._anchored
        assert np.isfinite(found).all()
        assert np.all(np.abs(found) <= torque_limit + 1e-4)
        assert np.abs(found - torque).max() <= 1e3 * min(dt, 2e-3) + 1e-4
        if believed:
            assert np.all(np.abs(arm.desired_velocity) <= np.array(LIMITS.velocity) + 1e-9)
            assert np.all(np.abs(arm.desired - measured.astype(np.float32)) <= stretch + 1e-6)
        if believed and was_believed:
            assert np.all(np.abs(arm.desired_velocity - speed) <= most * dt + 1e-9)
        assert np.all(arm.desired <= np.array(LIMITS.position_upper) + 0.01)
        assert np.all(arm.desired >= np.array(LIMITS.position_lower) - 0.01)
        torque, speed = found, arm.desired_velocity
        if cycle % 7 == 0:
            wanted = {
                "position": arm.desired + rng.uniform(-0.22, 0.22) * rng.uniform(-1, 1, 7),
                "velocity": rng.uniform(-1.55, 1.55, 7) * rng.choice([0.1, 1.0]),
                "duration": rng.choice([1e-9, 1e-3, 0.02, 0.9, -1.0]),
                "number": rng.integers(cycle - 20, cycle + 1),
            }  # fmt: skip
            if rng.random() < 0.05:
                wanted[rng.choice(["position", "velocity"])][rng.integers(7)] = rng.choice([np.nan, np.inf, 1e9])
            try:
                arm.update_raw(**wanted)
            except torch.jit.Error:
                refused += 1
    assert 50 < refused < 400  # of 571: both happened
