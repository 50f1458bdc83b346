"""Latencies are added up from the stamps of a recording as one would by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from muse_ros.policy.latency import STAGES, Distribution, LatencyLog, figures, table


def stamp(time_s: float) -> SimpleNamespace:
    nanoseconds = round(time_s * 1e9)
    return SimpleNamespace(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def status(tick_s: float, tick: int = 0, period: float = 0.0, state: int = 2) -> SimpleNamespace:
    return SimpleNamespace(
        state=state, header=SimpleNamespace(stamp=stamp(tick_s)), tick=tick, period=period,
        keys=["q", "image", "ego_image"], ages=[0.001, 0.01, 0.03],
        sample_stamps=[stamp(tick_s - age) for age in (0.001, 0.01, 0.03)],
        wait=0.02, assembly=0.002, inference=0.003, publish=0.001,
    )  # fmt: skip


def applied(at_s: float, action_s: float, source: str = "policy") -> SimpleNamespace:
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp(at_s)), action_stamp=stamp(action_s), source=source)


@pytest.fixture
def log() -> LatencyLog:
    return LatencyLog(10.0, frozenset({"image", "ego_image"}))


def test_the_stages_of_one_tick_add_up_to_the_way_from_the_oldest_camera_to_the_arm(log):
    log.status(status(5.0))
    log.applied(applied(5.042, 5.0))
    log.applied(applied(5.032, 5.0))
    log.applied(applied(5.052, 5.0))
    stages = log.stages()
    assert stages["camera_age"].p50 == pytest.approx(0.03)
    assert stages["camera_to_action"].p50 == pytest.approx(0.03 + 0.026)
    assert stages["apply"].p50 == pytest.approx(0.032 - 0.026)
    assert stages["camera_to_applied"].p50 == pytest.approx(0.03 + 0.032)


def test_transport_is_from_stamp_to_reception(log):
    log.camera(1_000_000_000, 1_004_000_000)
    assert log.stages()["camera_transport"].p50 == pytest.approx(0.004)


def test_the_overhead_is_that_of_the_ticks_own_slowest_picture_and_leaves_waits_and_network_out(log):
    log.status(status(5.0))
    log.applied(applied(5.032, 5.0))
    log.camera(4_990_000_000, 4_995_000_000)  # image, 5 ms
    log.camera(4_970_000_000, 4_978_000_000)  # ego_image, 8 ms
    log.camera(4_800_000_000, 4_900_000_000)  # a picture that this tick did not use
    assert log.stages()["overhead"].p50 == pytest.approx(0.008 + 0.002 + 0.001 + 0.006)


def test_the_deviation_of_the_period_has_no_sign_and_leaves_the_first_tick_out(log):
    for number, period in enumerate((0.0, 0.098, 0.103)):
        log.status(status(5.0 + number, number, period))
    found = log.stages()["period_deviation"]
    assert found.count == 2 and found.largest == pytest.approx(0.003) and found.p50 == pytest.approx(0.0025)


def test_ticks_that_did_not_act_and_actions_of_others_do_not_count(log):
    log.status(status(5.0, state=4))
    log.applied(applied(5.03, 5.0, source="teleop"))
    assert all(found.count == 0 for found in log.stages().values())


def test_a_stage_without_measurements_is_none_in_the_figures_and_printable(log):
    stages = log.stages()
    assert figures(stages)["apply"] == {"count": 0, "p50": None, "p95": None, "p99": None, "largest": None}
    assert len(table(stages).splitlines()) == 1 + len(STAGES)


def test_percentiles_of_a_hundred_values():
    found = Distribution.of(i / 1000 for i in range(101))
    assert (found.count, found.p50, found.p95, found.largest) == (101, 0.05, pytest.approx(0.095), 0.1)
    assert found.in_ms() == "50.0/95.0/99.0/100.0"
    assert math.isnan(Distribution.of([]).p50)
