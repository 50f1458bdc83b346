"""What keeps this computer's clock: chrony, PTP or systemd-timesyncd, how far off it is, and how far it may be.

Two computers that record one robot stamp with two clocks. Here is the half of it that one computer can tell by itself;
the other half, what the stamps of live topics say, is in ``muse_ros.doctor.clock_checks``.
"""

from __future__ import annotations

import re

from muse_ros.doctor.machine import Machine
from muse_ros.finding import Finding, Verdict

MAY_BE_OFF_S = 0.010
"""A tenth of a 10 Hz tick: an age limit or a latency of the contract that is off by more teaches the wrong pairs."""
INSTALL = "sudo apt-get install chrony   # on each computer; then: chronyc tracking"
NEARER = "take a time server of your own network: docs/real-panda.md, Clocks"
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}


def check_synchronised(machine: Machine) -> Finding:
    """Which service keeps the clock, and the largest error it admits."""
    running = {machine.read(path) for path in machine.paths("/proc/[0-9]*/comm")}
    if "ptp4l" in running:
        return _ptp(machine, running)
    code, said = machine.run(["chronyc", "tracking"])
    if code == 0:
        return _chrony(said)
    code, said = machine.run(["timedatectl", "show", "-p", "NTPSynchronized", "--value"])
    if code:
        return _finding(Verdict.SKIP, "neither chronyc nor timedatectl can say", INSTALL)
    if said != "yes":
        return _finding(Verdict.WARN, "no: stamps of several computers will not fit", INSTALL)
    code, said = machine.run(["timedatectl", "timesync-status"])
    return _timesyncd(said) if code == 0 else _finding(Verdict.OK, "by timedatectl's account")


def _chrony(said: str) -> Finding:
    """The verdict on ``chronyc tracking``; the bound is the one that chrony's manual gives."""
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in said.splitlines())}
    if "Not synchronised" in said:
        return _finding(Verdict.WARN, "chrony runs and has no source yet", "chronyc sources")
    offset_s, delay_s, spread_s = (
        _number(fields.get(name, "")) for name in ("System time", "Root delay", "Root dispersion")
    )
    source = re.search(r"\((.+)\)", fields.get("Reference ID", ""))
    found = f"by chrony, {fields.get('System time') or 'offset unknown'}"
    if delay_s is None or spread_s is None:
        return _finding(Verdict.OK, found)
    may_be_off_s = abs(offset_s or 0.0) + spread_s + delay_s / 2
    found += f"; {source[1] if source else 'its source'} is right to {may_be_off_s * 1e3:.2f} ms seen from here"
    return _judged(may_be_off_s, found)


def _ptp(machine: Machine, running: set[str | None]) -> Finding:
    """The verdict on ptp4l, which disciplines a network card, and phc2sys, which carries that to the system's clock."""
    if "phc2sys" not in running:
        cure = "sudo systemctl enable --now phc2sys@ptp4l   # ptp4l alone sets the network card's clock only"
        return _finding(Verdict.WARN, "ptp4l runs without phc2sys: the system's clock is free", cure)
    code, said = machine.run(["pmc", "-u", "-b", "0", "GET TIME_STATUS_NP"])
    offset_ns = re.search(r"master_offset\s+(-?\d+)", said) if code == 0 else None
    if offset_ns is None:
        return _finding(
            Verdict.OK, "by ptp4l and phc2sys; the offset is for root: sudo pmc -u -b 0 'GET TIME_STATUS_NP'"
        )
    if not re.search(r"gmPresent\s+true", said):
        return _finding(Verdict.OK, "by ptp4l and phc2sys: this computer gives the time, or hears no other that does")
    return _judged(abs(int(offset_ns[1])) * 1e-9, f"by ptp4l and phc2sys, {int(offset_ns[1]) * 1e-3:+.1f} us")


def _timesyncd(said: str) -> Finding:
    """The verdict on ``timedatectl timesync-status``."""
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in said.splitlines())}
    offset_s, jitter_s = _number(fields.get("Offset", "")), _number(fields.get("Jitter", ""))
    if offset_s is None:
        return _finding(Verdict.OK, "by timedatectl's account")
    found = f"by systemd-timesyncd, offset {fields['Offset']}, jitter {fields.get('Jitter', 'unknown')}"
    return _judged(abs(offset_s) + (jitter_s or 0.0), f"{found}; chrony keeps two computers closer")


def _judged(may_be_off_s: float, found: str) -> Finding:
    if may_be_off_s > MAY_BE_OFF_S:
        return _finding(Verdict.WARN, f"{found}: more than {MAY_BE_OFF_S * 1e3:g} ms is in doubt", NEARER)
    return _finding(Verdict.OK, found)


def _finding(verdict: Verdict, found: str, cure: str = "") -> Finding:
    return Finding("clock", "synchronised", verdict, found, cure)


def _number(text: str) -> float | None:
    """The first quantity of time in a text [s], such as ``-1.204ms`` or ``0.000012 seconds slow``; None without one."""
    match = re.match(r"([+-]?\d+(?:\.\d+)?)\s*(us|min|ms|s|h)", text)
    return float(match[1]) * SECONDS[match[2]] if match else None
