"""One episode of the simulated expert, recorded once for the tests that play it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

START = "import sys; from muse_ros.command import main; sys.exit(main())"
DEADLINE_S = 90.0
SEED = 1


@pytest.fixture(scope="session")
def muse(dds_domain) -> Callable[..., subprocess.CompletedProcess]:
    """``muse("replay", ...)`` runs a command to its end."""

    def run(*arguments: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", START, *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=DEADLINE_S)

    return run


@pytest.fixture(scope="session")
def lift(muse, tmp_path_factory) -> Path:
    """A kept episode of a lift."""
    root = tmp_path_factory.mktemp("recordings")
    done = muse(
        "up", "collect", "task:=lift", "teleop:=expert", "window:=false", "clock:=true", "episodes:=1",
        f"seed:={SEED}", f"root_dir:={root}", "session:=x",
    )  # fmt: skip
    kept = [*(root / "x").glob("episode_*")]  # not the first where a busy machine lost messages: that is done again
    assert done.returncode == 0 and len(kept) == 1, done.stdout
    return kept[0]
