"""The safety filter and the motion controller hold every limit against whatever they are asked: 100,000 times."""

from dataclasses import replace

import numpy as np
import pytest

from muse_core.control.kinematics import HOME_Q, PandaKinematics
from muse_core.control.limits import Limit, default_limits
from muse_core.control.motion import MotionController
from muse_core.control.safety import SafetyFilter
from muse_core.control.state import ACTION_SIZES, ActionError, ArmAction, RobotState

DT_S = 0.01
DT_NS = 10_000_000
LIMITS = default_limits()
KINEMATICS = PandaKinematics(LIMITS)
BAD_NUMBERS = (np.nan, np.inf, -np.inf, 1e308, -1e308, 1e30, 5e-324)


def measured(q, now_ns=0):
    position, quaternion = KINEMATICS.forward(q)
    return RobotState(now_ns, q, np.zeros(7), position, quaternion, np.zeros(6), np.zeros(6), 0.08)


def broken_limits(set_points, limits=LIMITS):
    """Names of the limits that a run of set-points at 100 Hz, shape (n, 7), breaks; it begins inside and at rest."""
    q = np.asarray(set_points)
    velocity = np.diff(q, axis=0, prepend=q[:1]) / DT_S
    acceleration = np.diff(velocity, axis=0) / DT_S
    T = KINEMATICS.tool_transforms(q)
    position, R = T[:, :3, 3], T[:, :3, :3]
    turn = np.swapaxes(R[:-1], 1, 2) @ R[1:]
    off_diagonal = turn - np.swapaxes(turn, 1, 2)  # twice the sine of the angle, along its axis
    sine = np.stack([off_diagonal[:, 2, 1], off_diagonal[:, 0, 2], off_diagonal[:, 1, 0]], axis=1) / 2
    checks = {
        "finite": np.isfinite(q).all(),
        "joint position": ((q >= limits.q_lower - 1e-9) & (q <= limits.q_upper + 1e-9)).all(),
        "joint velocity": (np.abs(velocity) <= limits.joint_velocity + 1e-9).all(),
        "joint acceleration": (np.abs(acceleration) <= limits.joint_acceleration + 1e-6).all(),
        "joint jerk": (np.abs(np.diff(acceleration, axis=0)) / DT_S <= limits.joint_jerk).all(),
        "linear speed": (np.linalg.norm(np.diff(position, axis=0), axis=1) / DT_S <= limits.linear_speed + 1e-9).all(),
        "angular speed": (np.arcsin(np.linalg.norm(sine, axis=1)) / DT_S <= limits.angular_speed + 1e-9).all(),
        "workspace": ((position >= limits.workspace_lower - 1e-9) & (position <= limits.workspace_upper + 1e-9)).all(),
    }
    return [name for name, kept in checks.items() if not kept]


def adversary(rng, q, limits=LIMITS):
    """One set-point asked of the filter: sane, wild, hostile or ill-formed."""
    kind = rng.integers(8)
    if kind == 0:
        return q + rng.normal(0, 0.01, 7), rng.normal(0, 1, 7)
    if kind == 1:
        return rng.uniform(-4, 4, 7), np.zeros(7)
    if kind == 2:
        return rng.choice([limits.q_lower, limits.q_upper]), rng.normal(0, 10, 7)
    if kind == 3:
        wild = rng.normal(0, 1, 7)
        wild[rng.integers(7)] = rng.choice(BAD_NUMBERS)
        return wild, np.zeros(7)
    if kind == 4:
        return q, rng.choice([-1e6, 1e6]) * np.ones(7)
    if kind == 5:
        return np.zeros(rng.integers(0, 12)), np.zeros(7)
    if kind == 6:
        return np.full(7, rng.choice(BAD_NUMBERS)), np.full(7, rng.choice(BAD_NUMBERS))
    return np.sign(rng.normal(size=7)) * 3.0, np.sign(rng.normal(size=7)) * 2.0


@pytest.mark.parametrize("arm_id", ["panda", "fr3"])
def test_the_filter_keeps_every_limit_against_25000_hostile_set_points(arm_id):
    rng, limits, asked = np.random.default_rng(0), default_limits(arm_id), 0
    for _ in range(50):
        safety = SafetyFilter(PandaKinematics(limits), limits, DT_S)
        safety.reset(HOME_Q)
        set_points = [HOME_Q]
        while len(set_points) < 501:
            wanted, velocity = adversary(rng, safety.q, limits)
            for _ in range(int(rng.integers(1, 40))):  # the same wish for a while, so that limits are reached
                safety.move(wanted, velocity)
                set_points.append(safety.q)
                asked += 1
        assert broken_limits(set_points, limits) == []
    assert asked >= 25_000


