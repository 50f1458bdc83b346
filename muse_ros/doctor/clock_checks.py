"""Clocks: is this computer's synchronised and steady, and do the stamps of live topics fit it."""

from __future__ import annotations

from typing import Any

from muse_ros.doctor.machine import Machine
from muse_ros.doctor.synchronisation_checks import check_synchronised
from muse_ros.finding import Finding, Verdict

DRIFT_MS = 1.0  # of the system clock against the steady one in a second: more is a jump or a slewing clock
AHEAD_S, LATE_S = -0.005, 0.2
ELSEWHERE_S = 86400.0  # stamps this far off are on another time, such as /clock


def check_clock(machine: Machine) -> list[Finding]:
    """Synchronisation and steadiness of the system's clock."""
    return [check_synchronised(machine), _steady(machine)]


def check_stamps(heard: dict[str, Any]) -> Finding:
    """The stamps of live topics against this computer's clock."""
    lags = heard.get("lags_s", {})
    if not lags:
        return Finding("clock", "stamps of topics", Verdict.SKIP, "no stamped topic is live")
    here = {topic: lag for topic, lag in lags.items() if abs(lag) < ELSEWHERE_S}
    if not here:
        return Finding("clock", "stamps of topics", Verdict.OK, f"{len(lags)} topics, all on simulated time")
    ahead = {topic: lag for topic, lag in here.items() if lag < AHEAD_S}
    late = {topic: lag for topic, lag in here.items() if lag > LATE_S}
    if ahead:
        return Finding(
            "clock",
            "stamps of topics",
            Verdict.FAIL,
            f"from the future: {_listed(ahead)}",
            "synchronise the clocks of both computers: sudo apt-get install chrony, on each",
        )
    if late:
        return Finding(
            "clock",
            "stamps of topics",
            Verdict.WARN,
            f"older than {LATE_S:g} s when they arrive: {_listed(late)}",
            "synchronise both clocks (chrony); where they are, the source is slow: ros2 topic delay TOPIC",
        )
    return Finding(
        "clock", "stamps of topics", Verdict.OK, f"{len(here)} topics, at most {max(here.values()) * 1e3:.0f} ms old"
    )


def _listed(lags: dict[str, float]) -> str:
    worst = sorted(lags, key=lambda topic: -abs(lags[topic]))[:4]
    return ", ".join(f"{topic} {lags[topic]:+.3f} s" for topic in worst)


def _steady(machine: Machine) -> Finding:
    pairs = machine.clock_pairs(1.0)
    offsets = [system - steady for system, steady in pairs]
    drift_ms = (max(offsets) - min(offsets)) / 1e6
    found = f"system against steady clock over a second: {drift_ms:.3f} ms"
    if drift_ms > DRIFT_MS:
        return Finding(
            "clock",
            "steady",
            Verdict.WARN,
            found,
            "let the clock settle after a synchronisation: chronyc waitsync 30 0.001",
        )
    return Finding("clock", "steady", Verdict.OK, found)
