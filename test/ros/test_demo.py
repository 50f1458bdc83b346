"""The command ``muse demo``: its stages, and how it is stopped. The stages themselves are tested elsewhere."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from muse_ros import demo

ORDERLY = """
import pathlib, signal, sys, time
ready, ended = map(pathlib.Path, sys.argv[1:])
def end(*_):
    time.sleep(0.6)
    ended.write_text("in good order")
    sys.exit(0)
signal.signal(signal.SIGINT, end)
ready.touch()
time.sleep(60)
"""


def interrupt_when(path: Path) -> threading.Thread:
    """Send this process a SIGINT once `path` exists."""

    def wait() -> None:
        while not path.exists():
            threading.Event().wait(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_an_interrupted_stage_is_given_the_time_to_end_in_good_order(tmp_path: Path):
    ready, ended = tmp_path / "ready", tmp_path / "ended"
    before = signal.getsignal(signal.SIGINT)  # a background job may have been started with it ignored
    thread = interrupt_when(ready)
    result = demo.run_stage([sys.executable, "-c", ORDERLY, str(ready), str(ended)])
    thread.join()
    assert result == (0, signal.SIGINT)
    assert ended.read_text() == "in good order"
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("answers", "status", "stages"),
    [
        ([(0, None), (1, None)], 1, 2),
        ([(0, signal.SIGINT)], 130, 1),
        ([(0, None), (demo.SOME_REFUSED, None), (130, None)], 1, 3),
    ],
)
def test_a_stage_that_fails_or_is_stopped_ends_the_demo(monkeypatch, capsys, answers, status, stages):
    commands = []
    monkeypatch.setattr(demo, "run_stage", lambda command: commands.append(command) or answers[len(commands) - 1])
    assert demo.main(["--task", "reach", "--minutes", "1"]) == status
    assert len(commands) == stages
    assert "muse demo: " in capsys.readouterr().out


def stages(monkeypatch, *arguments: str) -> list[str]:
    """The commands of the demo's stages, as texts."""
    commands = []
    monkeypatch.setattr(demo, "run_stage", lambda command: commands.append(" ".join(command)) or (0, None))
    monkeypatch.setattr(demo, "_report", lambda *_: 0)
    assert demo.main(["--task", "lift", *arguments]) == 0
    return commands


def test_behind_a_server_the_demo_runs_in_real_time_with_fewer_demonstrations(monkeypatch):
    collect, _, _, evaluate = stages(monkeypatch, "--robot", "polymetis")
    for command in (collect, evaluate):
        assert "robot:=polymetis loopback:=true" in command and "clock:=true" not in command
    assert "episodes:=50" in collect
    assert "episodes:=150" in stages(monkeypatch)[0] and "clock:=true" in stages(monkeypatch)[0]
    assert "episodes:=70" in stages(monkeypatch, "--robot", "polymetis", "--demonstrations", "70")[0]
