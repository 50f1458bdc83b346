"""Wilson's interval, against numbers worked out by hand with z = 1.959964."""

from __future__ import annotations

import pytest

from muse_core.metrics.intervals import wilson_interval


def test_ninety_of_a_hundred():
    # centre (0.9 + 0.0192073) / 1.0384146 = 0.885203
    # half   sqrt(0.0009 + 0.0000960365) * 1.959964 / 1.0384146 = 0.059568
    assert wilson_interval(90, 100) == pytest.approx((0.825634, 0.944771), abs=2e-6)


def test_eighteen_of_twenty():
    assert wilson_interval(18, 20) == pytest.approx((0.698966, 0.972132), abs=2e-5)


def test_all_and_none_keep_to_the_unit_interval_and_mirror_each_other():
    # all of n: low = 1 / (1 + z^2 / n), here 1 / (1 + 3.841459 / 10)
    assert wilson_interval(10, 10) == pytest.approx((0.722467, 1.0), abs=2e-6)
    low, high = wilson_interval(0, 10)
    assert (low, high) == (0.0, pytest.approx(0.277533, abs=2e-6))


def test_nothing_tried_says_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_a_higher_confidence_is_wider():
    narrow, wide = wilson_interval(5, 10, 0.8), wilson_interval(5, 10, 0.99)
    assert wide[0] < narrow[0] < 0.5 < narrow[1] < wide[1]


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="between 0 and trials = 3, got 4"):
        wilson_interval(4, 3)
