import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("google.protobuf")

import torch
from running_controller import POSE, STILL, RunningController, load

from muse_ros.polymetis.controller_limits import FIRM_DAMPING, FIRM_STIFFNESS, ControllerLimits
from muse_ros.polymetis.controllers import joint_impedance
from muse_ros.polymetis.messages import LARGEST_CONTROLLER_BYTES
from muse_ros.polymetis.set_points import SetPointArchive

KP = (40.0, 30.0, 50.0, 25.0, 35.0, 25.0, 10.0)
KD = (4.0, 6.0, 5.0, 5.0, 3.0, 2.0, 1.0)
FIRST = np.eye(7)[0]
LIMITS = ControllerLimits()
ARCHIVES = {"soft": joint_impedance(KP, KD), "firm": joint_impedance(FIRM_STIFFNESS, FIRM_DAMPING)}


@pytest.fixture
def soft() -> RunningController:
    """Of gains that make sums easy, held at POSE."""
    arm = RunningController(ARCHIVES["soft"])
    arm.forward(POSE)
    return arm


def test_the_archive_is_small():
    assert len(ARCHIVES["firm"]) < 32_000 < LARGEST_CONTROLLER_BYTES


@pytest.mark.parametrize("wrong", [(1.0,) * 6, (1.0,) * 6 + (0.0,), (1.0,) * 6 + (float("nan"),)])
def test_gains_that_are_no_gains_are_refused(wrong):
    with pytest.raises(ValueError, match="kp must be 7 finite positive numbers"):
        joint_impedance(wrong, KD)


def test_gains_and_rates_that_no_panda_has_are_refused():
    with pytest.raises(ValueError, match="kp of joint 1 must be at most 1200, found 1201"):
        joint_impedance((1201.0, *KP[1:]), KD)
    with pytest.raises(ValueError, match="kd of joint 7 must be at most 30"):
        joint_impedance(KP, (*KD[:6], 31.0))
    with pytest.raises(ValueError, match="cycles a second, found 0"):
        joint_impedance(KP, KD, hz=0)


def test_limits_that_are_no_limits_are_refused():
    with pytest.raises(ValueError, match="torque_rate must be positive"):
        ControllerLimits(torque_rate=0.0)
    with pytest.raises(ValueError, match="is not below"):
        ControllerLimits(position_lower=LIMITS.position_upper)


def test_an_arm_is_held_where_it_is_measured_first(soft):
    assert soft.forward(POSE) == pytest.approx(STILL, abs=1e-4)
    assert soft.forward(POSE + 0.02 * FIRST) == pytest.approx(-0.8 * FIRST, abs=1e-3)  # 40 N m/rad by 0.02 rad
    assert soft.forward(POSE, 0.1 * FIRST) == pytest.approx(-0.4 * FIRST, abs=1e-3)  # 4 N m s/rad by 0.1 rad/s


def test_an_arm_that_moves_when_the_controller_begins_is_braked_not_stopped():
    arm = RunningController(ARCHIVES["soft"])
    assert arm.forward(POSE, 0.5 * FIRST) == pytest.approx(STILL, abs=0.05)
    speeds = arm.follow(150)[:, 0]
    assert np.abs(np.diff(speeds)).max() < 0.0151  # 15 rad/s^2 for 1 ms
    assert speeds[-1] == pytest.approx(0.0, abs=1e-3)
    assert arm.desired[0] == pytest.approx(0.025, abs=0.003)  # half of 0.1 s at 0.5 rad/s


def test_a_set_point_is_reached_with_its_velocity_a_buffer_later_than_asked_for(soft):
    soft.update(POSE + 0.004 * FIRST, 0.2 * FIRST, 0.04)
    soft.follow(50)  # 40 ms and 10 ms of buffer
    assert soft.desired[0] == pytest.approx(0.004, abs=1e-4)
    assert soft.desired_velocity[0] == pytest.approx(0.2, abs=0.01)


def test_without_another_set_point_the_arm_brakes_and_holds(soft):
    soft.update(POSE + 0.004 * FIRST, 0.2 * FIRST, 0.04)
    soft.follow(50)
    speeds = soft.follow(100)[:, 0]
    assert np.all(np.diff(speeds) < 1e-9)
    assert np.abs(np.diff(speeds)).max() < 0.0032  # 1.5 times 0.2 rad/s in 0.1 s
    assert speeds[-1] == pytest.approx(0.0, abs=2e-3)
    assert soft.desired[0] == pytest.approx(0.004 + 0.5 * 0.1 * 0.2, abs=5e-4)
    held = soft.desired
    soft.follow(300)
    assert soft.desired == pytest.approx(held, abs=1e-4)


