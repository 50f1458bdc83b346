"""The server's clock against ours, from stamps whose true offset the test knows."""

from __future__ import annotations

import numpy as np
import pytest

from muse_ros.polymetis.server_clock import ServerClock

MS = 1_000_000
OFFSET_NS = 3_000_000_000  # ours less theirs


def exchange(clock, at_ns, rng, *, offset_ns=OFFSET_NS, out_ms=0.2, back_ms=0.2, late=0.0, age_ms=None):
    """One question at `at_ns` by our clock, over a network whose delays are sometimes ten times as long."""
    out, back = (value * (10 if rng.random() < late else 1) * rng.uniform(1, 1.5) for value in (out_ms, back_ms))
    age = rng.uniform(0.1, 1.1) if age_ms is None else age_ms
    measured_ns = at_ns + out * MS - age * MS
    clock.note(int(at_ns), int(at_ns + (out + back) * MS), int(measured_ns - offset_ns))


def run(clock, seconds, *, begin_s=0.0, seed=0, drift_ppm=0.0, **options):
    rng = np.random.default_rng(seed)
    offset_ns = options.pop("offset_ns", OFFSET_NS)
    for second in np.arange(begin_s, begin_s + seconds, 0.004):
        exchange(clock, second * 1e9, rng, offset_ns=offset_ns + second * drift_ppm * 1e3, **options)
    return clock


def test_one_exchange_is_the_middle_between_asking_and_receiving_less_half_a_cycle():
    clock = ServerClock(cycle_s=0.002)
    clock.note(10 * MS, 14 * MS, 5 * MS)
    # taken at 12 ms of ours if the answer was fresh, at 10 ms if it was a cycle old: 5 ms of theirs is 11 ms of ours
    assert clock.offset_ns == 6 * MS
    assert clock.error_ns == 3 * MS  # half of the round trip, half of the cycle
    assert clock.to_ours(20 * MS) == 26 * MS


def test_nothing_is_known_before_a_state():
    clock = ServerClock()
    assert not clock.known
    with pytest.raises(ValueError, match="before a state"):
        clock.to_ours(0)


@pytest.mark.parametrize("late", [0.0, 0.5])
def test_the_offset_is_right_to_within_the_error_that_it_admits(late):
    clock = run(ServerClock(), 5.0, late=late)
    assert clock.error_ns < 1 * MS
    assert abs(clock.offset_ns - OFFSET_NS) <= clock.error_ns
    assert clock.jumps == 0


def test_a_way_that_is_longer_there_than_back_stays_within_the_error():
    for out_ms, back_ms in ((2.0, 0.1), (0.1, 2.0)):
        clock = run(ServerClock(), 5.0, out_ms=out_ms, back_ms=back_ms)
        assert abs(clock.offset_ns - OFFSET_NS) <= clock.error_ns


def test_drift_is_measured_and_followed():
    clock = ServerClock()
    assert clock.drift_ppm is None
    run(clock, 30.0, drift_ppm=50.0)
    assert clock.drift_ppm == pytest.approx(50.0, abs=5.0)
    assert abs(clock.offset_ns - (OFFSET_NS + 30 * 50_000)) <= clock.error_ns + 2.5 * 50_000
    assert clock.jumps == 0


@pytest.mark.parametrize("jump_ms", [-400, 400])
def test_a_clock_that_was_set_is_noticed_and_found_again(jump_ms):
    clock = run(ServerClock(), 3.0)
    run(clock, 1.0, begin_s=3.0, offset_ns=OFFSET_NS + jump_ms * MS)
    assert clock.jumps == 1
    assert abs(clock.offset_ns - (OFFSET_NS + jump_ms * MS)) <= clock.error_ns


def test_an_arm_whose_states_came_late_for_a_while_did_not_set_a_clock():
    clock = run(ServerClock(), 3.0)
    rng = np.random.default_rng(1)
    for number in range(20):  # a slow network: asked, and answered with a state that was old already
        exchange(clock, 3e9 + number * 4e6, rng, age_ms=60.0)
    run(clock, 1.0, begin_s=3.1)
    assert clock.jumps == 0
    assert abs(clock.offset_ns - OFFSET_NS) <= clock.error_ns


def test_our_clock_set_during_a_call_is_no_measurement():
    clock = run(ServerClock(), 1.0)
    before = clock.offset_ns
    clock.note(2_000 * MS, 1_500 * MS, 0)
    assert (clock.offset_ns, clock.jumps) == (before, 0)
