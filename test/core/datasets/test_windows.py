"""Windows over episodes, with numbers worked by hand: horizon 3 over lengths 1, 2 (H-1), 3 (H) and 4 (H+1)."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.datasets.windows import index_windows, window_rows

LENGTHS = [1, 2, 3, 4]


def test_without_padding_an_episode_shorter_than_the_horizon_has_no_window():
    windows = index_windows(LENGTHS, 3)
    assert windows.episode.tolist() == [2, 3, 3]
    assert windows.start.tolist() == [0, 0, 1]
    assert windows.length.tolist() == [3, 4, 4]


def test_padded_at_the_end_every_row_begins_one_window():
    windows = index_windows(LENGTHS, 3, pad_end=2)
    assert windows.episode.tolist() == [0, 1, 1, 2, 2, 2, 3, 3, 3, 3]
    assert windows.start.tolist() == [0, 0, 1, 0, 1, 2, 0, 1, 2, 3]


def test_padded_at_both_ends_the_count_is_length_plus_both_pads_minus_horizon_plus_one():
    windows = index_windows(LENGTHS, 3, pad_start=2, pad_end=2)
    assert np.bincount(windows.episode).tolist() == [3, 4, 5, 6]
    assert windows.start[windows.episode == 0].tolist() == [-2, -1, 0]


def test_stride_keeps_every_second_start():
    windows = index_windows([5], 3, pad_end=2, stride=2)
    assert windows.start.tolist() == [0, 2, 4]


def test_steps_may_lie_several_rows_apart():
    windows = index_windows([7], 3, skip=2)  # spans rows 0 2 4
    assert windows.start.tolist() == [0, 1, 2]
    assert window_rows(windows.start, windows.length, 3, 2)[0].tolist() == [[0, 2, 4], [1, 3, 5], [2, 4, 6]]


def test_with_rows_skipped_each_row_still_begins_one_window_under_full_padding():
    windows = index_windows([5], 3, pad_end=2, skip=2)
    assert windows.start.tolist() == [0, 1, 2, 3, 4]
    rows, mask = window_rows(windows.start, windows.length, 3, windows.skip)
    assert rows[2].tolist() == [2, 4, 4] and mask[2].tolist() == [True, True, False]


def test_horizon_one_gives_each_row_once():
    assert index_windows(LENGTHS, 1).start.tolist() == [0, 0, 1, 0, 1, 2, 0, 1, 2, 3]


def test_no_episodes_give_no_windows():
    assert len(index_windows([], 3)) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"horizon": 0}, "horizon and stride must be at least 1, and skip too; got horizon=0"),
        ({"horizon": 3, "stride": 0}, "stride=0"),
        ({"horizon": 3, "pad_end": 3}, "pad_end must be between 0 and horizon - 1 = 2, got 3"),
        ({"horizon": 3, "pad_start": -1}, "pad_start must be between 0 and horizon - 1 = 2, got -1"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        index_windows(LENGTHS, **arguments)


def test_an_empty_episode_is_refused():
    with pytest.raises(ValueError, match=r"at least one row, got lengths \[0\]"):
        index_windows([3, 0], 2)


def test_a_window_past_the_end_repeats_the_last_row_and_masks_it():
    rows, mask = window_rows(2, 4, 3)
    assert rows.tolist() == [2, 3, 3]
    assert mask.tolist() == [True, True, False]


def test_a_window_before_the_beginning_repeats_the_first_row_and_masks_it():
    rows, mask = window_rows(np.array([-2, 0]), np.array([1, 4]), 3)
    assert rows.tolist() == [[0, 0, 0], [0, 1, 2]]
    assert mask.tolist() == [[False, False, True], [True, True, True]]
