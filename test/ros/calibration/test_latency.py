from __future__ import annotations

import numpy as np
import pytest

from muse_core.control.motion import GRIPPER_CLOSE_ABOVE, GRIPPER_OPEN_BELOW
from muse_ros.calibration.latency import CalibrationError, estimate_delay
from muse_ros.calibration.motion import sway


def small(pictures: np.ndarray) -> np.ndarray:
    """Grey, 16 x 16: the mean of each 8 x 8 pixels."""
    return pictures.reshape(len(pictures), 16, 8, 16, 8, 3).mean(axis=(2, 4, 5))


@pytest.mark.parametrize("camera", ["front", "wrist"])
@pytest.mark.parametrize("planted_s", [0.0, 0.017, 0.043, 0.18])
def test_a_planted_delay_is_found_to_five_milliseconds(swayed, camera, planted_s):
    stamps_ns = swayed.picture_stamps_ns + round(planted_s * 1e9)
    found = estimate_delay(stamps_ns, small(swayed.pictures[camera]), swayed.stamps_ns, swayed.q)
    assert found.delay_s == pytest.approx(planted_s, abs=0.002)
    assert found.error_s < 0.002
    assert found.explained > 0.9
    assert found.doubt == ""


def test_the_tools_position_serves_as_well_as_the_joints(swayed):
    pictures = small(swayed.pictures["front"])
    found = estimate_delay(swayed.picture_stamps_ns + 60_000_000, pictures, swayed.stamps_ns, swayed.positions)
    assert found.delay_s == pytest.approx(0.06, abs=0.002)


def test_noise_flicker_and_slow_light_do_not_move_the_estimate(swayed):
    random = np.random.default_rng(0)
    pictures = small(swayed.pictures["front"])
    count = len(pictures)
    pictures = pictures + random.normal(0.0, 3.0, pictures.shape)  # of 64 pixels each: strong
    pictures *= 1.0 + 0.02 * np.sin(np.arange(count))[:, None, None] + np.linspace(0.0, 0.2, count)[:, None, None]
    found = estimate_delay(swayed.picture_stamps_ns + 43_000_000, pictures, swayed.stamps_ns, swayed.q)
    assert found.delay_s == pytest.approx(0.043, abs=0.005)
    assert found.doubt == ""


def test_lost_pictures_and_trembling_stamps_only_cost_precision(swayed):
    random = np.random.default_rng(1)
    kept = np.sort(random.permutation(len(swayed.picture_stamps_ns))[:300])
    stamps_ns = swayed.picture_stamps_ns[kept] + 43_000_000 + random.integers(-4_000_000, 4_000_000, 300)
    found = estimate_delay(stamps_ns, small(swayed.pictures["wrist"][kept]), swayed.stamps_ns, swayed.q)
    assert found.delay_s == pytest.approx(0.043, abs=0.005)


def test_a_camera_that_sees_nothing_of_the_arm_is_in_doubt(swayed):
    noise = np.random.default_rng(0).normal(100.0, 5.0, (len(swayed.picture_stamps_ns), 16, 16))
    doubt = estimate_delay(swayed.picture_stamps_ns, noise, swayed.stamps_ns, swayed.q).doubt
    assert "uncertain" in doubt or "see the arm" in doubt


def test_a_motion_that_never_comes_back_fits_every_delay_and_tells_none():
    state_s, picture_s = np.arange(2000) * 0.01, np.arange(400) * 0.05
    columns = np.arange(16)[None, None, :] * np.ones((1, 16, 1))
    pictures = 100.0 + 50.0 * np.sin(0.3 * columns + 0.1 * picture_s[:, None, None])
    pictures = pictures + np.random.default_rng(0).normal(0.0, 0.5, pictures.shape)
    stamps_ns, states = (picture_s * 1e9).astype(np.int64), 0.01 * state_s[:, None]
    assert estimate_delay(stamps_ns, pictures, (state_s * 1e9).astype(np.int64), states).doubt


def test_a_delay_beyond_the_range_is_in_doubt_and_names_the_option(swayed):
    pictures = small(swayed.pictures["front"])
    found = estimate_delay(swayed.picture_stamps_ns + 300_000_000, pictures, swayed.stamps_ns, swayed.q, longest_s=0.2)
    assert "--longest" in found.doubt


def test_a_few_milliseconds_below_zero_are_the_methods_and_make_a_delay_of_zero(swayed):
    pictures = small(swayed.pictures["front"])
    found = estimate_delay(swayed.picture_stamps_ns - 4_000_000, pictures, swayed.stamps_ns, swayed.q)
    assert found.delay_s < -0.002 and (found.doubt, found.latency_s) == ("", 0.0)


def test_pictures_stamped_before_the_state_are_told_from_a_delay_of_zero(swayed):
    pictures = small(swayed.pictures["front"])
    found = estimate_delay(swayed.picture_stamps_ns - 30_000_000, pictures, swayed.stamps_ns, swayed.q)
    assert found.delay_s == pytest.approx(-0.03, abs=0.002)
    assert "the state that is late" in found.doubt
    assert found.latency_s == 0.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pictures": lambda each: each[:90], "stamps": lambda each: each[:90]}, "100 are the fewest"),
        ({"pictures": lambda each: each * 0.0 + 7.0}, "all the same"),
        ({"q": lambda each: each * 0.0 + 1.0}, "hardly moved"),
    ],
)
def test_what_cannot_be_estimated_is_refused_in_words(swayed, change, words):
    values = {
        "stamps": swayed.picture_stamps_ns,
        "pictures": small(swayed.pictures["front"]),
        "states": swayed.stamps_ns,
        "q": swayed.q,
    }
    values |= {name: alter(values[name]) for name, alter in change.items()}
    with pytest.raises(CalibrationError, match=words):
        estimate_delay(*values.values())


def test_the_sway_ends_where_it_began_stays_above_and_keeps_its_limits():
    deltas = np.array([each.values for each in sway(20.0)])
    path = np.cumsum(deltas[:, :3], axis=0)
    assert len(deltas) == 400  # 20 s of 50 ms
    assert path[-1] == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)
    assert np.all(path[:, 0] == 0.0)
    assert 0.035 < np.abs(path[:, 1]).max() <= 0.04
    assert path[:, 2].min() > -1e-12
    assert 0.025 < path[:, 2].max() <= 0.03
    assert np.linalg.norm(deltas[:, :3], axis=1).max() / 0.05 < 0.25  # the arm's own limit [m/s]
    assert np.all((deltas[:, 6] > GRIPPER_OPEN_BELOW) & (deltas[:, 6] < GRIPPER_CLOSE_ABOVE))  # the hand stays


def test_a_smaller_sway_is_smaller():
    full, half = (np.array([each.values for each in sway(20.0, size)]) for size in (1.0, 0.5))
    assert half[:, :6] == pytest.approx(0.5 * full[:, :6])
