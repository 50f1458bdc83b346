"""A real arm behind a Polymetis server: is it there, is it the arm that Muse thinks it is, and is it quick and steady.

Only looks: the arm does not move. The measuring is :mod:`muse_ros.polymetis.examination`'s; here are the verdicts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from muse_ros.doctor.machine import Machine
from muse_ros.finding import Finding, Verdict

if TYPE_CHECKING:
    from muse_ros.polymetis.examination import ArmFacts, HandFacts

LOOKS_S, LOOKS_QUICKLY_S = 12.0, 1.0
HZ, HZ_SHORT = 1000, 20
"""Of the control loop; and so many cycles a second may be missing from it."""
GAP_MS, LOST_SHARE = 10.0, 0.01
ROUND_TRIP_MS, SLOWEST_MS = 2.0, 10.0
DRIFT_PPM = 100.0
PING = "ping -i 0.01 -c 500"


def check_arm(machine: Machine, robot_ip: str, robot_port: int, hand_port: int, quick: bool) -> list[Finding]:
    """Every finding about the arm's server at `robot_ip`, and about the hand's where `hand_port` is not 0.

    Args:
        machine: This computer.
        robot_ip: Address of the computer that runs the servers.
        robot_port: Of the arm's.
        hand_port: Of the hand's; 0: there is none.
        quick: Look for a second, not for twelve.
    """
    if not machine.has_package("grpc"):
        return [_finding("server", Verdict.FAIL, "grpcio is not installed", "pip install -e '.[polymetis]'")]
    from muse_ros.polymetis.arm_client import ArmClient
    from muse_ros.polymetis.examination import examine_arm, examine_hand
    from muse_ros.polymetis.hand_client import HandClient

    client = ArmClient(f"{robot_ip}:{robot_port}", timeout_s=2.0)
    findings = [check_way(machine, robot_ip)]
    findings += judge_arm(examine_arm(client, LOOKS_QUICKLY_S if quick else LOOKS_S))
    client.close()
    if hand_port:
        hand = HandClient(f"{robot_ip}:{hand_port}", timeout_s=2.0)
        findings.append(judge_hand(examine_hand(hand)))
        hand.close()
    return findings


def check_way(machine: Machine, robot_ip: str) -> Finding:
    """Which network card leads to the arm: no Wi-Fi, and no slow cable."""
    code, said = machine.run(["ip", "-o", "route", "get", robot_ip])
    device = re.search(r"\bdev (\S+)", said)
    if code or not device:
        return _finding("way", Verdict.SKIP, f"the route to {robot_ip} cannot be had")
    card = device[1]
    cable = "a cable of its own, from this computer's network card to the arm's computer or its switch"
    if machine.paths(f"/sys/class/net/{card}/wireless"):
        return _finding("way", Verdict.WARN, f"by {card}, which is Wi-Fi: set-points will be late", cable)
    speed = machine.read(f"/sys/class/net/{card}/speed") or ""
    if speed.isdigit() and int(speed) < 1000:
        return _finding("way", Verdict.WARN, f"by {card} at {speed} Mbit/s", cable)
    return _finding("way", Verdict.OK, f"by {card}" + (f" at {speed} Mbit/s" if speed.isdigit() else ""))


def judge_arm(facts: ArmFacts) -> list[Finding]:
    """The verdicts on what an arm's server said and did."""
    if facts.metadata_error is not None and facts.metadata_error.kind in ("unreachable", "late"):
        cure = "on the arm's computer: launch_robot.py robot_client=franka_hardware; a firewall? the address?"
        return [_finding("server", Verdict.FAIL, str(facts.metadata_error), cure)]
    if facts.metadata is None or not facts.advances:
        error = facts.metadata_error or facts.state_error
        found = str(error) if error else "the server's newest state stays the same: the arm's side is gone"
        cure = "on the arm's computer: look at launch_robot.py's output; in Desk: brakes open, FCI active, no error"
        return [_finding("arm", Verdict.FAIL, found, cure)]
    findings = [_version(facts), _kinematics(facts), _state(facts), _cycles(facts), _round_trip(facts), _clock(facts)]
    return [each for each in findings if each is not None]


def judge_hand(facts: HandFacts) -> Finding:
    """The verdict on what a hand's server said."""
    cure = "on the arm's computer: launch_gripper.py gripper=franka_hand; without a hand: --hand_port 0"
    if facts.state is None:
        return _finding("hand", Verdict.FAIL, str(facts.error), cure)
    if not facts.advances:
        return _finding("hand", Verdict.FAIL, "its state stays the same: the hand's side is gone", cure)
    widest = f" of {facts.metadata.max_width_m * 1e3:.0f} mm" if facts.metadata and facts.metadata.max_width_m else ""
    found = f"open by {facts.state.width_m * 1e3:.1f} mm{widest}"
    if facts.state.error_code:
        found, cure = f"{found}, error {facts.state.error_code}", "in Desk: home the hand"
        return _finding("hand", Verdict.WARN, found, cure)
    return _finding("hand", Verdict.OK, found + (", holds something" if facts.state.is_grasped else ""))


