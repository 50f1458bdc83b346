"""The supervisor of `muse up`, with real child processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from muse_ros.launching import processes
from muse_ros.launching.processes import Program, Supervisor, describe_end

DEADLINE_S = 20.0
LIVES_ON = "import time\nprint('ready', flush=True)\ntime.sleep(60)"
IGNORES_INTERRUPT = "import signal, time\nsignal.signal(2, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(60)"


def python(name: str, code: str, **marks: bool) -> Program:
    return Program(name, (sys.executable, "-c", code), **marks)


def run(*programs: Program, act=None, when: str = "ready", count: int = 1) -> tuple[int, list[str]]:
    """Run programs; once `count` lines end in `when`, call `act` from another thread."""
    lines: list[str] = []
    seen = threading.Semaphore(0)

    def write(line: str) -> None:
        lines.append(line)
        if line.endswith(when):
            seen.release()

    def watch() -> None:
        if all(seen.acquire(timeout=DEADLINE_S) for _ in range(count)):
            act()

    if act is not None:
        threading.Thread(target=watch, daemon=True).start()
    return Supervisor(list(programs), os.environ, write).run(), lines


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_every_line_is_prefixed_with_its_process_and_aligned():
    status, lines = run(python("a", "print('one\\ntwo')"), python("longer", "pass"))
    assert status == 0
    assert [line for line in lines if line.startswith("[a]")] == ["[a]      one", "[a]      two"]


def test_a_last_line_without_newline_is_printed():
    _, lines = run(python("a", "print('half', end='')"))
    assert "[a] half" in lines


def test_the_end_of_a_required_process_stops_all_and_is_named_with_its_exit_code():
    status, lines = run(python("panda", "import sys; sys.exit(7)", required=True), python("teleop", LIVES_ON))
    assert status == 1
    assert any("panda ended with exit code 7; it is required, so everything stops" in line for line in lines)


def test_a_required_process_that_is_killed_is_named_with_the_signal():
    status, lines = run(python("panda", "import os; os.kill(os.getpid(), 9)", required=True))
    assert status == 1
    assert any("panda was killed by SIGKILL" in line for line in lines)


def test_how_to_have_back_what_is_not_required_is_said():
    _, lines = run(python("teleop", "import sys; sys.exit(3)", again="muse up teleop robot:=none"))
    assert any("the others go on. To have it back: muse up teleop robot:=none" in line for line in lines)


def test_the_others_go_on_when_a_process_that_is_not_required_ends():
    code = "import sys\nprint('still here')"
    status, lines = run(python("teleop", "import sys; sys.exit(3)"), python("other", code))
    assert any("teleop ended with exit code 3; the others go on" in line for line in lines)
    assert any("still here" in line for line in lines)
    assert status in (0, 1)


def test_the_process_that_finishes_ends_the_run_with_success():
    done = python("collect", "print('kept 5')", required=True, finishes=True)
    status, lines = run(done, python("panda", LIVES_ON, required=True))
    assert status == 0
    assert any(line.endswith("collect is done") for line in lines)


def test_the_process_that_should_finish_but_fails_makes_the_run_fail():
    failed = python("collect", "raise SystemExit(1)", required=True, finishes=True)
    status, _ = run(failed, python("panda", LIVES_ON, required=True))
    assert status == 1


def test_an_interrupt_stops_all_and_gives_status_130():
    status, lines = run(python("a", LIVES_ON), python("b", LIVES_ON), act=interrupt, count=2)
    assert status == 130
    assert sum("was killed by SIGINT" in line or "ended with" in line for line in lines) == 2


def test_a_process_that_ignores_the_interrupt_is_terminated_after_its_grace(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(processes.GRACE_S, signal.SIGINT, 0.2)
    status, lines = run(python("deaf", IGNORES_INTERRUPT), act=interrupt)
    assert status == 130
    assert any("still running: deaf; sending SIGTERM" in line for line in lines)
    assert any("deaf was killed by SIGTERM" in line for line in lines)


def test_what_stops_last_is_told_only_when_the_others_have_ended():
    slow = (
        "import signal\nsignal.signal(2, lambda *_: None)\nprint('ready', flush=True)\nsignal.pause()\nprint('closed')"
    )
    quick = (
        "import signal\nsignal.signal(2, lambda *_: None)\nprint('ready', flush=True)\nsignal.pause()\nprint('let go')"
    )
    status, lines = run(python("panda", quick, stops_last=True), python("collect", slow), act=interrupt, count=2)
    assert status == 130
    order = [line.split("] ")[1].strip() for line in lines if not line.endswith("ready")]
    assert order == [
        "stopping", "closed", "collect ended with exit code 0", "let go", "panda ended with exit code 0",
    ]  # fmt: skip


def test_a_hung_process_does_not_keep_the_last_ones_running(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(processes.GRACE_S, signal.SIGINT, 0.2)
    monkeypatch.setitem(processes.GRACE_S, signal.SIGTERM, 0.2)
    hung = IGNORES_INTERRUPT.replace("print", "signal.signal(15, signal.SIG_IGN)\nprint")
    _, lines = run(python("panda", LIVES_ON, stops_last=True), python("collect", hung), act=interrupt, count=2)
    said = "\n".join(lines)
    assert "still running: collect; sending SIGKILL" in said and "collect was killed by SIGKILL" in said
    assert said.index("collect was killed by SIGKILL") < said.index("panda was killed by SIGINT")


def test_a_second_interrupt_does_not_wait_for_the_grace(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(processes.GRACE_S, signal.SIGINT, float("inf"))
    lines: list[str] = []

    def write(line: str) -> None:
        lines.append(line)
        if line.endswith(("ready", "stopping")):
            interrupt()

    status = Supervisor([python("deaf", IGNORES_INTERRUPT)], os.environ, write).run()
    assert status == 130
    assert any("sending SIGTERM" in line for line in lines)


def test_a_program_that_does_not_exist_stops_the_others():
    status, lines = run(python("a", LIVES_ON), Program("b", ("/no/such/program",)))
    assert status == 1
    assert any("b could not be started" in line for line in lines)


def test_what_a_process_started_is_stopped_with_it():
    child = "import subprocess\np = subprocess.Popen(['sleep', '60'])\nprint(p.pid, 'ready', flush=True)\np.wait()"
    _, lines = run(python("a", child), act=interrupt)
    pid = int(lines[0].split()[-2])
    wait_for(lambda: not alive(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_children_do_not_outlive_a_supervisor_that_is_killed(tmp_path: Path):
    supervised = tmp_path / "pid"
    child = f"import os, time; open({str(supervised)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    script = textwrap.dedent(
        f"""
        import os, sys
        from muse_ros.launching.processes import Program, Supervisor
        Supervisor([Program("a", (sys.executable, "-c", {child!r}))], os.environ).run()
        """
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    try:
        wait_for(lambda: supervised.exists() and supervised.read_text())
    finally:
        supervisor.kill()
        supervisor.wait()
    wait_for(lambda: not alive(int(supervised.read_text())))


def test_an_end_is_described_in_words():
    assert describe_end(0) == "ended with exit code 0"
    assert describe_end(-11) == "was killed by SIGSEGV"


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for(condition) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
