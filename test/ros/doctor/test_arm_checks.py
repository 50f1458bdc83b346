"""``muse doctor --robot_ip``: verdicts on an arm's server, by hand and against servers on loopback."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("grpc")

from muse_ros.doctor import doctor_cli
from muse_ros.doctor.arm_checks import check_arm, check_way, judge_arm, judge_hand
from muse_ros.finding import Verdict
from muse_ros.polymetis.arm_state import ArmState, RobotMetadata
from muse_ros.polymetis.errors import PolymetisError
from muse_ros.polymetis.examination import ArmFacts, HandFacts
from muse_ros.polymetis.hand_client import HandMetadata, HandState
from polymetis_servicer import ArmServicer, HandServicer, serving

MS = 1_000_000
SEVEN = np.zeros(7)
METADATA = RobotMetadata("<robot/>", 1000, SEVEN, SEVEN, SEVEN, "512_gabc", 7, "panda_link8")
STATE = ArmState(0, np.full(7, 0.25), SEVEN, SEVEN, SEVEN, 0, True, 0.4)


def facts(**changes) -> ArmFacts:
    """Of an arm that is well, but for its kinematics: the URDF is empty."""
    found = ArmFacts(METADATA, newest=STATE, advances=True, controller_runs=False)
    found.round_trips_ms = [0.4] * 95 + [1.5] * 5
    found.cycles_ns = [MS * number for number in range(2000)]
    found.waits_ms, found.successes = [0.4] * 2000, [True] * 2000
    for second in np.arange(0.0, 11.0, 0.01):  # the server is 5 ms ahead, and gains 20 us a second
        asked_ns = int(second * 1e9)
        ahead_ns = 5 * MS + int(second * 20_000)
        found.clock.note(asked_ns, asked_ns + 400_000, asked_ns + 200_000 - 500_000 + ahead_ns)
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def judged(found: ArmFacts) -> dict[str, tuple[Verdict, str, str]]:
    return {each.name: (each.verdict, each.found, each.cure) for each in judge_arm(found)}


def test_an_arm_that_is_well_is_described_in_figures():
    found = judged(facts())
    assert found["server"] == (Verdict.OK, "Polymetis 512_gabc, 1000 Hz", "")
    assert found["arm"][0] is Verdict.OK
    assert found["control loop"][:2] == (Verdict.OK, "1000 Hz, longest gap 1.0 ms, a cycle waits 0.40 ms at the most")
    assert found["round trip"][:2] == (Verdict.OK, "0.40 ms (p50), 1.50 ms (p99) to the server and back, 100 times")
    assert found["clock"][0] is Verdict.OK
    assert "+5.21 ms ahead of ours" in found["clock"][1]
    assert "gains +20 us a second" in found["clock"][1]


def test_an_arm_that_muse_does_not_know_must_not_be_driven():
    verdict, said, cure = judged(facts())["kinematics"]
    assert verdict is Verdict.FAIL
    assert "panda_link8" in said
    assert "do not drive" in cure


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({"metadata": replace(METADATA, hz=500)}, "server", "500 Hz"),
        ({"cycles_ns": [MS * number for number in [*range(1000), *range(1012, 2000)]]}, "control loop", "12|13"),
        ({"cycles_ns": [2 * MS * number for number in range(2000)]}, "control loop", "500 Hz"),
        ({"successes": [True] * 90 + [False] * 10}, "control loop", "10.0%"),
        ({"cycles_ns": []}, "control loop", "nothing"),
        ({"round_trips_ms": [3.0] * 100}, "round trip", "3.00 ms"),
        ({"round_trips_ms": [0.5] * 90 + [30.0] * 10}, "round trip", "30.00 ms"),
    ],
)
def test_what_is_slow_or_unsteady_is_named_with_its_cure(changes, name, words):
    verdict, said, cure = judged(facts(**changes))[name]
    assert verdict is Verdict.WARN
    assert any(word in said for word in words.split("|"))
    assert cure


def test_a_clock_that_was_set_or_runs_away_is_named():
    set_ahead = facts()
    for second in np.arange(11.0, 12.0, 0.01):
        asked_ns = int(second * 1e9)
        set_ahead.clock.note(asked_ns, asked_ns + 400_000, asked_ns + 1_000 * MS)
    verdict, said, _ = judged(set_ahead)["clock"]
    assert verdict is Verdict.WARN
    assert "was set 1 times" in said


def test_an_error_of_the_arm_is_a_failure_and_says_where_to_look():
    verdict, said, cure = judged(facts(newest=replace(STATE, error_code=1)))["arm"]
    assert verdict is Verdict.FAIL
    assert "reports an error" in said
    assert "Desk" in cure


@pytest.mark.parametrize(
    "changes",
    [
        {"advances": False},
        {"metadata": None, "metadata_error": PolymetisError("no_robot", "no robot client talks to the server")},
    ],
)
def test_a_server_without_its_arm_is_one_failure(changes):
    (finding,) = judge_arm(facts(**changes))
    assert (finding.name, finding.verdict) == ("arm", Verdict.FAIL)
    assert "brakes" in finding.cure


def test_the_hand_is_open_or_holds_or_is_gone():
    state, metadata = HandState(1, 0.0402, True, False, True, 0), HandMetadata("", 30, 0.08)
    well = judge_hand(HandFacts(metadata, state, None, True))
    assert (well.verdict, well.found) == (Verdict.OK, "open by 40.2 mm of 80 mm, holds something")
    assert judge_hand(HandFacts(metadata, state, None, False)).verdict is Verdict.FAIL
    assert judge_hand(HandFacts(metadata, replace(state, error_code=2), None, True)).verdict is Verdict.WARN
    gone = judge_hand(HandFacts(error=PolymetisError("unreachable", "cannot be reached")))
    assert (gone.verdict, gone.found) == (Verdict.FAIL, "cannot be reached")
    assert "--hand_port 0" in gone.cure


ROUTE = "172.16.0.1 dev {} src 172.16.0.5 uid 0"


@pytest.mark.parametrize(
    ("card", "files", "verdict"),
    [
        ("eth0", {"/sys/class/net/eth0/speed": "1000"}, Verdict.OK),
        ("eth0", {"/sys/class/net/eth0/speed": "100"}, Verdict.WARN),
        ("wlan0", {"/sys/class/net/wlan0/wireless": ""}, Verdict.WARN),
        ("lo", {}, Verdict.OK),
    ],
)
def test_the_way_to_the_arm_is_a_quick_cable(machine, card, files, verdict):
    found = check_way(
        machine(programs={"ip -o route get 172.16.0.1": (0, ROUTE.format(card))}, files=files), "172.16.0.1"
    )
    assert found.verdict is verdict
    assert card in found.found


def test_a_server_on_loopback_is_examined_and_nothing_of_it_is_moved(machine, capsys):
    arm, hand = ArmServicer(), HandServicer()
    with serving(arm) as arm_address, serving(hand) as hand_address:
        ports = (address.rpartition(":")[2] for address in (arm_address, hand_address))
        words = ["--quick", "--robot_ip", "127.0.0.1", "--robot_port", next(ports), "--hand_port", next(ports)]
        assert doctor_cli.main(words, machine(programs={"ip": (0, ROUTE.format("lo"))})) == 1  # its URDF is empty
    said = capsys.readouterr().out
    for line in ("ok    way", "ok    server", "FAIL  kinematics", "ok    hand", "round trip"):
        assert line in said
    assert (arm.set_archives, arm.updates, hand.commands) == ([], [], [])


def test_nobody_there_is_a_failure_with_the_address(machine):
    found = check_arm(machine(), "127.0.0.1", 1, 0, quick=True)
    assert [each.name for each in found] == ["way", "server"]
    assert found[1].verdict is Verdict.FAIL
    assert "127.0.0.1:1" in found[1].found


def test_without_grpc_it_says_what_to_install(machine):
    (found,) = check_arm(machine(missing={"grpc"}), "127.0.0.1", 1, 0, quick=True)
    assert "[polymetis]" in found.cure
