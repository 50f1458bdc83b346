"""Ticks are whole multiples of the period, to the nanosecond, also where the period is no whole number of them."""

import pytest

from muse_ros.contract.ticks import tick_at_or_after, tick_index_at_or_after, tick_ns, ticks_between


def test_a_stamp_on_a_tick_is_that_tick():
    assert tick_at_or_after(1_760_000_000_300_000_000, 10.0) == 1_760_000_000_300_000_000


def test_a_nanosecond_later_belongs_to_the_next_tick():
    assert tick_at_or_after(1_760_000_000_300_000_001, 10.0) == 1_760_000_000_400_000_000


def test_thirds_of_a_second_do_not_drift():
    assert [tick_ns(index, 30.0) for index in (0, 1, 2, 3, 30)] == [0, 33_333_333, 66_666_666, 100_000_000, 10**9]


def test_both_ends_of_an_interval_belong_to_it():
    assert ticks_between(100, 300_000_000, 10.0) == [100_000_000, 200_000_000, 300_000_000]
    assert ticks_between(0, 0, 10.0) == [0]
    assert ticks_between(1, 2, 10.0) == []


@pytest.mark.parametrize("rate_hz", [0.5, 7.0, 10.0, 15.0, 29.97, 30.0, 1000.0])
def test_every_tick_finds_itself(rate_hz):
    for index in (0, 1, 12_345, 52_800_000_007):
        assert tick_index_at_or_after(tick_ns(index, rate_hz), rate_hz) == index
