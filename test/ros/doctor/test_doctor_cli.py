"""``muse doctor`` as a command: its report, its exit code, and that it runs where next to nothing is installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from muse_ros.contract.contract import load_contract
from muse_ros.doctor import doctor_cli
from muse_ros.doctor.contract_checks import check_live, needed_rate, read_contract
from muse_ros.doctor.machine import Machine
from muse_ros.finding import Finding, Verdict, exit_code, text
from muse_ros.resources import resource

ROOT = Path(__file__).parents[3]


def test_the_report_has_a_line_for_each_finding_and_its_cure_below():
    findings = [
        Finding("disk", "free space", Verdict.OK, "60 GB"),
        Finding("disk", "rate", Verdict.FAIL, "1 MB/s", "another disk"),
        Finding("gpu", "gpu", Verdict.SKIP, "none"),
    ]
    assert text(findings, colour=False).splitlines() == [
        "disk",
        "  ok    free space  60 GB",
        "  FAIL  rate        1 MB/s",
        "                    -> another disk",
        "gpu",
        "  skip  gpu         none",
        "",
        "1 ok, 1 failed, 1 skipped",
    ]
    assert "\033[31mFAIL\033[0m" in text(findings, colour=True)
    assert (exit_code(findings), exit_code(findings[:1])) == (1, 0)


def test_a_healthy_machine_ends_with_0_and_a_failure_with_1(machine, capsys):
    healthy = machine(programs={"/venv/bin/python": (0, "2.13 12.8 True")})
    healthy.files |= {
        f"{folder}{path.name}": path.read_text().strip()
        for path in resource("msg").glob("*.msg")
        for folder in ("/ros/share/muse_ros/msg/", f"{path.parent}/")
    }
    assert doctor_cli.main(["--quick", "--contract", "panda"], healthy) == 0
    assert "failed" not in capsys.readouterr().out
    healthy.free = 0.5e9
    assert doctor_cli.main(["--quick", "--json"], healthy) == 1
    findings = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in findings if each["verdict"] == "fail"] == ["free space"]
    assert set(findings[0]) == {"area", "name", "verdict", "found", "cure"}


def test_a_check_that_breaks_is_a_finding_and_hides_no_other(machine, capsys):
    broken = machine()
    broken.kernel = lambda: 1 / 0
    doctor_cli.main(["--quick"], broken)
    said = capsys.readouterr().out
    assert "broke: ZeroDivisionError" in said and "receive buffer" in said


def test_what_recording_needs_is_added_up_from_the_contract():
    # two JPEG streams of 110 kB at 30 Hz; pose, twist, joints and wrench of 500 B at the contract's 100 Hz;
    # the action, which names no rate, at 1 kHz
    assert needed_rate(load_contract("panda")) == pytest.approx(2 * 110e3 * 30 + 4 * 500 * 100 + 500 * 1000)
    assert needed_rate(None) == 60e6


def test_the_live_graph_is_judged_stream_by_stream_by_muse_contract_check(machine):
    judged = [
        {"area": "observation", "name": "q", "verdict": "ok", "found": "100.0 Hz", "cure": ""},
        {"area": "action", "name": "action", "verdict": "fail", "found": "/action is not there", "cure": "start it"},
    ]
    command = "/venv/bin/python -m muse_ros.command contract check panda --json --namespace left"
    asked = machine(programs={command: (1, json.dumps(judged))})
    heard = {"topics": {"/left/panda/joint_states": "sensor_msgs/msg/JointState"}}
    assert check_live(asked, "panda", heard, "left") == [
        Finding("contract", "q", Verdict.OK, "100.0 Hz"),
        Finding("contract", "action", Verdict.FAIL, "/action is not there", "start it"),
    ]
    broken = machine(programs={"/venv/bin/python": (1, "Traceback\nRuntimeError: no middleware")})
    (finding,) = check_live(broken, "panda", heard, "")
    assert finding.found == "RuntimeError: no middleware" and finding.cure == "muse contract check panda --json"


def test_without_a_contract_or_live_topics_nothing_is_compared(machine):
    assert read_contract("panda")[1].verdict is Verdict.OK and read_contract("ufo")[1].verdict is Verdict.FAIL
    for name, heard in (("panda", {"error": "no ROS"}), ("panda", {"topics": {}}), ("", {"topics": {"/a": "T"}})):
        (finding,) = check_live(machine(), name, heard, "")
        assert finding.verdict is Verdict.SKIP


def test_a_real_disk_is_measured_and_left_as_it_was(tmp_path):
    assert Machine().write_rate(str(tmp_path / "not" / "yet"), 4 << 20) > 0
    assert list(tmp_path.iterdir()) == []


def test_it_runs_where_nothing_is_installed_and_says_what_is_missing(tmp_path):
    """In a Python without any package (``-S`` leaves site-packages out), outside of the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # which -S leaves in place
    program = "import sys; from muse_ros.command import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, "doctor", "--quick", "--json", "--contract", "panda"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 1, done.stderr
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert found["distribution"]["verdict"] == "fail" and found["OpenCV"]["verdict"] == "fail"
    assert found["base"]["found"].startswith("without numpy, yaml, rosbags")
    assert found["panda"]["verdict"] == "skip" and found["real time"]["verdict"] in ("ok", "warn")
