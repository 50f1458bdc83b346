"""What the doctor says of who keeps the clock, by what chrony, PTP and systemd print."""

import pytest

from muse_ros.doctor.synchronisation_checks import check_synchronised

CHRONY = """Reference ID    : C0A80114 (nuc.lab)
Stratum         : 3
System time     : 0.000400000 seconds {side} of NTP time
Last offset     : -0.000003111 seconds
RMS offset      : 0.000021000 seconds
Root delay      : {delay} seconds
Root dispersion : 0.000600000 seconds
Leap status     : Normal"""
PTP = {"/proc/7/comm": "ptp4l", "/proc/8/comm": "phc2sys"}
TIME_STATUS = "master_offset {offset}\n\tgmPresent {present}\n"
TIMESYNC = "Server: 91.189.91.157\n  Leap: normal\n  Offset: {offset}\n  Delay: 14.1ms\n  Jitter: 1.5ms"


@pytest.mark.parametrize(
    ("programs", "verdict", "said"),
    [
        ({"chronyc": (0, "Reference ID : A\nSystem time : 0.000012 seconds slow of NTP time")}, "ok", "0.000012 s"),
        ({"chronyc": (0, "Leap status     : Not synchronised")}, "warn", "no source yet"),
        ({"timedatectl show": (0, "yes")}, "ok", "timedatectl"),
        ({"timedatectl show": (0, "no")}, "warn", "several computers"),
        ({}, "skip", "neither chronyc nor timedatectl"),
    ],
)
def test_synchronisation_is_asked_of_chrony_then_of_timedatectl(machine, programs, verdict, said):
    finding = check_synchronised(machine(programs=programs))
    assert finding.verdict.value == verdict and said in finding.found


@pytest.mark.parametrize(("delay", "side", "verdict", "bound"), [
    ("0.002000000", "slow", "ok", "2.00 ms"),  # 0.4 + 0.6 + 2 / 2
    ("0.030000000", "fast", "warn", "16.00 ms"),  # 0.4 + 0.6 + 30 / 2: a server far away in the internet
])  # fmt: skip
def test_chronys_error_bound_is_its_offset_the_dispersion_and_half_the_delay(machine, delay, side, verdict, bound):
    programs = {"chronyc": (0, CHRONY.format(delay=delay, side=side))}
    finding = check_synchronised(machine(programs=programs))
    assert finding.verdict.value == verdict and f"nuc.lab is right to {bound}" in finding.found


def test_ptp_without_phc2sys_leaves_the_systems_clock_free(machine):
    finding = check_synchronised(machine(files={"/proc/7/comm": "ptp4l"}))
    assert finding.verdict.value == "warn" and "phc2sys" in finding.cure


@pytest.mark.parametrize(
    ("status", "verdict", "said"),
    [
        ((0, TIME_STATUS.format(offset=-1500, present="true")), "ok", "-1.5 us"),
        ((0, TIME_STATUS.format(offset=25_000_000, present="true")), "warn", "+25000.0 us"),
        ((0, TIME_STATUS.format(offset=0, present="false")), "ok", "gives the time"),
        ((1, "bind: permission denied"), "ok", "sudo pmc"),
    ],
)
def test_ptps_offset_is_its_masters(machine, status, verdict, said):
    finding = check_synchronised(machine(files=PTP, programs={"pmc -u -b 0 GET TIME_STATUS_NP": status}))
    assert finding.verdict.value == verdict and said in finding.found


@pytest.mark.parametrize(
    ("offset", "verdict"), [("-2.104ms", "ok"), ("+9.104ms", "warn"), ("1.2s", "warn"), ("3min 1.1s", "warn")]
)
def test_timesyncds_offset_and_jitter_may_not_be_more_than_ten_milliseconds(machine, offset, verdict):
    programs = {"timedatectl show": (0, "yes"), "timedatectl timesync-status": (0, TIMESYNC.format(offset=offset))}
    finding = check_synchronised(machine(programs=programs))
    assert finding.verdict.value == verdict and f"offset {offset}, jitter 1.5ms" in finding.found
