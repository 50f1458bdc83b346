"""Rotations and delta poses, with angles small enough to be worked by hand."""

import numpy as np
import pytest

from muse_core import geometry as g

HALF = np.sqrt(0.5)
QUARTER_X, QUARTER_Y, QUARTER_Z = (HALF, 0, 0, HALF), (0, HALF, 0, HALF), (0, 0, HALF, HALF)


def random_quaternions(n, seed=0):
    return g.quaternion_normalize(np.random.default_rng(seed).normal(size=(n, 4)))


def same_rotation(a, b):
    a, b = np.asarray(a), np.asarray(b)
    np.testing.assert_allclose(np.abs((a * b).sum(-1)), 1.0, atol=1e-12)


def test_a_quarter_turn_about_z_sends_x_to_y():
    np.testing.assert_allclose(g.matrix_from_quaternion(QUARTER_Z) @ [1, 0, 0], [0, 1, 0], atol=1e-15)


def test_multiplication_applies_the_right_factor_first():
    # z first sends x to y, then x sends y to z.
    both = g.matrix_from_quaternion(g.quaternion_multiply(QUARTER_X, QUARTER_Z))
    np.testing.assert_allclose(both @ [1, 0, 0], [0, 0, 1], atol=1e-15)


def test_euler_angles_turn_about_the_fixed_axes_x_then_y_then_z():
    expected = g.quaternion_multiply(QUARTER_Z, g.quaternion_multiply(QUARTER_Y, QUARTER_X))
    same_rotation(g.quaternion_from_euler([np.pi / 2] * 3), expected)


def test_euler_angles_survive_the_round_trip():
    angles = np.random.default_rng(1).uniform([-3.1, -1.5, -3.1], [3.1, 1.5, 3.1], (500, 3))
    np.testing.assert_allclose(g.euler_from_quaternion(g.quaternion_from_euler(angles)), angles, atol=1e-9)


@pytest.mark.parametrize("about_y", [np.pi / 2, -np.pi / 2])
@pytest.mark.parametrize("about_x, about_z", [(0.0, 0.0), (0.3, -0.7), (-2.0, 1.0)])
def test_euler_angles_at_the_gimbal_lock_still_give_the_same_rotation(about_x, about_y, about_z):
    q = g.quaternion_from_euler([about_x, about_y, about_z])
    same_rotation(g.quaternion_from_euler(g.euler_from_quaternion(q)), q)


def test_rotation_vectors_survive_the_round_trip_down_to_nothing():
    v = np.random.default_rng(2).normal(size=(500, 3))
    v *= (np.logspace(-12, np.log10(3.1), 500) / np.linalg.norm(v, axis=1))[:, None]
    np.testing.assert_allclose(g.rotation_vector_from_quaternion(g.quaternion_from_rotation_vector(v)), v, rtol=1e-6)
    assert g.rotation_vector_from_quaternion([0, 0, 0, 1]).tolist() == [0, 0, 0]


def test_a_rotation_vector_takes_the_shortest_way():
    # Three quarter turns about z are a quarter turn back.
    q = g.quaternion_from_rotation_vector([0, 0, 1.5 * np.pi])
    np.testing.assert_allclose(g.rotation_vector_from_quaternion(q), [0, 0, -np.pi / 2], atol=1e-12)


def test_the_turn_between_two_orientations_is_about_the_axes_of_the_base_whatever_their_signs():
    onto_y = g.quaternion_from_rotation_vector(np.array([0, 0, np.pi / 2]))  # the first: x points along y
    both = g.quaternion_multiply(g.quaternion_from_rotation_vector(np.array([0.3, 0, 0])), onto_y)
    np.testing.assert_allclose(g.turn_between(onto_y, both), [0.3, 0, 0], atol=1e-12)
    np.testing.assert_allclose(g.turn_between(both, -onto_y), [-0.3, 0, 0], atol=1e-12)


def test_matrices_survive_the_round_trip_also_at_half_turns():
    half_turns = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [HALF, HALF, 0, 0]])
    q = np.concatenate([random_quaternions(500), half_turns])
    same_rotation(g.quaternion_from_matrix(g.matrix_from_quaternion(q)), q)


def test_a_delta_translates_and_turns_in_the_base_frame():
    # The tool looks along y; a quarter turn about the base's z makes it look along -x, and does not move it.
    position, q = g.apply_delta([0.5, 0, 0.2], QUARTER_Z, [0.01, 0.02, -0.03, 0, 0, np.pi / 2])
    np.testing.assert_allclose(position, [0.51, 0.02, 0.17], atol=1e-15)
    np.testing.assert_allclose(g.matrix_from_quaternion(q) @ [1, 0, 0], [-1, 0, 0], atol=1e-12)


@pytest.mark.parametrize("bad", [[0, 0, 0, 0], [np.nan, 0, 0, 1], [np.inf, 0, 0, 1]])
def test_a_quaternion_that_is_no_rotation_is_refused(bad):
    with pytest.raises(ValueError, match="finite and not zero"):
        g.quaternion_normalize(bad)


def test_a_step_is_cut_to_the_longest_translation_and_turn():
    # 3-4-5: a way of 0.5 m is cut to 0.1 m along (0.6, 0.8); a quarter turn to 0.2 rad
    target = np.concatenate([[0.3, 0.4, 0.0], QUARTER_Z])
    delta = g.toward(np.zeros(3), g.IDENTITY_QUATERNION, target, 0.1, 0.2)
    np.testing.assert_allclose(delta, [0.06, 0.08, 0, 0, 0, 0.2], atol=1e-12)


def test_a_step_ends_on_a_target_within_reach_whatever_the_axis():
    rng = np.random.default_rng(0)
    position, quaternion = rng.normal(size=(20, 3)), rng.normal(size=(20, 4))
    quaternion /= np.linalg.norm(quaternion, axis=1, keepdims=True)
    turn = g.quaternion_from_euler(rng.uniform(-0.4, 0.4, (20, 3)))
    goal = g.quaternion_multiply(turn, quaternion)
    target = np.concatenate([position + 0.01, goal * rng.choice([-1, 1], (20, 1))], axis=1)
    reached, orientation = g.apply_delta(position, quaternion, g.toward(position, quaternion, target, 1.0, np.pi))
    np.testing.assert_allclose(reached, target[:, :3], atol=1e-12)
    np.testing.assert_allclose(np.abs((orientation * goal).sum(1)), 1.0, atol=1e-12)


def test_a_gain_goes_a_share_of_the_way():
    target = np.concatenate([[0.3, 0.4, 0.0], QUARTER_Z])
    delta = g.toward(np.zeros(3), g.IDENTITY_QUATERNION, target, 0.3, 1.0, gain=0.5)
    np.testing.assert_allclose(delta, [0.15, 0.2, 0, 0, 0, np.pi / 4], atol=1e-12)


def test_standing_on_the_target_asks_for_nothing():
    np.testing.assert_array_equal(
        g.toward(np.ones(3), g.IDENTITY_QUATERNION, [1, 1, 1, 0, 0, 0, -1], 0.1, 0.1), np.zeros(6)
    )
