"""The table of the policy's timing, worked by hand."""

from __future__ import annotations

from types import SimpleNamespace

from muse_ros.rqt.timing import TICKS, PolicyTiming


def tick(episode: str = "a", inference: float = 0.010, period: float = 0.1, keys: tuple = ("q",)) -> SimpleNamespace:
    durations = {"wait": 0.020, "assembly": 0.001, "inference": inference, "publish": 0.0005, "period": period}
    counts = {"overruns": 1, "late_samples": 2, "dropped_actions": 3}
    return SimpleNamespace(episode_id=episode, keys=keys, **durations, **counts)


def rows(timing: PolicyTiming) -> dict[str, tuple[str, ...]]:
    return {stage: figures for stage, *figures in map(list, timing.rows())}


def test_stages_are_told_by_their_median_and_their_worst():
    timing = PolicyTiming()
    for inference in (0.010, 0.012, 0.050):
        timing.take(tick(inference=inference))
    assert rows(timing)["wait"] == ["20.0", "20.0", "20.0"]
    assert rows(timing)["inference"][0] == "12.0"
    assert rows(timing)["inference"][2] == "50.0"
    assert timing.counts() == "1 overruns, 2 late samples, 3 dropped actions"


def test_the_first_tick_has_no_period():
    timing = PolicyTiming()
    timing.take(tick(period=0.0))
    assert "period" not in rows(timing)
    timing.take(tick(period=0.1))
    assert rows(timing)["period"] == ["100.0", "100.0", "100.0"]


def test_another_episode_begins_anew_and_old_ticks_are_forgotten():
    timing = PolicyTiming()
    timing.take(tick("a", inference=1.0))
    timing.take(tick("b"))
    assert rows(timing)["inference"][2] == "10.0"
    timing.take(tick("b", inference=1.0))
    for _ in range(TICKS):
        timing.take(tick("b"))
    assert rows(timing)["inference"][2] == "10.0"


def test_waiting_for_an_episode_is_no_tick():
    timing = PolicyTiming()
    timing.take(tick(keys=()))
    assert (timing.rows(), timing.counts()) == ((), "")
