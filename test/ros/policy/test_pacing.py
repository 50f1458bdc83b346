"""Ticks lie on whole multiples of the period; what is missed is counted and skipped."""

from __future__ import annotations

from muse_ros.policy.pacing import Pacer, Tick

MS = 1_000_000


def test_the_first_tick_is_the_first_whole_multiple_at_or_after_the_start():
    assert Pacer(10.0, 1_230 * MS).next(1_230 * MS) == Tick(0, 1_300 * MS, 0)
    assert Pacer(10.0, 1_300 * MS).next(1_300 * MS) == Tick(0, 1_300 * MS, 0)


def test_ticks_follow_one_another_by_a_period_however_late_each_is_taken():
    pacer = Pacer(10.0, 0)
    assert [pacer.next(now * MS).stamp_ns // MS for now in (0, 30, 190, 290)] == [0, 100, 200, 300]


def test_a_caller_that_took_too_long_skips_to_the_newest_due_tick_and_counts_the_missed_ones():
    pacer = Pacer(10.0, 0)
    pacer.next(0)
    assert pacer.next(350 * MS) == Tick(3, 300 * MS, 2)
    assert pacer.next(360 * MS) == Tick(4, 400 * MS, 0)


def test_being_late_by_less_than_a_period_misses_nothing():
    pacer = Pacer(10.0, 0)
    pacer.next(0)
    assert pacer.next(199 * MS) == Tick(1, 100 * MS, 0)


def test_a_rate_without_a_whole_period_does_not_drift_over_a_day():
    pacer = Pacer(30.0, 0)
    day_ns = 86_400 * 1_000_000_000
    assert pacer.next(day_ns).stamp_ns == day_ns
    assert pacer.next(day_ns).stamp_ns == day_ns + 33_333_333