def test_an_older_set_point_is_ignored(soft):
    soft.update(POSE + 0.004 * FIRST, STILL, 0.02, number=5)
    soft.update(POSE - 0.004 * FIRST, STILL, 0.02, number=4)
    soft.update(POSE - 0.004 * FIRST, STILL, 0.02, number=5)
    soft.follow(60)
    assert soft.desired[0] == pytest.approx(0.004, abs=1e-4)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"position": POSE + 0.21 * FIRST}, "joint 1 wanted at .* too far from"),
        ({"position": np.where(FIRST > 0, np.nan, POSE)}, "joint 1 wanted at nan"),
        ({"velocity": 1.6 * FIRST}, "velocity of joint 1 too high"),
        ({"velocity": np.full(7, np.inf)}, "velocity of joint 1 too high"),
        ({"position": POSE[:6]}, "needs 7 positions"),
        ({"velocity": STILL[:6]}, "needs 7 positions and 7 velocities, found 7 and 6"),
        ({"duration": 0.0}, "duration must be above 0"),
        ({"duration": np.nan}, "duration must be above 0"),
        ({"duration": 1.5}, "at most 1 s, found 1.5"),
        ({"number": np.nan}, "number must be finite"),
    ],
)
def test_a_bad_set_point_is_refused_and_the_arm_goes_on_as_it_was(soft, parameters, reason):
    soft.update(POSE + 0.004 * FIRST, 0.2 * FIRST, 0.04)
    soft.follow(20)
    undisturbed = RunningController(ARCHIVES["soft"])
    undisturbed.forward(POSE)
    undisturbed.update(POSE + 0.004 * FIRST, 0.2 * FIRST, 0.04)
    undisturbed.follow(20)
    with pytest.raises(torch.jit.Error, match=reason):
        soft.update_raw(**parameters)
    assert np.array_equal(soft.follow(200), undisturbed.follow(200))


def test_set_points_of_somebody_else_are_refused_whatever_their_numbers():
    ours = RunningController(joint_impedance(KP, KD, leader=2**53 - 1))
    ours.forward(POSE)
    for theirs in (SetPointArchive(), SetPointArchive(2**53 - 2)):
        with pytest.raises(torch.jit.Error, match="somebody else leads the arm"):
            ours.module.update(load(theirs.pack(POSE, STILL, 0.02, 10_000)).forward())
    with pytest.raises(torch.jit.Error, match="somebody else leads the arm"):
        ours.module.update({"joint_pos_desired": torch.zeros(7)})
    ours.module.update(load(SetPointArchive(2**53 - 1).pack(POSE + 0.01, STILL, 0.02, 1)).forward())
    ours.follow(200)
    assert ours.desired == pytest.approx(POSE + 0.01, abs=1e-4)


def test_a_set_point_before_the_first_cycle_is_refused():
    with pytest.raises(torch.jit.Error, match="not to be believed"):
        RunningController(ARCHIVES["soft"]).update(POSE)


def test_a_set_point_beyond_a_joints_end_is_reached_as_far_as_it_goes(soft):
    upper = LIMITS.position_upper[3]  # -0.19 rad
    near = np.where(np.arange(7) == 3, upper - 0.05, POSE)
    arm = RunningController(ARCHIVES["soft"])
    arm.forward(near)
    for _ in range(20):
        arm.update(np.where(np.arange(7) == 3, upper + 0.05, POSE), 0.5 * np.eye(7)[3])
        arm.follow(20)
    assert arm.desired[3] == pytest.approx(upper, abs=1e-3)


def test_an_arm_that_runs_out_of_set_points_near_a_joints_end_stops_there():
    upper = LIMITS.position_upper[3]
    arm = RunningController(ARCHIVES["soft"])
    arm.forward(np.where(np.arange(7) == 3, upper - 0.1, POSE))
    for n in range(1, 5):  # at 1 rad/s to 20 mrad before the end: braking alone would take 50 mrad
        arm.update(np.where(np.arange(7) == 3, upper - 0.1 + 0.02 * n, POSE), np.eye(7)[3])
        arm.follow(20)
    speeds = arm.follow(200)[:, 3]
    assert arm.desired[3] <= upper + 1e-3
    assert np.abs(np.diff(speeds)).max() < 0.0126  # 12.5 rad/s^2


def test_a_far_set_point_is_gone_to_no_faster_than_allowed(soft):
    for _ in range(40):
        soft.update(soft.desired + 0.19 * FIRST, STILL, 0.001)
        speeds = soft.follow(20)[:, 0]
    assert speeds.max() == pytest.approx(1.5, abs=1e-9)


def test_an_arm_that_starts_beyond_a_joints_end_is_not_drawn():
    beyond = np.where(np.arange(7) == 3, -0.1, POSE)
    arm = RunningController(ARCHIVES["soft"])
    arm.forward(beyond)
    arm.follow(200)
    assert arm.desired == pytest.approx(beyond, abs=1e-6)