@pytest.mark.parametrize("arm_id", ["panda", "fr3"])
def test_where_the_tool_may_be_fast_the_joints_keep_their_speed(arm_id):
    # At the default 0.25 m/s and 0.6 rad/s of the tool the joints hardly ever reach their own speed.
    limits, fastest = replace(default_limits(arm_id), linear_speed=9.0, angular_speed=99.0), np.zeros(7)
    for joint in range(7):
        safety = SafetyFilter(PandaKinematics(limits), limits, DT_S)
        safety.reset(HOME_Q)
        set_points = [HOME_Q]
        for _ in range(100):
            safety.move(HOME_Q + 3.0 * (np.arange(7) == joint), np.zeros(7))
            set_points.append(safety.q)
        assert broken_limits(set_points, limits) == []
        fastest = np.maximum(fastest, np.abs(np.diff(set_points, axis=0)).max(axis=0) / DT_S)
    assert (fastest > 0.99 * limits.joint_velocity).any()


def test_the_filter_reports_its_velocity_as_the_difference_of_set_points():
    safety = SafetyFilter(KINEMATICS, LIMITS, DT_S)
    safety.reset(HOME_Q)
    for _ in range(50):
        before = safety.q
        safety.move(HOME_Q + 0.3, np.zeros(7))
        np.testing.assert_allclose(safety.velocity, (safety.q - before) / DT_S, atol=1e-12)


def test_a_wish_that_moves_steadily_is_followed_exactly_once_it_is_caught_up_with():
    safety = SafetyFilter(KINEMATICS, LIMITS, DT_S)
    safety.reset(HOME_Q)
    limited = [safety.move(HOME_Q + 1e-4 * k, np.full(7, 0.01)) for k in range(1, 21)]
    assert limited[0] == Limit.JOINT_JERK and limited[-1] == Limit.NOT_LIMITED
    np.testing.assert_allclose(safety.q, HOME_Q + 0.002, atol=1e-9)
    np.testing.assert_allclose(safety.velocity, 0.01, atol=1e-7)


def test_a_far_wish_is_reached_without_overshoot_and_kept():
    safety = SafetyFilter(KINEMATICS, LIMITS, DT_S)
    safety.reset(HOME_Q)
    wanted = HOME_Q + np.array([0.2, 0, 0, 0, 0, 0, 0])
    path = []
    for _ in range(300):
        safety.move(wanted, np.zeros(7))
        path.append(safety.q[0])
    assert max(path) <= 0.2 + 1e-9
    np.testing.assert_allclose(safety.q, wanted, atol=1e-9)


@pytest.mark.parametrize("velocity", [0.0, 5.0])
def test_a_joint_brakes_in_time_for_its_margin(velocity):
    safety = SafetyFilter(KINEMATICS, LIMITS, DT_S)
    safety.reset(HOME_Q)
    limited = Limit.NOT_LIMITED
    set_points = [HOME_Q]
    for _ in range(1000):
        limited |= safety.move(HOME_Q + np.array([0, 0, 0, 0, 0, 0, 4.0]), np.array([0, 0, 0, 0, 0, 0, velocity]))
        set_points.append(safety.q)
    assert limited & Limit.JOINT_POSITION
    assert broken_limits(set_points) == []
    assert 2.8973 - 0.06 < safety.q[6] <= 2.8973 - 0.05 + 1e-9


def test_an_ill_formed_wish_brakes_and_is_reported():
    safety = SafetyFilter(KINEMATICS, LIMITS, DT_S)
    safety.reset(HOME_Q)
    for _ in range(20):
        safety.move(HOME_Q + 0.3, np.zeros(7))
    speed = np.linalg.norm(safety.velocity)
    assert safety.move(np.full(7, np.nan), np.zeros(7)) == Limit.NOT_FINITE
    assert np.linalg.norm(safety.velocity) < speed


@pytest.mark.parametrize("start", [[0.0, 0.9, 0.0, -1.9, 0.0, 2.8, 0.785], [0.9, -0.9, 0.9, -2.6, 0.3, 1.0, 0.0]])
def test_an_arm_outside_the_workspace_moves_only_inward(start):
    rng = np.random.default_rng(1)
    start = np.array(start)
    limits = default_limits()
    tool = KINEMATICS.forward(start)[0]
    outside = np.maximum(np.maximum(limits.workspace_lower - tool, tool - limits.workspace_upper), 0)
    assert outside.max() > 0.01
    safety = SafetyFilter(KINEMATICS, limits, DT_S)
    safety.reset(start)
    for _ in range(100):
        wanted, velocity = adversary(rng, safety.q)
        for _ in range(10):
            safety.move(wanted, velocity)
            tool = KINEMATICS.forward(safety.q)[0]
            now = np.maximum(np.maximum(limits.workspace_lower - tool, tool - limits.workspace_upper), 0)
            assert (now <= outside + 1e-9).all()
            outside = now


