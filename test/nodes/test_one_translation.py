"""The law of one translation: what the policy node saw live is, byte for byte, what its recording converts to.

The simulated arm, the collect node and a policy with a real (untrained) checkpoint run an episode over DDS in lockstep
on /clock. The bag is then converted without ROS. At every tick that the node took, the dataset must hold the very bytes
that the node saw, and the same checkpoint, run over the dataset's rows, must give the very actions that it gave live.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")
pytest.importorskip("mujoco")
pytest.importorskip("torch")

from rclpy.parameter import Parameter

from muse_core.checkpoints import save_checkpoint
from muse_core.configs import BCRNNConfig, TrainConfig
from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.policies.learned import LearnedPolicy
from muse_core.policies.untrained import untrained_checkpoint
from muse_ros import convert_cli
from muse_ros.contract import load_contract
from muse_ros.nodes.policy import PolicyNode
from muse_ros.policy_loop import TickReport

ROOT = Path(__file__).parents[2]
EPISODE_S = 4.0
RUN = "import sys; from muse_ros.nodes.{node} import main; sys.exit(main())"


@dataclass
class Lived:
    """What one live episode left behind."""

    reports: list[TickReport]
    checkpoint: Path
    recordings: Path


def start(node: str, log: Path, **parameters) -> subprocess.Popen:
    """A node as a process of its own, with these parameters over those of its file."""
    arguments = ["--ros-args", "--params-file", str(ROOT / f"config/nodes/{node}.yaml")]
    for name, value in parameters.items():
        arguments += ["-p", f"{name}:={str(value).lower() if isinstance(value, bool) else value}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    with log.open("w") as output:
        command = [sys.executable, "-c", RUN.format(node=node), *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)


@pytest.fixture
def lived(ros, spin, wait_until, tmp_path) -> Lived:
    """One episode of an untrained policy on the simulated arm."""
    contract = load_contract("panda_sim")
    config = TrainConfig(model=BCRNNConfig(hidden_size=64), device="cpu")
    checkpoint, recordings = tmp_path / "model.pt", tmp_path / "recordings"
    save_checkpoint(checkpoint, untrained_checkpoint(config, contract.spec(), contract.to_dict(), contract.rate_hz))

    parameters = {"model_file": str(checkpoint), "torch_threads": 1, "use_sim_time": True}
    policy = PolicyNode(parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()])
    reports: list[TickReport] = []
    policy.on_tick.append(reports.append)
    policy.start()
    spin(policy)
    panda = start("panda", tmp_path / "panda.log", clock=True, lockstep=True, task="lift", seed=3)
    collect = start(
        "collect", tmp_path / "collect.log", use_sim_time=True, contract="panda_sim", root_dir=recordings,
        session="live", task="lift", seed=3, auto_episodes=1, max_episode_s=EPISODE_S, source="action/policy",
    )  # fmt: skip
    try:
        wait_until(lambda: collect.poll() is not None or panda.poll() is not None, 120, "the episode")
        assert collect.poll() == 0, (tmp_path / "collect.log").read_text() + (tmp_path / "panda.log").read_text()
    finally:
        for process in (panda, collect):
            process.terminate()
            process.wait(20)
        policy.executor.shutdown()
        policy.close()
        policy.destroy_node()
    return Lived(reports, checkpoint, recordings)


def test_a_live_episode_converts_to_the_bytes_that_the_policy_saw_and_to_its_actions(lived, tmp_path):
    output = tmp_path / "data"
    arguments = [str(lived.recordings), "-o", str(output), "--include", "failures", "--workers", "1"]
    assert convert_cli.main(arguments) == 0
    dataset = EpisodeFolder.open(output)
    assert len(dataset) == 1, "the episode must not have been split"
    arrays = dataset.episode(0).arrays

    acted = {report.tick.stamp_ns: report for report in lived.reports if report.action is not None}
    assert [report.reason for report in lived.reports if report.action is None] == []
    stamps = arrays["stamp_ns"].tolist()
    assert set(stamps) <= set(acted)
    assert set(acted) - set(stamps) <= {max(acted)}, "only the last tick may have been cut off by the episode's end"
    assert len(stamps) >= EPISODE_S * 10 - 2

    policy = LearnedPolicy.from_checkpoint(lived.checkpoint)
    for row, stamp in enumerate(stamps):
        report = acted[stamp]
        for key in policy.observation_spec:
            live, converted = report.observation.arrays[key], np.asarray(arrays[key][row])
            assert live.dtype == converted.dtype and live.shape == converted.shape
            assert live.tobytes() == converted.tobytes(), f"{key} at row {row}"
        offline = policy.act({key: arrays[key][row] for key in policy.observation_spec})["action"]
        recorded = np.asarray(arrays["action"][row])
        assert offline.tobytes() == recorded.tobytes() == report.action.astype(np.float32).tobytes()
    assert all((arrays[key][1:] != arrays[key][:-1]).any() for key in ("ee_position", "image")), "something moved"
