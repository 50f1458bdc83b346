"""The graph `collect` with its real nodes, started by `muse up`: it collects, and it ends as one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

from muse_ros.arm.drivers.driver import DRIVERS
from muse_ros.launching import arguments
from muse_ros.nodes import teleop

START = "import sys; from muse_ros.command import main; sys.exit(main())"
DEADLINE_S = 60.0
LOOPBACK_DEADLINE_S = 180.0
"""In real time, with a few repeated episodes where the machine is busy."""


class Up:
    """A running `muse up`, with its output in a file."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.log = folder / "up.log"
        command = [sys.executable, "-c", START, "up", *arguments]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def pid_of(self, node: str) -> int:
        """Process id of the child that runs a node."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
                command = (stat.parent / "cmdline").read_text()
            except OSError:
                continue
            if parent == self.process.pid and f"muse_ros.nodes.{node} " in command:
                return int(stat.parent.name)
        return 0


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    running: list[Up] = []

    def start(*arguments: str) -> Up:
        running.append(Up(tmp_path, *arguments, f"root_dir:={tmp_path}", "session:=0815"))
        return running[-1]

    yield start
    for each in running:
        if each.process.poll() is None:
            each.process.terminate()
            each.process.wait(DEADLINE_S)


def test_every_device_and_every_robot_can_be_chosen_by_an_argument():
    assert {*arguments.DEVICES} == {"auto", *teleop.DEVICES}
    assert {*arguments.ROBOTS} == {"none", *DRIVERS}


def test_the_expert_fills_a_session_and_the_run_ends_by_itself(up: Callable[..., Up], tmp_path: Path):
    run = up("collect", "task:=reach", "teleop:=expert", "clock:=true", "episodes:=2", "seed:=7", "namespace:=left")
    assert run.process.wait(DEADLINE_S) == 0, run.output
    assert "collect is done" in run.output
    episodes = sorted(tmp_path.glob("0815/*/episode.json"))
    assert len(episodes) == 2
    assert all(json.loads(path.read_text())["session"] == "0815" for path in episodes)


def test_behind_a_server_on_loopback_the_run_is_the_same_in_real_time(up: Callable[..., Up], tmp_path: Path):
    pytest.importorskip("grpc")
    pytest.importorskip("torch")
    robot = ("robot:=polymetis", "loopback:=true", "namespace:=left")
    run = up("collect", *robot, "task:=reach", "teleop:=expert", "episodes:=1", "seed:=7", "max_episode_s:=8")
    assert run.process.wait(LOOPBACK_DEADLINE_S) == 0, run.output
    assert "collect is done" in run.output and "panda ended with exit code 0" in run.output
    (episode,) = tmp_path.glob("0815/*/episode.json")
    found = json.loads(episode.read_text())
    assert found["seed"] == 7 and found["outcome"] in ("success", "failure")
    assert found["topics"]["/left/panda/applied_action"]["count"] > 50


def test_the_death_of_the_arm_stops_all_and_is_named(up: Callable[..., Up], wait_until: Callable):
    run = up("collect", "teleop:=none")
    wait_until(lambda: "robot sim at 100 Hz" in run.output and "]: session" in run.output, DEADLINE_S, "the nodes")
    os.kill(run.pid_of("panda"), signal.SIGKILL)
    assert run.process.wait(DEADLINE_S) == 1, run.output
    assert "panda was killed by SIGKILL; it is required, so everything stops" in run.output
    assert "collect ended with exit code 0" in run.output


def test_a_device_that_dies_stops_nothing_and_ctrl_c_does(up: Callable[..., Up], wait_until: Callable):
    run = up("collect", "teleop:=expert")
    wait_until(
        lambda: "robot sim at 100 Hz" in run.output and "teleop by expert" in run.output, DEADLINE_S, "the nodes"
    )
    os.kill(run.pid_of("teleop"), signal.SIGKILL)
    wait_until(lambda: "teleop was killed by SIGKILL; the others go on" in run.output, DEADLINE_S, "the message")
    assert run.process.poll() is None
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(DEADLINE_S) == 130, run.output
    assert "panda ended with exit code 0" in run.output


def test_a_parameter_that_a_node_refuses_is_told_and_ends_the_run(up: Callable[..., Up]):
    run = up("collect", "teleop:=none", "contract:=no_such_contract")
    assert run.process.wait(DEADLINE_S) == 1
    assert "no_such_contract" in run.output
    assert "collect ended with exit code 1; it is required, so everything stops" in run.output