def _version(facts: ArmFacts) -> Finding:
    metadata = facts.metadata
    found = f"Polymetis {metadata.version or 'of a version that it does not say'}, {metadata.hz} Hz"
    if facts.controller_runs:
        found += "; a controller runs: somebody commands this arm"
    if metadata.hz != HZ:
        cure = f"Muse's controllers are made for {HZ} Hz: hz in the server's robot_client configuration"
        return _finding("server", Verdict.WARN, found, cure)
    return _finding("server", Verdict.OK, found)


def _kinematics(facts: ArmFacts) -> Finding:
    from muse_core.control.kinematics import PandaKinematics
    from muse_ros.polymetis.urdf_chain import SAME_ARM, UrdfError, largest_difference

    cure = "do not drive this arm with Muse: the safety filter would judge poses that it is not in"
    try:
        difference = largest_difference(facts.metadata.urdf, PandaKinematics(), facts.metadata.ee_link)
    except UrdfError as error:
        return _finding("kinematics", Verdict.FAIL, str(error), cure)
    found = f"Muse's and the server's URDF differ by {difference:.1e} m or rad at the most"
    if difference > SAME_ARM:
        return _finding("kinematics", Verdict.FAIL, found, cure)
    return _finding("kinematics", Verdict.OK, found)


def _state(facts: ArmFacts) -> Finding:
    angles = ", ".join(f"{each:+.2f}" for each in facts.newest.q)
    if facts.newest.error_code:
        cure = "in Desk: read the error, clear it, open the brakes; the server recovers by itself after some seconds"
        found = f"the arm reports an error ({facts.newest.error_code}); joints at {angles} rad"
        return _finding("arm", Verdict.FAIL, found, cure)
    return _finding("arm", Verdict.OK, f"joints at {angles} rad")


def _cycles(facts: ArmFacts) -> Finding | None:
    if len(facts.cycles_ns) < 10:
        return _finding("control loop", Verdict.WARN, "its stream of states brings nothing", "restart the server")
    from muse_ros.polymetis.examination import gaps_ms

    gaps, hz = gaps_ms(facts.cycles_ns), facts.metadata.hz
    rate = 1e3 / gaps.mean()
    lost = 1.0 - sum(facts.successes) / len(facts.successes)
    found = f"{rate:.0f} Hz, longest gap {gaps.max():.1f} ms, a cycle waits {max(facts.waits_ms):.2f} ms at the most"
    cure = "on the arm's computer: a real-time kernel, the performance governor, no other work (docs/real-panda.md)"
    if lost > LOST_SHARE:
        return _finding("control loop", Verdict.WARN, f"{found}; the arm missed {lost:.1%} of the torques", cure)
    if rate < hz - HZ_SHORT or gaps.max() > GAP_MS:
        return _finding("control loop", Verdict.WARN, found, cure)
    return _finding("control loop", Verdict.OK, found)


def _round_trip(facts: ArmFacts) -> Finding:
    from numpy import percentile

    p50, p99 = percentile(facts.round_trips_ms, [50, 99])
    found = f"{p50:.2f} ms (p50), {p99:.2f} ms (p99) to the server and back, {len(facts.round_trips_ms)} times"
    if p50 > ROUND_TRIP_MS or p99 > SLOWEST_MS:
        cure = f"a cable, no Wi-Fi, no load on either computer; to compare: {PING} ADDRESS"
        return _finding("round trip", Verdict.WARN, found, cure)
    return _finding("round trip", Verdict.OK, found)


def _clock(facts: ArmFacts) -> Finding | None:
    clock = facts.clock
    if not clock.known:
        return None
    drift = clock.drift_ppm
    found = f"the server's is {-clock.offset_ns * 1e-6:+.2f} ms ahead of ours, to {clock.error_ns * 1e-6:.2f} ms"
    found += "" if drift is None else f", and gains {-drift:+.0f} us a second"
    cure = "chrony on both computers (docs/real-panda.md); Muse maps the stamps, and follows what does not jump"
    if clock.jumps or (drift is not None and abs(drift) > DRIFT_PPM):
        jumped = f"; it was set {clock.jumps} times while we looked" if clock.jumps else ""
        return _finding("clock", Verdict.WARN, found + jumped, cure)
    return _finding("clock", Verdict.OK, found)


def _finding(name: str, verdict: Verdict, found: str, cure: str = "") -> Finding:
    return Finding("robot", name, verdict, found, "" if verdict in (Verdict.OK, Verdict.SKIP) else cure)
