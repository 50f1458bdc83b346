"""Alarms begin once and end once; the clock is watched, too."""

from muse_ros.recording.alarms import AlarmBook, ClockWatch, EpisodeAlarms
from muse_ros.recording.health import Health

S = 1_000_000_000


def test_an_alarm_begins_once_however_long_it_stands():
    book = AlarmBook()
    assert book.look({"/pose": "0.3 s old", "/image": ""}, 10.0) == (("0.3 s old",), ())
    assert book.look({"/pose": "0.4 s old", "/image": ""}, 10.1) == ((), ())
    assert book.standing == ("0.4 s old",)


def test_an_alarm_ends_half_a_second_after_its_last_trouble():
    book = AlarmBook()
    book.look({"/pose": "old"}, 10.0)
    assert book.look({"/pose": ""}, 10.4) == ((), ())
    assert book.look({"/pose": ""}, 10.5) == ((), ("/pose",))
    assert book.standing == ()


def test_trouble_that_flickers_is_one_alarm():
    book = AlarmBook()
    begun = [book.look({"/pose": "slow" if tenth % 4 == 0 else ""}, tenth / 10)[0] for tenth in range(20)]
    assert sum(map(len, begun)) == 1


def test_a_new_episode_has_no_alarms_of_the_last_one():
    book = AlarmBook()
    book.look({"/pose": "old"}, 10.0)
    book.clear()
    assert book.look({"/pose": "old"}, 10.1) == (("old",), ())


def test_a_simulated_clock_that_stands_still_is_said_and_one_that_runs_fast_is_not():
    clock = ClockWatch(simulated=True)
    assert clock.look(5 * S, 1.0) == clock.look(50 * S, 1.3) == clock.look(50 * S, 1.6) == ""
    assert clock.look(50 * S, 1.7).startswith("/clock has stood still for 0.4 s")
    assert clock.look(51 * S, 1.8) == ""


def test_a_simulated_clock_that_goes_back_is_said():
    clock = ClockWatch(simulated=True)
    clock.look(5 * S, 1.0)
    assert clock.look(2 * S, 1.1) == "/clock jumped back by 3.000 s"


def test_a_simulated_clock_that_jumps_an_hour_ahead_is_said_and_one_that_nobody_looked_at_is_not():
    watch = ClockWatch(simulated=True)
    assert watch.look(100 * S, 1.0) == ""
    assert watch.look(3700 * S, 1.05) == "/clock jumped ahead by 3600.000 s"
    assert watch.look(3800 * S, 2.05) == ""  # 100 s in one second: the recorder was away


def test_an_episode_in_which_the_clock_jumped_is_degraded_and_the_next_is_not():
    health = Health([], judge_lag=False)
    alarms = EpisodeAlarms(health, ClockWatch(simulated=True), abort=False)
    for now_ns in (50 * S, 50 * S - 1):
        health.begin_episode()
        alarms.begin()
        alarms.look(100 * S, 1.0)
        alarms.look(now_ns + 50 * S, 1.05)
    assert health.shortcomings(0) == ("/clock jumped back by 0.000 s",)
    health.end_episode(0)
    alarms.look(3 * S, 1.1)
    health.begin_episode()
    assert health.shortcomings(0) == ()


def test_a_clock_that_stands_still_degrades_nothing():
    health = Health([], judge_lag=False)
    alarms = EpisodeAlarms(health, ClockWatch(simulated=True), abort=False)
    health.begin_episode()
    alarms.look(100 * S, 1.0)
    assert alarms.look(100 * S, 2.0).begun and health.shortcomings(0) == ()


def test_a_real_clock_that_is_set_is_said_with_the_jump():
    clock = ClockWatch(simulated=False)
    assert clock.look(100 * S, 1.0) == clock.look(101 * S + 40_000_000, 2.0) == ""
    assert clock.look(104 * S, 3.0) == "this machine's clock jumped by 2.000 s since the episode began"
    clock.begin()
    assert clock.look(105 * S, 4.0) == ""