def test_who_pushes_the_arm_away_moves_what_it_holds_and_it_does_not_spring_back(soft):
    for pushed in np.linspace(0.0, 0.8, 800):  # 0.8 rad in 0.8 s
        torque = soft.forward(POSE + pushed * FIRST, FIRST)
    assert torque[0] == pytest.approx(-40.0 * 0.25 - 4.0, abs=0.01)  # the longest stretch, and the damper
    soft.follow(300)
    assert soft.desired[0] == pytest.approx(0.8 - 0.25, abs=1e-3)


def test_firm_springs_stretch_less(soft):
    firm = RunningController(ARCHIVES["firm"])
    firm.forward(POSE)
    for pushed in np.linspace(0.0, 0.8, 800):
        torque = firm.forward(POSE + pushed * FIRST)
    assert torque[0] == pytest.approx(-20.0, abs=0.05)  # spring_torque
    assert firm.desired[0] == pytest.approx(0.7, abs=1e-3)  # 20 N m at 200 N m/rad


def test_an_arm_that_is_held_back_is_not_pressed_ever_harder(soft):
    for n in range(1, 100):
        if n * 0.01 - soft.desired[0] < LIMITS.step:
            soft.update(POSE + n * 0.01 * FIRST, 0.5 * FIRST)
        for _ in range(20):
            torque = soft.forward(POSE)
    assert 0.0 < torque[0] < 40.0 * 0.25 + 4.0 * 0.3


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e30, 7.0])
def test_without_a_believable_position_there_is_damping_only(soft, wrong):
    for pushed in np.linspace(0.0, 0.1, 50):
        soft.forward(POSE + pushed * FIRST)
    assert soft.forward(POSE + 0.1 * FIRST)[0] == pytest.approx(-4.0, abs=0.01)
    torques = [soft.forward(np.where(FIRST > 0, wrong, POSE), 0.1 * np.ones(7)) for _ in range(20)]
    assert np.abs(np.diff([row[0] for row in torques])).max() < 1.0 + 1e-5
    assert torques[-1] == pytest.approx(-0.1 * np.array(KD), abs=1e-3)
    with pytest.raises(torch.jit.Error, match="not to be believed"):
        soft.update(POSE)
    elsewhere = POSE + 0.3 * FIRST
    for _ in range(3):
        after = soft.forward(elsewhere)
    assert after == pytest.approx(STILL, abs=1e-4)  # held where it is now
    assert soft.desired == pytest.approx(elsewhere, abs=1e-6)


@pytest.mark.parametrize("wrong", [np.nan, -np.inf, 1e30, 11.0])
def test_without_a_believable_velocity_there_is_no_torque(soft, wrong):
    torques = [soft.forward(POSE + 0.02 * FIRST, np.full(7, wrong)) for _ in range(20)]
    assert torques[-1] == pytest.approx(STILL, abs=1e-6)


def test_a_position_that_jumps_is_not_believed_at_once(soft):
    assert soft.forward(POSE + 0.06 * FIRST) == pytest.approx(STILL, abs=1e-4)
    assert soft.forward(POSE + 0.06 * FIRST) == pytest.approx(STILL, abs=1e-4)
    assert soft.desired == pytest.approx(POSE + 0.06 * FIRST, abs=1e-6)


@pytest.mark.parametrize("elapsed_ns", [0, -1_000_000_000, 10**17])
def test_a_clock_that_stands_or_jumps_moves_nothing(soft, elapsed_ns):
    soft.update(POSE + 0.01 * FIRST, 0.4 * FIRST, 0.04)
    soft.follow(25)
    before, speed = soft.desired, soft.desired_velocity
    soft.forward(before, speed, elapsed_ns)
    longest = 0.01 if elapsed_ns > 0 else 0.001
    assert np.abs(soft.desired - before).max() < longest * 0.6
    assert np.abs(soft.desired_velocity - speed).max() < longest * 15.0


def test_torques_are_limited_and_so_is_their_change(soft):
    strong = RunningController(
        joint_impedance(
            (600.0,) * 4 + (250.0, 150.0, 50.0),
            (50.0,) * 4 + (30.0, 25.0, 15.0),
            limits=ControllerLimits(spring_torque=(200.0,) * 7),
        )
    )
    strong.forward(POSE)
    rows = np.array([strong.forward(POSE - min(0.0004 * n, 0.2), -np.ones(7)) for n in range(600)])
    assert np.abs(np.diff(rows, axis=0)).max() < 1.0 + 1e-5
    assert rows[-1] == pytest.approx(LIMITS.torque, abs=1e-4)
    late = strong.forward(POSE + 0.0, np.ones(7), elapsed_ns=500_000_000)
    assert np.abs(late - rows[-1]).max() < 2.0 + 1e-5  # 2 ms at most after a gap


def test_it_never_ends_by_itself(soft):
    assert soft.module.is_terminated() is False
