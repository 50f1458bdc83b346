"""The summary of a run counts what happened and measures between ticks that follow one another."""

from __future__ import annotations

import numpy as np
import pytest

from muse_ros.policy.loop import TickReport
from muse_ros.policy.outcomes import Hold, State
from muse_ros.policy.pacing import Tick
from muse_ros.policy.summary import PolicySummary

MS = 1_000_000


def report(number: int, wait_s: float, missed: int = 0, state=State.ACTING, hold=None, dropped: int = 0) -> TickReport:
    tick, action = Tick(number, number * 100 * MS, missed), np.zeros(7) if state is State.ACTING else None
    inference_s = 0.0 if hold is Hold.STALE else 0.003
    return TickReport(tick, None, action, "", wait_s, 0.002, inference_s, state, hold, dropped)


def test_the_period_runs_from_start_to_start():
    summary = PolicySummary()
    summary.begin()
    assert summary.add(report(17_000_000_000, 0.020), 0.001, 0.1) == 0.0
    assert summary.add(report(17_000_000_001, 0.023), 0.001, 0.1) == pytest.approx(0.103, abs=1e-9)
    assert list(summary.deviations) == pytest.approx([0.003])


def test_a_gap_of_missed_ticks_counts_as_overruns_and_not_as_jitter():
    summary = PolicySummary()
    summary.begin()
    summary.add(report(0, 0.02), 0.001, 0.1)
    assert summary.add(report(3, 0.05, missed=2), 0.001, 0.1) == pytest.approx(0.33)
    assert summary.overruns == 2 and not summary.deviations


def test_what_went_wrong_is_counted_by_kind_and_stages_only_where_there_were_any():
    summary = PolicySummary()
    summary.begin()
    summary.add(report(0, 0.02, state=State.WAITING, hold=Hold.STALE), 0.0, 0.1)
    for number in (1, 2):
        summary.add(report(number, 0.02, state=State.HOLDING, hold=Hold.LATE, dropped=3), 0.0, 0.1)
    summary.add(report(3, 0.02, state=State.HOLDING, hold=Hold.STALE, dropped=5), 0.0, 0.1)
    summary.add(report(4, 0.02, state=State.TAKEN_OVER, dropped=5), 0.0, 0.1)
    summary.add(report(5, 0.02, state=State.STOPPED, hold=Hold.FAILED, dropped=5), 0.0, 0.1)
    summary.add(report(6, 0.02, state=State.STOPPED, dropped=5), 0.0, 0.1)
    assert summary.holds == {"late inference": 2, "stale observation": 1} and summary.stops == {"policy failed": 1}
    assert (summary.ticks, summary.waits, summary.taken_over, summary.dropped) == (7, 1, 1, 5)
    assert [len(summary.stages[stage]) for stage in ("wait", "inference", "publish")] == [6, 4, 0]
    assert summary.text().endswith(
        "0 overruns, 5 dropped, 3 holds (2 late inference, 1 stale observation), waited for 1, taken over for 1, "
        "1 stops (1 policy failed)"
    )


def test_a_new_run_starts_its_own_statistics_and_the_session_goes_on():
    summary = PolicySummary()
    for _ in range(2):
        summary.begin()
        assert summary.add(report(5, 0.02), 0.001, 0.1) == 0.0
    assert summary.of_run().ticks == 1 and summary.ticks == 2


def test_the_text_names_rate_stages_and_counts_and_survives_an_empty_run():
    summary = PolicySummary()
    assert summary.text() == "no ticks"
    summary.begin()
    for number in range(3):
        summary.add(report(number, 0.02), 0.001, 0.1)
    assert summary.text() == (
        "3 ticks, 10.00 Hz, jitter 0.0/0.0/0.0/0.0 ms, wait 20.0/20.0/20.0/20.0, assembly 2.0/2.0/2.0/2.0, "
        "inference 3.0/3.0/3.0/3.0, publish 1.0/1.0/1.0/1.0 ms (p50/p95/p99/max); 0 overruns, 0 dropped, 0 holds"
    )
