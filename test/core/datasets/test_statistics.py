"""Statistics in one pass."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.datasets.statistics import RunningStatistics, Statistics, merge_statistics


def test_mean_std_and_range_of_four_rows_in_two_pieces():
    running = RunningStatistics()
    running.update(np.array([[1.0, 5.0], [3.0, 5.0]], np.float32))
    running.update(np.array([[5.0, 5.0], [7.0, 5.0]], np.float32))
    result = running.result()
    assert result.count == 4
    assert result.mean.tolist() == [4.0, 5.0]
    assert result.std == pytest.approx([5**0.5, 0.0])  # squares 9 + 1 + 1 + 9 over 4
    assert (result.low.tolist(), result.high.tolist()) == ([1.0, 5.0], [7.0, 5.0])


def test_any_split_gives_what_numpy_gives_for_the_whole():
    rows = np.random.default_rng(0).normal(1e4, 1e-2, (1000, 3))
    running = RunningStatistics()
    for piece in np.split(rows, [1, 10, 10, 500]):
        running.update(piece)
    assert running.result().mean == pytest.approx(rows.mean(axis=0), rel=1e-12)
    assert running.result().std == pytest.approx(rows.std(axis=0), rel=1e-6)


def test_statistics_merge_into_those_of_all_rows():
    parts, every = [], np.random.default_rng(0).normal(3.0, 2.0, (50, 2))
    for piece in np.split(every, [7]):
        running = RunningStatistics()
        running.update(piece)
        parts.append(running.result())
    merged = merge_statistics(parts)
    assert merged.count == 50 and merged.mean == pytest.approx(every.mean(axis=0))
    assert merged.std == pytest.approx(every.std(axis=0)) and merged.high.tolist() == every.max(axis=0).tolist()


def test_nothing_seen_is_an_error():
    with pytest.raises(ValueError, match="no rows"):
        RunningStatistics().result()


def test_plain_data_and_back():
    running = RunningStatistics()
    running.update(np.arange(6.0).reshape(3, 2))
    back = Statistics.from_dict(running.result().to_dict())
    assert back.to_dict() == running.result().to_dict()
