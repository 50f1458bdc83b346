"""Waypoints: single steps worked out by hand, and lines that end where they should."""

from __future__ import annotations

import math

import numpy as np
import pytest

from muse_core.geometry import apply_delta, rotation_vector_from_quaternion
from muse_core.policies.waypoints import Waypoint, WaypointPolicy

IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])
QUARTER_ABOUT_Z = np.array([0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)])


class Point:
    """A tool that does at once what it is told."""

    def __init__(self):
        self.position, self.quaternion = np.zeros(3), IDENTITY

    def observe(self):
        return {"ee_position": self.position.astype(np.float32), "ee_orientation": self.quaternion.astype(np.float32)}

    def move(self, action):
        if len(action) == 7:
            self.position, self.quaternion = apply_delta(self.position, self.quaternion, action[:6])
        else:
            self.position, self.quaternion = action[:3].astype(np.float64), action[3:7].astype(np.float64)


def run(policy: WaypointPolicy, most: int = 200) -> tuple[Point, list[np.ndarray]]:
    point, actions = Point(), []
    policy.reset()
    while not policy.terminated and len(actions) < most:
        actions.append(policy.act(point.observe())["action"])
        point.move(actions[-1])
    return point, actions


@pytest.mark.parametrize("space", ["ee_delta", "ee_pose"])
def test_a_line_keeps_its_speed_and_ends_at_the_last_waypoint(space):
    waypoints = [
        Waypoint((0.1, 0.0, 0.0), speed_m_s=0.2),
        Waypoint((0.0, 0.05, 0.0), tuple(QUARTER_ABOUT_Z), relative=True, gripper=1.0, tolerance_m=1e-4),
    ]
    point, actions = run(WaypointPolicy(waypoints, 10.0, space, gain=1.0))
    # 0.1 m at 0.02 m a step: the tool is seen there at the sixth step. A quarter turn at 0.05 rad a step takes 31.4,
    # and is seen within 0.05 rad after 31; the last action holds.
    assert [action[-1] for action in actions] == [0.0] * 5 + [1.0] * 32
    np.testing.assert_allclose(point.position, [0.1, 0.05, 0.0], atol=1e-5)
    assert rotation_vector_from_quaternion(point.quaternion)[2] == pytest.approx(math.pi / 2, abs=0.051)
    if space == "ee_delta":
        assert np.abs(actions[0][:3]).max() == pytest.approx(0.02)
        assert actions[20][5] == pytest.approx(0.05)


def test_a_waypoint_is_held_before_the_next_begins():
    here = Waypoint((0.0, 0.0, 0.0), gripper=1.0, hold_s=0.3)
    _, actions = run(WaypointPolicy([here, Waypoint((0.0, 0.0, 0.0), gripper=0.0)], 10.0))
    assert [action[-1] for action in actions] == [
        1.0,
        1.0,
        1.0,
        0.0,
        0.0,
    ]  # each gives an action before it ends


def test_a_waypoint_out_of_reach_times_out():
    policy = WaypointPolicy([Waypoint((9.0, 0.0, 0.0), timeout_s=0.5), Waypoint((0, 0, 0), timeout_s=0.2)], 10.0)
    stuck, indices = Point(), []
    policy.reset()
    while not policy.terminated:
        policy.act({**stuck.observe(), "ee_position": np.ones(3, np.float32)})
        indices.append(policy.index)
    assert indices == [0] * 5 + [1] * 3


def test_what_is_no_waypoint_is_refused():
    with pytest.raises(ValueError, match="timeout_s must be positive, got 0"):
        Waypoint((0, 0, 0), timeout_s=0)
    with pytest.raises(ValueError, match=r"gripper in 0\.\.1"):
        Waypoint((0, 0, 0), gripper=2)
    with pytest.raises(ValueError, match="must be ee_delta or ee_pose, got 'joints'"):
        WaypointPolicy([Waypoint((0, 0, 0))], 10.0, "joints")
    with pytest.raises(ValueError, match="expected waypoints"):
        WaypointPolicy([], 10.0)


def test_the_simulated_arm_arrives_without_overshooting():
    simulated = pytest.importorskip("muse_core.environments.simulated_panda")
    environment = simulated.SimulatedPanda("reach", images={}, max_steps=100)
    observation, _ = environment.reset(seed=0)
    start = observation["ee_position"]
    policy = WaypointPolicy([Waypoint((0.0, 0.1, -0.05), relative=True, tolerance_m=0.004)], environment.rate_hz)
    policy.reset()
    path = []
    while not policy.terminated:
        observation, *_ = environment.step(policy.act(observation))
        path.append(observation["ee_position"] - start)
    environment.close()
    np.testing.assert_allclose(path[-1], [0.0, 0.1, -0.05], atol=0.005)
    assert np.max(path, axis=0)[1] < 0.105 and len(path) < 30
