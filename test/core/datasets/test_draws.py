"""Random numbers by position."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.datasets.draws import integers, normal, uniform


def test_numbers_depend_on_the_position_and_not_on_the_batch():
    together = uniform(1, "a", np.arange(10), 3)
    apart = np.concatenate([uniform(1, "a", [n], 3) for n in range(10)])
    assert np.array_equal(together, apart)


def test_seed_purpose_and_position_all_matter():
    first = uniform(1, "a", [5], 4)
    for other in (uniform(2, "a", [5], 4), uniform(1, "b", [5], 4), uniform(1, "a", [6], 4)):
        assert not np.intersect1d(first, other).size


def test_uniform_numbers_fill_the_unit_interval_evenly():
    numbers = uniform(0, "a", np.arange(20000), 5)
    assert numbers.min() >= 0 and numbers.max() < 1
    assert np.histogram(numbers, 10, (0, 1))[0] == pytest.approx(10000, abs=500)  # standard error 95
    assert np.abs(np.corrcoef(numbers.T) - np.eye(5)).max() < 0.04
    assert abs(np.corrcoef(numbers[1:, 0], numbers[:-1, 0])[0, 1]) < 0.04


def test_normal_numbers_have_mean_0_and_deviation_1():
    numbers = normal(0, "a", np.arange(20000), 3)
    assert numbers.shape == (20000, 3) and np.isfinite(numbers).all()
    assert numbers.mean() == pytest.approx(0, abs=0.02) and numbers.std() == pytest.approx(1, abs=0.02)
    assert (np.abs(numbers) < 1).mean() == pytest.approx(0.6827, abs=0.01)


def test_whole_numbers_stay_below_their_size():
    numbers = integers(0, "a", np.arange(3000), np.tile([1, 2, 3], 1000)).reshape(1000, 3)
    assert [sorted(set(column)) for column in numbers.T] == [[0], [0, 1], [0, 1, 2]]
