"""Augmentation by shifting."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.datasets.augment import random_shift, shift_frames


def frames() -> np.ndarray:
    return np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)


def show(image: np.ndarray) -> list[list[int]]:
    return image[0, :, :, 0].tolist()


def test_a_shift_down_and_right_repeats_the_first_row_and_column():
    assert show(shift_frames(frames(), 1, 1)) == [[0, 0, 1], [0, 0, 1], [3, 3, 4]]


def test_a_shift_up_and_left_repeats_the_last_row_and_column():
    assert show(shift_frames(frames(), -1, -1)) == [[4, 5, 5], [7, 8, 8], [7, 8, 8]]


def test_a_shift_in_one_direction_leaves_the_other_alone():
    assert show(shift_frames(frames(), 0, -2)) == [[2, 2, 2], [5, 5, 5], [8, 8, 8]]
    assert show(shift_frames(frames(), 2, 0)) == [[0, 1, 2], [0, 1, 2], [0, 1, 2]]


def test_no_shift_changes_nothing():
    assert np.array_equal(shift_frames(frames(), 0, 0), frames())


@pytest.mark.parametrize("down", [-2, 0, 1])
@pytest.mark.parametrize("right", [-1, 0, 2])
def test_it_is_the_same_as_clamping_each_coordinate(down: int, right: int):
    source = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    rows = np.clip(np.arange(5) - down, 0, 4)
    columns = np.clip(np.arange(4) - right, 0, 3)
    assert np.array_equal(shift_frames(source, down, right), source[:, rows][:, :, columns])


def test_all_frames_of_a_window_move_together_and_windows_apart():
    window = np.random.default_rng(0).integers(0, 256, (1, 1, 16, 16, 3), dtype=np.uint8)
    windows = np.repeat(np.repeat(window, 8, axis=0), 5, axis=1)
    moved = random_shift(windows, 4, np.random.default_rng(1))
    assert all(np.array_equal(moved[b, 0], moved[b, t]) for b in range(8) for t in range(5))
    assert len({moved[b, 0].tobytes() for b in range(8)}) > 1


def test_the_same_generator_state_gives_the_same_shifts():
    windows = np.random.default_rng(0).integers(0, 256, (4, 2, 16, 16, 3), dtype=np.uint8)
    first, second = (random_shift(windows, 4, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first, second)


def test_zero_pixels_draw_nothing():
    rng = np.random.default_rng(0)
    windows = frames()[None]
    assert random_shift(windows, 0, rng) is windows
    assert rng.integers(1000) == np.random.default_rng(0).integers(1000)
