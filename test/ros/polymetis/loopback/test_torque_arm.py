"""The simulated arm under torques: it floats, is braked, keeps its objects' places, and stops itself at its limits."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("muse_core.environments.panda.mujoco_gl")

from muse_core.control.home import READY_Q
from muse_core.environments.panda.world import PandaWorld
from muse_ros.polymetis.loopback.arm_limits import ArmLimits, safety_force, safety_torques
from muse_ros.polymetis.loopback.torque_arm import TorqueArm

STILL, TOOL = np.zeros(7), np.array([0.4, 0.0, 0.2])


def test_without_torques_the_arm_floats_where_it_is():
    arm = TorqueArm()
    arm.step(np.zeros(7), 0.08, 500)
    np.testing.assert_allclose(arm.measure().q, READY_Q, atol=1e-3)


def test_torques_are_clamped_and_rise_by_one_newton_metre_a_millisecond():
    arm = TorqueArm()
    arm.step(np.full(7, 1000.0), 0.08, 5)
    np.testing.assert_allclose(arm.measure().torques, 5.0)
    arm.step(np.full(7, 1000.0), 0.08, 15)
    np.testing.assert_allclose(arm.measure().torques, [20.0] * 4 + [11.5] * 3)


def test_brakes_hold_the_arm_against_what_pushed_it():
    arm = TorqueArm()
    arm.step(np.full(7, 5.0), 0.08, 100)
    arm.brake(True)
    stopped = arm.measure().q
    arm.step(np.full(7, 50.0), 0.08, 500)
    assert np.abs(arm.measure().q - stopped).max() < 0.05
    assert np.abs(arm.measure().qdot).max() < 1e-3


@pytest.mark.parametrize("task", ["lift", "place", "coffee"])
def test_a_seed_places_the_objects_where_the_simulator_does_and_leaves_the_arm(task):
    arm, world = TorqueArm(task, seed=0), PandaWorld(task)
    arm.step(np.array([3.0, 0, 0, 0, 0, 0, 0]), 0.02, 200)
    before = arm.measure()
    world.reset(41)
    arm.place_objects(41)
    for name, (position, quaternion) in world.objects().items():
        found = arm.snapshot().objects[name]
        np.testing.assert_allclose(found[0], position, atol=1e-9)
        np.testing.assert_allclose(found[1], quaternion, atol=1e-9)
    np.testing.assert_array_equal(arm.measure().q, before.q)
    np.testing.assert_array_equal(arm.measure().qdot, before.qdot)
    assert arm.measure().width_m == before.width_m


def test_springs_push_before_a_limit_and_nothing_pushes_elsewhere():
    assert not safety_torques(READY_Q, STILL).any() and not safety_force(TOOL).any()
    q = READY_Q.copy()
    q[0] = 2.7  # 0.1 rad into the margin of 0.2 rad before 2.8 rad: 50 N m/rad
    np.testing.assert_allclose(safety_torques(q, STILL), [-5.0, 0, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(safety_torques(READY_Q, STILL - 1.675), [2.0] * 4 + [0.0] * 3)  # 20 N m s/rad
    np.testing.assert_allclose(safety_force(np.array([0.13, 0.0, 0.2])), [4.0, 0.0, 0.0])  # 200 N/m


def test_a_limit_that_is_newly_exceeded_is_a_reflex_and_not_again_while_it_is():
    limits, q = ArmLimits(), READY_Q.copy()
    assert limits.look(READY_Q, STILL, TOOL) == ""
    q[3] = -3.0
    assert limits.look(q, STILL, TOOL) == "Safety limits exceeded: joint position 4 of -3.000 is outside -2.97 .. -0.17"
    assert limits.look(q, STILL, TOOL) == ""
    assert "tool position 2" in limits.look(q, STILL, np.array([0.4, 0.41, 0.2]))
    assert limits.look(READY_Q, STILL, TOOL) == ""
    assert "joint position 4" in limits.look(q, STILL, TOOL)
