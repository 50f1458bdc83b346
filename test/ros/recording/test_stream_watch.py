"""The figures of one stream, and what is said of it, by numbers worked by hand."""

import math

import pytest

from muse_ros.recording.health import Health
from muse_ros.recording.stream_watch import Expected, Level, StreamWatch

MS = 1_000_000
S = 1000 * MS


def watch(max_age_s=0.1, rate_hz=100.0, slack_s=0.1, judge_lag=True):
    return StreamWatch(Expected("/pose", "", max_age_s, rate_hz), slack_s, judge_lag)


def feed(made, first_ms, last_ms, step_ms, lag_ms=2):
    """Messages stamped every `step_ms` from `first_ms` to before `last_ms`."""
    for time_ms in range(first_ms, last_ms, step_ms):
        made.arrived(time_ms * MS, (time_ms + lag_ms) * MS)
    return made


def test_rate_age_and_lag_are_of_the_last_second():
    figures = feed(watch(), 0, 2001, 100, lag_ms=5).figures(2250 * MS)
    assert (figures.rate_hz, figures.age_s, figures.lag_s) == (8.0, 0.25, 0.005)  # 1300 .. 2000


def test_before_the_first_message_the_age_is_infinite():
    assert watch().figures(S).age_s == math.inf


def test_a_stream_as_the_contract_wants_it_is_well():
    assert feed(watch(), 1, 3000, 10).trouble(3 * S) == (Level.OK, "")


def test_a_stream_at_half_its_rate_is_said_within_half_a_second():
    made = feed(watch(), 1, 3000, 10)
    feed(made, 3001, 3200, 20)
    assert made.trouble(3200 * MS)[0] is Level.OK  # 80 + 10 = 90 in the last second
    feed(made, 3201, 3440, 20)
    assert made.trouble(3440 * MS) == (Level.DEGRADED, "/pose: 78 Hz, the contract wants 100 Hz")


def test_a_stream_that_has_just_come_is_not_judged_by_its_rate():
    assert feed(watch(), 1, 500, 10).trouble(500 * MS) == (Level.OK, "")


def test_a_stream_without_a_rate_is_not_judged_by_it():
    assert feed(watch(max_age_s=1.0, rate_hz=0.0), 1, 3000, 300).trouble(3 * S) == (Level.OK, "")


@pytest.mark.parametrize(("max_age_s", "after_ms"), [(0.1, 201), (2.0, 351)])
def test_a_stream_that_stops_is_missing_before_half_a_second_is_over(max_age_s, after_ms):
    made = feed(watch(max_age_s), 0, 2001, 10)
    assert made.trouble((2000 + after_ms - 1) * MS)[0] is not Level.MISSING
    assert made.trouble((2000 + after_ms) * MS)[0] is Level.MISSING


def test_stamps_that_jump_against_reception_are_said_though_they_stay_fresh():
    made = feed(watch(), 1, 1000, 10, lag_ms=2)
    made.begin()
    feed(made, 1001, 1400, 10, lag_ms=62)
    level, problem = made.trouble(1450 * MS)
    assert level is Level.DEGRADED
    assert "it was 2 ms, now it is 62 ms" in problem


def test_a_change_of_lag_within_the_tolerance_is_none():
    made = feed(watch(), 1, 1000, 10, lag_ms=2)
    made.begin()
    assert feed(made, 1001, 1400, 10, lag_ms=52).trouble(1450 * MS) == (Level.OK, "")


def test_one_late_delivery_is_no_jump():
    made = feed(watch(), 1, 1000, 10)
    made.begin()
    made.arrived(1001 * MS, 1080 * MS)
    assert feed(made, 1081, 1400, 10).trouble(1400 * MS) == (Level.OK, "")


def test_on_a_simulated_clock_the_lag_is_not_judged():
    made = feed(watch(judge_lag=False), 1, 1000, 10)
    made.begin()
    assert feed(made, 1001, 1400, 10, lag_ms=62).trouble(1450 * MS) == (Level.OK, "")


