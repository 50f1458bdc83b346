"""Paired comparisons, against the examples of the papers and numbers worked out by hand."""

from __future__ import annotations

import pytest

from muse_core.metrics.comparison import compare_paired, mcnemar_exact, paired_interval


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # Newcombe 1998, table of examples, method 10
        ((36, 12, 2, 0), (0.0569, 0.3404)),
        ((20, 12, 2, 16), (0.0562, 0.3292)),
        # Bentur et al. 2009 as in Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014)
        ((1, 1, 7, 12), (-0.507, -0.026)),
    ],
)
def test_published_examples_are_reproduced(counts, expected):
    digits = 1e-3 if abs(expected[0]) > 0.5 else 1e-4
    assert paired_interval(*counts) == pytest.approx(expected, abs=0.6 * digits)


def test_the_interval_by_hand():
    # 10 pairs, 6 both, 2 first only, 2 neither: rates 0.8 and 0.6. Wilson's intervals with z^2 / 10 = 0.384146 and
    # 1 + z^2 / 10 = 1.384146 are (0.8 + 0.192073 -+ sqrt(3.841459 (0.016 + 0.0096036))) / 1.384146
    #   = (0.490162, 0.943318) and (0.6 + 0.192073 -+ sqrt(3.841459 (0.024 + 0.0096036))) / 1.384146
    #   = (0.312674, 0.831820)
    # phi: 6 * 2 - 2 * 0 = 12, less 10 / 2 = 7, over sqrt(8 * 2 * 6 * 4) = 19.5959: 0.357217
    # down: 0.309838 and 0.231820: sqrt(0.096000 + 0.053740 - 2 * 0.357217 * 0.071827) = 0.313726
    # up:   0.143318 and 0.287326: sqrt(0.020540 + 0.082556 - 2 * 0.357217 * 0.041179) = 0.271433
    assert paired_interval(6, 2, 0, 2) == pytest.approx((0.2 - 0.313726, 0.2 + 0.271433), abs=2e-5)


def test_exchanging_the_policies_mirrors_the_interval():
    low, high = paired_interval(5, 9, 3, 20)
    assert paired_interval(5, 3, 9, 20) == pytest.approx((-high, -low))


def test_pairs_narrow_the_interval_where_outcomes_go_together():
    low, high = paired_interval(40, 10, 0, 50)
    independent_low, independent_high = paired_interval(20, 30, 20, 30)
    assert high - low < independent_high - independent_low


def test_extremes_stay_within_bounds():
    assert paired_interval(0, 30, 0, 0) == (pytest.approx(0.8395, abs=1e-4), 1.0)
    low, high = paired_interval(50, 0, 0, 0)
    assert low == -high < 0
    assert paired_interval(0, 0, 0, 0) == (-1.0, 1.0)


def test_mcnemars_exact_test_is_a_binomial_test_by_a_fair_coin():
    assert mcnemar_exact(1, 7) == pytest.approx(2 * (1 + 8) / 256)
    assert mcnemar_exact(7, 1) == mcnemar_exact(1, 7)
    assert mcnemar_exact(0, 6) == pytest.approx(2 / 64)
    assert mcnemar_exact(3, 3) == 1.0
    assert mcnemar_exact(0, 0) == 1.0


def test_outcomes_are_compared_trial_by_trial():
    found = compare_paired([True, True, True, False], [True, False, False, False])
    assert (found.both, found.first_only, found.second_only, found.neither) == (1, 2, 0, 1)
    assert (found.trials, found.difference, found.p_value) == (4, 0.5, 0.5)
    assert (found.low, found.high) == paired_interval(1, 2, 0, 1)
    assert found.to_dict()["first_only"] == 2


def test_what_cannot_be_paired_is_refused():
    with pytest.raises(ValueError, match="equally many, got 1 and 2"):
        compare_paired([True], [True, False])
    with pytest.raises(ValueError, match="must not be negative"):
        paired_interval(-1, 2, 3, 4)
    with pytest.raises(ValueError, match="confidence must be between 0 and 1"):
        paired_interval(1, 2, 3, 4, confidence=95)
