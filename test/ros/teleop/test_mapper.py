"""Device samples become actions below the speed limits; nothing moves with the deadman up."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.geometry import quaternion_from_euler, rotation_vector_from_quaternion
from muse_ros.teleop.mapper import (
    SPEED_SCALES,
    DeviceSample,
    TwistMapper,
    TwistSettings,
    from_tool_frame,
    lock_axes,
)

FULL = TwistSettings(linear_speed=0.2, angular_speed=0.5, period_s=0.02, scale_index=3)


def test_full_deflection_moves_by_speed_times_period():
    values = TwistMapper(FULL).step(DeviceSample(linear=(1, 0, 0), angular=(0, 0, -1), deadman=True))
    np.testing.assert_allclose(values, [0.004, 0, 0, 0, 0, -0.01, 0], atol=1e-15)


def test_a_diagonal_is_no_faster_than_an_axis():
    values = TwistMapper(FULL).step(DeviceSample(linear=(1, 1, 1), angular=(1, -1, 0), deadman=True))
    assert np.linalg.norm(values[:3]) == pytest.approx(0.004)
    turn = rotation_vector_from_quaternion(quaternion_from_euler(values[3:6]))
    np.testing.assert_allclose(turn, np.array([1, -1, 0]) * 0.01 / np.sqrt(2), atol=1e-12)


def test_with_the_deadman_up_there_is_no_motion_and_no_gripper():
    values = TwistMapper(FULL).step(DeviceSample(linear=(1, 1, 1), angular=(1, 1, 1), gripper=True))
    np.testing.assert_array_equal(values, np.zeros(7))


def test_the_gripper_toggles_when_its_button_goes_down_and_not_while_it_stays_down():
    mapper = TwistMapper(FULL)
    buttons = [False, True, True, False, True, False]
    assert [mapper.step(DeviceSample(gripper=down, deadman=True))[6] for down in buttons] == [0, 1, 1, 1, 0, 0]


def test_a_gripper_button_held_while_the_deadman_goes_down_does_not_toggle():
    mapper = TwistMapper(FULL)
    mapper.step(DeviceSample(gripper=True))
    assert mapper.step(DeviceSample(gripper=True, deadman=True))[6] == 0


def test_pressing_the_deadman_takes_the_gripper_over_as_it_is():
    mapper = TwistMapper(FULL)
    mapper.step(DeviceSample(), measured_closed=True)
    assert mapper.step(DeviceSample(deadman=True), measured_closed=True)[6] == 1
    assert mapper.step(DeviceSample(deadman=True), measured_closed=False)[6] == 1, "only the moment of pressing counts"


def test_speed_goes_up_and_down_by_one_step_a_press_and_stops_at_the_ends():
    mapper = TwistMapper(TwistSettings(scale_index=0))
    for _ in range(2 * len(SPEED_SCALES)):
        mapper.step(DeviceSample(faster=True))
        mapper.step(DeviceSample())
    assert mapper.speed_scale == SPEED_SCALES[-1]
    mapper.step(DeviceSample(slower=True))
    mapper.step(DeviceSample(slower=True))
    assert mapper.speed_scale == SPEED_SCALES[-2]


def test_in_the_tool_frame_forward_is_where_the_tool_points():
    """The Panda's tool looks down: half a turn about x, so its y and z axes are the base's turned round."""
    sample = DeviceSample(linear=(0.1, 0.2, 0.3), angular=(0.4, 0.5, 0.6), deadman=True)
    turned = from_tool_frame(sample, np.array([1.0, 0.0, 0.0, 0.0]))
    np.testing.assert_allclose(turned.linear, (0.1, -0.2, -0.3))
    np.testing.assert_allclose(turned.angular, (0.4, -0.5, -0.6))
    assert turned.deadman


def test_locked_motions_do_not_move():
    locked = lock_axes(DeviceSample(linear=(1, 2, 3), angular=(4, 5, 6)), ["z", "roll", "pitch"])
    assert (locked.linear, locked.angular) == ((1, 2, 0), (0, 0, 6))


def test_a_device_that_says_nan_does_not_move_the_arm():
    values = TwistMapper(FULL).step(DeviceSample(linear=(float("nan"), 1, 0), deadman=True))
    np.testing.assert_array_equal(values, np.zeros(7))


@pytest.mark.parametrize(
    ("name", "value"), [("linear_speed", 0.0), ("angular_speed", float("inf")), ("period_s", -1.0)]
)
def test_a_speed_that_is_no_positive_number_is_refused_by_name(name: str, value: float):
    with pytest.raises(ValueError, match=f"{name} must be a positive number, got {value}"):
        TwistSettings(**{name: value})