def test_losses_in_the_last_second_are_said_and_a_single_one_is_not():
    made = feed(watch(), 1, 2000, 10)
    made.arrived(2001 * MS, 2003 * MS, lost=1)
    assert made.trouble(2003 * MS)[0] is Level.OK
    made.arrived(2011 * MS, 2013 * MS, lost=9)
    assert made.trouble(2013 * MS) == (Level.DEGRADED, "/pose: 10 messages were lost in the last second")
    feed(made, 2021, 3100, 10)
    assert made.trouble(3100 * MS)[0] is Level.OK


def test_gaps_and_losses_are_those_of_the_episode():
    made = feed(watch(), 0, 1000, 10)
    made.arrived(1500 * MS, 1502 * MS, lost=51)
    made.begin()
    feed(made, 1510, 1600, 10)
    made.arrived(1630 * MS, 1632 * MS, lost=3)
    figures = made.figures(1640 * MS)
    assert (figures.largest_gap_s, figures.received, figures.lost) == (0.04, 10, 3)
    assert made.figures(1700 * MS).largest_gap_s == pytest.approx(0.07)  # the gap that is still open counts
    made.end(1640 * MS)
    made.arrived(5 * S, 5 * S, lost=100)
    assert (made.figures(6 * S).largest_gap_s, made.figures(6 * S).lost) == (0.04, 3)


def test_an_episode_falls_short_beyond_the_allowed_share_of_losses():
    made = watch()
    made.begin()
    feed(made, 10, 2000, 10)  # 199 arrive
    made.arrived(2000 * MS, 2000 * MS, lost=1)  # 200 of 201: 0.4975 %
    assert made.shortcomings(2000 * MS, 0.005) == []
    made.arrived(2010 * MS, 2010 * MS, lost=1)
    assert made.shortcomings(2010 * MS, 0.005) == ["/pose: 2 of 203 messages lost (1.0 %, 0.5 % allowed)"]


def test_an_episode_falls_short_by_a_gap_in_which_no_observation_could_be_made():
    made = watch(max_age_s=0.1)
    made.begin()
    for time_ms in (0, 100, 200, 310):
        made.arrived(time_ms * MS, time_ms * MS)
    assert made.shortcomings(310 * MS, 0.005) == ["/pose: a gap of 0.11 s, 0.1 s allowed"]


def test_actions_may_pause():
    made = watch(max_age_s=None, rate_hz=0.0)
    made.begin()
    made.arrived(S, S)
    made.arrived(9 * S, 9 * S)
    assert made.trouble(60 * S) == (Level.OK, "") and made.shortcomings(60 * S, 0.005) == []


def test_a_source_that_says_no_heartbeat_any_more_is_missing_before_half_a_second_is_over():
    made = StreamWatch(Expected("/action/teleop", "", None, heartbeat=True), 0.1, judge_lag=True)
    made.begin()
    for time_ms in range(0, 1001, 20):
        made.arrived(S, time_ms * MS)  # its last action, repeated
    assert made.trouble(1300 * MS) == (Level.OK, "")
    level, problem = made.trouble(1301 * MS)
    assert level is Level.MISSING and problem.startswith("/action/teleop: no heartbeat for 0.30 s: its node hangs")
    made.arrived(S, 1310 * MS)
    assert made.trouble(1320 * MS) == (Level.OK, "")


@pytest.mark.parametrize("judge_lag, counting", [(False, True), (True, False)])
def test_no_heartbeat_is_missed_on_a_simulated_clock_or_between_episodes(judge_lag, counting):
    made = StreamWatch(Expected("/action/teleop", "", None, heartbeat=True), 0.1, judge_lag)
    if counting:
        made.begin()
    made.arrived(S, S)
    assert made.trouble(9 * S) == (Level.OK, "")


def test_nonsense_stamps_neither_fill_the_memory_nor_end_the_audit():
    made = watch()
    made.arrived(10**18, S)
    feed(made, 1010, 100_000, 10)
    assert len(made._receptions) <= 101
    assert made.trouble(100 * S) == (Level.OK, "")


def test_every_stream_is_listed_with_its_level():
    made = Health([Expected("/pose", "", 0.1, 100.0), Expected("/image", "", 0.2)])
    made.see_graph({"/pose": ("a/msg/B",)})
    made.arrived("/pose", 990 * MS, 990 * MS)
    pose, image = made.streams(S)
    assert (pose.level, pose.problem, pose.figures.age_s) == (Level.OK, "", 0.01)
    assert image.level is Level.MISSING and "nobody publishes" in image.problem
