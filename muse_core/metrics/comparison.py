"""Two policies on the same trials: how much more often one succeeds, with an interval, and whether chance explains it.

Trials on the same seeds are pairs: what makes a seed hard makes it hard for both, and only the pairs that come out
differently tell the policies apart. Intervals of the two rates by themselves would be too wide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from muse_core.metrics.intervals import wilson_interval


@dataclass(frozen=True)
class PairedComparison:
    """What pairs of outcomes say.

    Attributes:
        trials: Pairs.
        both: Pairs in which both succeeded.
        first_only: Pairs in which only the first succeeded.
        second_only: Pairs in which only the second did.
        neither: Pairs in which neither did.
        difference: Success rate of the first minus that of the second.
        low: Lower end of the difference's interval.
        high: Upper end.
        p_value: McNemar's exact test that the two succeed equally often.
    """

    trials: int
    both: int
    first_only: int
    second_only: int
    neither: int
    difference: float
    low: float
    high: float
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def compare_paired(first: Sequence[bool], second: Sequence[bool], confidence: float = 0.95) -> PairedComparison:
    """Compare the outcomes of two policies on the same trials.

    Args:
        first: Whether the first policy succeeded, trial by trial.
        second: The same of the second policy, in the same order.
        confidence: Two-sided confidence level of the interval.

    Raises:
        ValueError: when the two are not equally long.
    """
    if len(first) != len(second):
        raise ValueError(f"paired outcomes must be equally many, got {len(first)} and {len(second)}")
    pairs = [(bool(a), bool(b)) for a, b in zip(first, second, strict=True)]
    counts = [pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))]
    trials, gained, lost = len(pairs), counts[1], counts[2]
    low, high = paired_interval(*counts, confidence)
    difference = (gained - lost) / trials if trials else 0.0
    return PairedComparison(trials, *counts, difference, low, high, mcnemar_exact(gained, lost))


def paired_interval(
    both: int, first_only: int, second_only: int, neither: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Interval of the difference of two success rates over pairs, first minus second.

    Method 10 of Newcombe, "Improved confidence intervals for the difference between binomial proportions based on
    paired data", Statistics in Medicine 17 (1998): Wilson's intervals of both rates, squared and added, less what the
    outcomes have in common. Sound for few trials and for rates near 0 or 1.

    Args:
        both: Pairs in which both succeeded.
        first_only: Pairs in which only the first did.
        second_only: Pairs in which only the second did.
        neither: Pairs in which neither did.
        confidence: Two-sided confidence level.

    Returns:
        Lower and upper end, both within [-1, 1]; (-1, 1) without pairs.

    Raises:
        ValueError: when a count is negative, or the confidence is not between 0 and 1.
    """
    counts = (both, first_only, second_only, neither)
    if min(counts) < 0:
        raise ValueError(f"counts of pairs must not be negative, got {counts}")
    trials = sum(counts)
    if not trials:
        return -1.0, 1.0
    first, second = both + first_only, both + second_only
    low1, high1 = (bound - first / trials for bound in wilson_interval(first, trials, confidence))
    low2, high2 = (bound - second / trials for bound in wilson_interval(second, trials, confidence))
    phi = _correlation(*counts)
    down, up = _combined(low1, high2, phi), _combined(high1, low2, phi)
    difference = (first_only - second_only) / trials
    return max(-1.0, difference - down), min(1.0, difference + up)


def mcnemar_exact(first_only: int, second_only: int) -> float:
    """Two-sided p-value that the pairs which came out differently fall on either side by a fair coin.

    McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", 1947, in its
    exact form: a binomial test of `first_only` out of ``first_only + second_only``.
    """
    different = first_only + second_only
    tail = sum(math.comb(different, k) for k in range(min(first_only, second_only) + 1))
    return min(1.0, 2 * tail / 2**different)


def _correlation(both: int, first_only: int, second_only: int, neither: int) -> float:
    """The phi coefficient of the pairs; a positive one is corrected for continuity, as method 10 has it."""
    first, second = both + first_only, both + second_only
    first_failed, second_failed = second_only + neither, first_only + neither
    scale = math.sqrt(first * first_failed * second * second_failed)
    if not scale:
        return 0.0
    product = both * neither - first_only * second_only
    if product > 0:
        product = max(0.0, product - (both + first_only + second_only + neither) / 2)
    return product / scale


def _combined(one: float, other: float, phi: float) -> float:
    """How far the difference may be off, where its parts may be off by `one` and `other`, of opposite signs."""
    return math.sqrt(max(0.0, one * one + 2 * phi * one * other + other * other))
