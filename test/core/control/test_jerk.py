"""The jerk-limited generator: what Ruckig plans, and what it leaves behind when a program ends."""

import subprocess
import sys

import numpy as np

from muse_core.control.jerk import JointGenerator, JointMotion
from muse_core.control.kinematics import HOME_Q
from muse_core.control.limits import default_limits

LIMITS = default_limits()


def test_the_way_to_a_standstill_keeps_every_limit_and_ends_at_rest():
    now = JointMotion(HOME_Q, 0.5 * LIMITS.joint_velocity * [1, -1, 1, -1, 1, -1, 1], 0.3 * LIMITS.joint_acceleration)
    braking = JointGenerator(LIMITS, 0.01).brake(now)
    velocity = np.vstack([now.velocity, braking.velocity])
    assert (np.abs(np.diff(velocity, axis=0)) <= 0.01 * LIMITS.joint_acceleration).all()
    assert (np.abs(np.diff(braking.acceleration, axis=0)) <= 0.01 * LIMITS.joint_jerk).all()
    np.testing.assert_array_equal([braking.velocity[-1], braking.acceleration[-1]], np.zeros((2, 7)))


def test_two_motions_mixed_are_between_them():
    one, other = JointMotion.at_rest(np.zeros(7)), JointMotion(np.ones(7), np.full(7, 2.0), np.full(7, 4.0))
    half = one.towards(other, 0.5)
    np.testing.assert_array_equal([half.q, half.velocity, half.acceleration], np.outer([0.5, 1.0, 2.0], np.ones(7)))


def test_a_program_that_ends_with_a_generator_in_use_says_nothing_of_leaks():
    code = """
import threading
from muse_core.control.jerk import JointGenerator
from muse_core.control.limits import default_limits

def hold(generator):
    threading.Event().wait()

threading.Thread(target=hold, args=(JointGenerator(default_limits(), 0.01),), daemon=True).start()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
