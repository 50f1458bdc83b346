"""When simulated time waits, with ticks at 10 Hz and actions that take effect 40 ms after them."""

from muse_ros.arm.lockstep import Lockstep

MS = 1_000_000


def waits(lockstep, now_ms, start_ms=0, newest_ms=-1):
    tick_ns = lockstep.tick_to_wait_for(now_ms * MS, start_ms * MS, newest_ms * MS if newest_ms >= 0 else -1)
    return None if tick_ns is None else tick_ns // MS


def test_it_waits_40_ms_after_each_tick_and_nowhere_else():
    lockstep = Lockstep(10.0, 0.04)
    assert [now for now in range(1000, 1250, 10) if waits(lockstep, now) is not None] == [1040, 1140, 1240]
    assert waits(lockstep, 1040) == 1000


def test_an_action_stamped_at_the_tick_or_later_lets_it_go_on():
    lockstep = Lockstep(10.0, 0.04)
    assert waits(lockstep, 1040, newest_ms=900) == 1000
    assert waits(lockstep, 1040, newest_ms=1000) is None
    assert waits(lockstep, 1040, newest_ms=1020) is None


def test_ticks_before_the_episode_are_not_waited_for():
    lockstep = Lockstep(10.0, 0.04)
    assert waits(lockstep, 1040, start_ms=1001) is None
    assert waits(lockstep, 1040, start_ms=1000) == 1000


def test_after_giving_up_it_waits_again_when_a_newer_action_has_come():
    lockstep = Lockstep(10.0, 0.04)
    lockstep.give_up(1000 * MS)
    assert waits(lockstep, 1040, newest_ms=900) is None
    assert waits(lockstep, 1140, newest_ms=900) is None
    assert waits(lockstep, 1240, newest_ms=1110) == 1200


def test_after_giving_up_it_waits_again_in_the_next_episode():
    lockstep = Lockstep(10.0, 0.04)
    lockstep.give_up(1000 * MS)
    assert waits(lockstep, 2040, start_ms=1900) == 2000