def test_an_arm_outside_the_workspace_can_come_back():
    controller = MotionController(KINEMATICS, LIMITS)
    q = np.array([0.0, 0.9, 0.0, -1.9, 0.0, 2.8, 0.785])
    controller.anchor(measured(q))
    assert KINEMATICS.forward(q)[0][2] < -0.07
    for i in range(100):
        if i % 10 == 0:
            controller.accept(ArmAction("ee_delta", np.array([0, 0, 0.02, 0, 0, 0, 0]), 0.1, i * DT_NS, "t"), i * DT_NS)
        q = controller.update(i * DT_NS, measured(q)).position
    assert KINEMATICS.forward(q)[0][2] > 0.05


def hostile_action(rng, now_ns):
    space = str(rng.choice([*ACTION_SIZES, "torque", ""], p=[0.3, 0.25, 0.15, 0.2, 0.05, 0.05]))
    size = ACTION_SIZES.get(space, 7)
    values = rng.normal(0, 10.0 ** rng.integers(-3, 2), size)
    if space == "ee_pose":
        values[:3] += (0.5, 0.0, 0.3)
    trick = rng.integers(12)
    if trick == 0:
        values[rng.integers(size)] = rng.choice(BAD_NUMBERS)
    if trick == 1:
        values = values[: rng.integers(size)]
    if trick == 2:
        values = np.append(values, 0.0)
    if trick == 3:
        values = values * 1e12
    period_s = float(rng.choice([0.1, 0.05, 0.02, 0.5, 1e-9, 0.0, -1.0, np.nan, np.inf], p=[0.6] + [0.05] * 8))
    stamp_ns = now_ns + int(rng.choice([0, -(10**8), -(10**10), 10**12], p=[0.85, 0.05, 0.05, 0.05]))
    offsets, shares = [0, -stamp_ns, 3 * 10**7, 2 * 10**8, -(10**9), 10**12], [0.1, 0.7] + [0.05] * 4
    target_ns = stamp_ns + int(rng.choice(offsets, p=shares))  # mostly none
    return ArmAction(space, values, period_s, stamp_ns, "fuzz", bool(rng.random() < 0.95), target_ns)


@pytest.mark.parametrize("arm_id", ["panda", "fr3"])
def test_the_controller_keeps_every_limit_against_25000_hostile_actions_and_periods(arm_id):
    rng, limits = np.random.default_rng(2), default_limits(arm_id)
    actions = 0
    refused = 0
    for _ in range(25):
        controller = MotionController(PandaKinematics(limits), limits)
        controller.anchor(measured(HOME_Q))
        q, now_ns, set_points = HOME_Q, 0, [HOME_Q]
        for _ in range(1000):
            try:
                controller.accept(hostile_action(rng, now_ns), now_ns)  # of every space, with every kind of stamp
            except ActionError:
                refused += 1
            actions += 1
            if rng.random() < 0.01:
                controller.stop()
            if controller.stopped and controller.standing:
                controller.recover(measured(q, now_ns))
            for _ in range(int(rng.integers(1, 4))):
                set_point = controller.update(now_ns, measured(q, now_ns))
                now_ns += DT_NS
                q = set_point.position
                set_points.append(q)
                assert 0.0 <= set_point.gripper_width <= 0.08
        assert broken_limits(set_points, limits) == []
    assert actions == 25_000
    assert 2_500 < refused < 22_500


def test_an_arm_that_measures_nothing_cannot_be_stood_upon():
    safety = SafetyFilter(PandaKinematics(), default_limits(), 0.01)
    for q in (np.full(7, np.nan), np.zeros(6)):
        with pytest.raises(ValueError, match="7 finite numbers"):
            safety.reset(q)


def test_an_arm_that_stands_on_the_floor_of_the_workspace_can_be_lifted():
    # Limiting each joint's acceleration by itself turns the first step from here to 0.07 mm below the floor.
    q = np.array([-0.05510066, 0.41368443, -0.01907896, -2.59059274, 0.04464939, 3.00724823, 0.6145598])
    up = np.array([-0.03839377, -0.10225889, -0.00078654, -0.04465932, -0.01350262, -0.06057099, -0.03687784])
    safety = SafetyFilter(KINEMATICS, LIMITS, DT_S)
    safety.reset(q)
    start = safety.transform[2, 3]
    for _ in range(100):
        safety.move(q + up, np.zeros(7))
    assert safety.transform[2, 3] > start + 0.02
