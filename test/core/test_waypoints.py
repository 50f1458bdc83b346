"""The way to a waypoint, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.waypoints import Pose, WaypointSteps

HALF = np.sqrt(0.5)
STILL, QUARTER_Z = np.array([0.0, 0, 0, 1]), np.array([0, 0, HALF, HALF])


def test_an_action_is_a_share_of_the_way_and_no_longer_than_a_step():
    steps = WaypointSteps(step_m=0.1, step_rad=0.2, gain=0.5)
    far = steps.action(Pose(np.zeros(3), STILL), Pose(np.array([0.3, 0.4, 0]), QUARTER_Z))  # 3-4-5
    np.testing.assert_allclose(far, [0.06, 0.08, 0, 0, 0, 0.2], atol=1e-12)
    near = steps.action(Pose(np.zeros(3), STILL), Pose(np.array([0.06, 0, 0]), STILL))
    np.testing.assert_allclose(near, [0.03, 0, 0, 0, 0, 0], atol=1e-12)


def test_scales_turn_metres_and_radians_into_the_units_of_the_actions():
    steps = WaypointSteps(step_m=0.1, step_rad=0.2, translation_scale=10.0, rotation_scale=5.0)
    action = steps.action(Pose(np.zeros(3), STILL), Pose(np.array([1.0, 0, 0]), QUARTER_Z))
    np.testing.assert_allclose(action, [1.0, 0, 0, 0, 0, 1.0], atol=1e-12)


def test_a_point_goes_its_way_in_two_dimensions_and_in_batches():
    steps = WaypointSteps(step_m=0.1, gain=1.0)
    action = steps.action(Pose(np.zeros((2, 2))), Pose(np.array([[0.3, 0.4], [0.05, 0]])))
    np.testing.assert_allclose(action, [[0.06, 0.08], [0.05, 0]], atol=1e-12)


@pytest.mark.parametrize(
    ("way_m", "turn_rad", "there"), [(0.0074, 0.074, True), (0.0076, 0.0, False), (0.0, 0.076, False)]
)
def test_a_waypoint_is_reached_within_both_tolerances_whatever_the_sign_of_the_quaternion(way_m, turn_rad, there):
    turned = -np.array([0, 0, np.sin(turn_rad / 2), np.cos(turn_rad / 2)])
    reached = WaypointSteps().reached(
        Pose(np.zeros((1, 3)), STILL[None]), Pose(np.array([[0, way_m, 0]]), turned[None])
    )
    assert reached.tolist() == [there]
