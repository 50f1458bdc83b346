"""Forward kinematics against hand-worked poses, the Jacobian against differences, the inverse against the forward."""

import numpy as np
import pytest

from muse_core.control.kinematics import HOME_Q, PandaKinematics, tool_wrench
from muse_core.control.limits import default_limits
from muse_core.geometry import matrix_from_quaternion, quaternion_conjugate, quaternion_multiply
from muse_core.geometry import rotation_vector_from_quaternion as rotation_vector

KINEMATICS = PandaKinematics()
LIMITS = default_limits()
TOOL = 0.107 + 0.1034


def random_joints(n, seed=0):
    return np.random.default_rng(seed).uniform(LIMITS.q_lower, LIMITS.q_upper, (n, 7))


def test_at_zero_the_arm_is_straight_up_with_the_hand_hanging_beside_it():
    position, quaternion = KINEMATICS.forward(np.zeros(7))
    np.testing.assert_allclose(position, [0.088, 0, 0.333 + 0.316 + 0.384 - TOOL], atol=1e-12)
    R = matrix_from_quaternion(quaternion)
    np.testing.assert_allclose(R @ [0, 0, 1], [0, 0, -1], atol=1e-12)  # the fingers point down
    np.testing.assert_allclose(R @ [1, 0, 0], [np.sqrt(0.5), np.sqrt(0.5), 0], atol=1e-12)  # the hand is turned


def test_at_home_the_hand_points_down_where_franka_says_it_does():
    # The upper arm leans back by 45 degrees, its elbow is offset at a right angle to it; the forearm lies level and
    # reaches forward from 0.0825 m above the elbow's axis; the hand hangs 0.088 m before its end.
    c = np.sqrt(0.5)
    x = -0.316 * c + 0.0825 * c + 0.384 + 0.088
    z = 0.333 + 0.316 * c + 0.0825 * c + 0.0825 - TOOL
    position, quaternion = KINEMATICS.forward(HOME_Q)
    np.testing.assert_allclose(position, [x, 0, z], atol=1e-12)
    np.testing.assert_allclose(position, [0.307, 0, 0.487], atol=5e-4)  # as published for the "ready" pose
    np.testing.assert_allclose(np.abs(quaternion), [1, 0, 0, 0], atol=1e-12)


def test_turning_the_first_joint_turns_everything_about_the_base():
    q = HOME_Q.copy()
    q[0] = np.pi / 2
    home, _ = KINEMATICS.forward(HOME_Q)
    turned, _ = KINEMATICS.forward(q)
    np.testing.assert_allclose(turned, [0, home[0], home[2]], atol=1e-12)


def test_a_batch_gives_what_single_configurations_give():
    q = random_joints(20)
    batch = KINEMATICS.tool_transforms(q)
    for one, T in zip(q, batch, strict=True):
        np.testing.assert_allclose(KINEMATICS.forward(one)[0], T[:3, 3], atol=1e-14)


def test_the_jacobian_is_the_derivative_of_the_pose():
    h = 1e-6
    for q in random_joints(50):
        jacobian = KINEMATICS.jacobian(q)
        for i in range(7):
            step = h * np.eye(7)[i]
            (p0, r0), (p1, r1) = KINEMATICS.forward(q - step), KINEMATICS.forward(q + step)
            turn = rotation_vector(quaternion_multiply(r1, quaternion_conjugate(r0)))
            np.testing.assert_allclose(jacobian[:3, i], (p1 - p0) / (2 * h), atol=1e-8)
            np.testing.assert_allclose(jacobian[3:, i], turn / (2 * h), atol=1e-8)


def test_the_inverse_finds_poses_near_the_seed_to_a_hundredth_of_a_millimetre():
    rng = np.random.default_rng(1)
    for _ in range(200):
        q = HOME_Q + rng.uniform(-0.4, 0.4, 7)
        position, quaternion = KINEMATICS.forward(q)
        found, error = KINEMATICS.inverse(position, quaternion, HOME_Q)
        assert error < 1e-5
        np.testing.assert_allclose(KINEMATICS.forward(found)[0], position, atol=1e-5)
        assert ((found >= LIMITS.q_lower) & (found <= LIMITS.q_upper)).all()


def test_a_pose_out_of_reach_is_reported_with_the_distance_that_is_left():
    _, quaternion = KINEMATICS.forward(HOME_Q)
    found, error = KINEMATICS.inverse(np.array([2.0, 0, 0.4]), quaternion, HOME_Q)
    assert error > 1.0
    assert ((found >= LIMITS.q_lower) & (found <= LIMITS.q_upper)).all()


def test_the_pull_home_moves_the_elbow_and_not_the_tool():
    q = HOME_Q + np.array([0.3, 0, -0.4, 0, 0.2, 0, 0])
    position, quaternion = KINEMATICS.forward(q)
    near = q
    for _ in range(400):
        near, error = KINEMATICS.inverse(position, quaternion, near, home_pull=0.01)
        assert error < 1e-5
    assert np.linalg.norm(near - HOME_Q) < np.linalg.norm(q - HOME_Q) - 0.05


def test_half_a_turn_away_is_still_found():
    position, _ = KINEMATICS.forward(HOME_Q)
    q = HOME_Q.copy()
    q[6] += np.pi / 2
    turned = q.copy()
    turned[6] -= np.pi
    _, quaternion = KINEMATICS.forward(q)
    _, error = KINEMATICS.inverse(position, quaternion, turned, max_iterations=200)
    assert error < 1e-5


@pytest.mark.parametrize("quaternion", [[0, 0, 0, 0], [np.nan, 0, 0, 1]])
def test_a_pose_without_a_rotation_is_refused(quaternion):
    with pytest.raises(ValueError, match="quaternion"):
        KINEMATICS.inverse(np.array([0.5, 0, 0.4]), np.array(quaternion), HOME_Q)


def test_a_push_on_the_tool_is_found_in_the_torques_that_it_makes():
    jacobian, push = KINEMATICS.jacobian(HOME_Q), np.array([5.0, -3.0, 10.0, 0.2, 0.0, -0.1])  # N, N m
    np.testing.assert_allclose(tool_wrench(jacobian, jacobian.T @ push), push, atol=1e-3)
