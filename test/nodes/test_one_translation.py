"""The law of one translation: what the policy node saw live is, byte for byte, what its recording converts to.

The simulated arm, the collect node and a policy with a real (untrained) checkpoint run an episode over DDS, in lockstep
on /clock and at 1x. The bag is then converted without ROS. At every tick that the node took, the dataset must hold the
very bytes that the node saw, and the same checkpoint, run over the dataset's rows, must give the very actions that it
gave live.
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
pytest.importorskip("muse_core.environments.panda.mujoco_gl")
pytest.importorskip("torch")

from rclpy.parameter import Parameter

from muse_core.checkpoints import save_checkpoint
from muse_core.configs import BCRNNConfig, TrainConfig
from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.policies.learned import LearnedPolicy
from muse_core.policies.untrained import untrained_checkpoint
from muse_ros.contract.contract import load_contract
from muse_ros.conversion import convert_cli
from muse_ros.nodes.policy import PolicyNode
from muse_ros.policy.loop import TickReport

ROOT = Path(__file__).parents[2]
EPISODE_S = 4.0
RUN = "import sys; from muse_ros.nodes.{node} import main; sys.exit(main())"


@dataclass
class Lived:
    """What one live episode left behind."""

    lockstep: bool
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


@pytest.fixture(params=["lockstep", "real time"])
def lived(request, ros, spin, wait_until, tmp_path) -> Lived:
    """One episode of an untrained policy on the simulated arm."""
    lockstep = request.param == "lockstep"
    contract = load_contract("panda_sim")
    config = TrainConfig(model=BCRNNConfig(hidden_size=64), device="cpu")
    checkpoint, recordings = tmp_path / "model.pt", tmp_path / "recordings"
    save_checkpoint(checkpoint, untrained_checkpoint(config, contract.spec(), contract.to_dict(), contract.rate_hz))

    parameters = {"model_file": str(checkpoint), "torch_threads": 1, "use_sim_time": lockstep}
    policy = PolicyNode(parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()])
    reports: list[TickReport] = []
    policy.on_tick.append(reports.append)
    policy.start()
    spin(policy)
    panda = start("panda", tmp_path / "panda.log", clock=lockstep, lockstep=lockstep, task="lift", seed=3)
    collect = start(
        "collect", tmp_path / "collect.log", use_sim_time=lockstep, contract="panda_sim", root_dir=recordings,
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
    return Lived(lockstep, reports, checkpoint, recordings)


def rows_of(dataset: EpisodeFolder) -> list[dict[str, np.ndarray]]:
    """Every row of every segment, in order."""
    arrays = [dataset.get_episode(i).arrays for i in range(len(dataset))]
    rows = [{key: a[key][t] for key in a} for a in arrays for t in range(len(a["stamp_ns"]))]
    return sorted(rows, key=lambda row: int(row["stamp_ns"]))


def test_a_live_episode_converts_to_the_bytes_that_the_policy_saw_and_to_its_actions(lived, tmp_path):
    output = tmp_path / "data"
    arguments = [str(lived.recordings), "-o", str(output), "--include", "failures", "--workers", "1"]
    assert convert_cli.main(arguments) == 0
    rows = rows_of(EpisodeFolder.open(output))
    acted = {report.tick.stamp_ns: report for report in lived.reports if report.action is not None}
    stamps = [int(row["stamp_ns"]) for row in rows]
    assert set(stamps) <= set(acted)
    if lived.lockstep:  # at 1x a busy machine may miss ticks; in lockstep nothing may be lost
        assert [report.reason for report in lived.reports if report.action is None] == []
        assert set(acted) - set(stamps) <= {max(acted)}, "only the last tick may be cut off by the episode's end"
        assert len(stamps) >= EPISODE_S * 10 - 2
    assert len(stamps) >= 2

    policy, replayed = LearnedPolicy.from_checkpoint(lived.checkpoint), {}
    for stamp in sorted(acted):  # every tick, also those that became no row: the policy remembers them
        replayed[stamp] = policy.act(acted[stamp].observation.arrays)["action"]
    policy.reset()
    unbroken = stamps == sorted(acted)[: len(stamps)]
    assert unbroken or not lived.lockstep
    for row in rows:
        report = acted[int(row["stamp_ns"])]
        for key in policy.observation_spec:
            live, converted = report.observation.arrays[key], np.asarray(row[key])
            assert live.dtype == converted.dtype and live.shape == converted.shape
            assert live.tobytes() == converted.tobytes(), f"{key} at {row['stamp_ns']}"
        recorded = np.asarray(row["action"]).tobytes()
        assert recorded == report.action.astype(np.float32).tobytes() == replayed[report.tick.stamp_ns].tobytes()
        if unbroken:
            assert policy.act({key: row[key] for key in policy.observation_spec})["action"].tobytes() == recorded
    for key in ("ee_position", "image"):
        assert any(row[key].tobytes() != rows[0][key].tobytes() for row in rows), "something must have moved"
