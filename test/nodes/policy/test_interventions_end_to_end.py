"""DAgger from end to end: a policy on the simulated arm is taken over, the bag converts row by row, and trains.

The real graph at 1x: the panda and the collect node as processes, the policy node with an untrained checkpoint, and an
operator who publishes actions at 50 Hz with the deadman held for a while.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")
pytest.importorskip("torch")
pytest.importorskip("tyro")
pytest.importorskip("tensorboard")

from rclpy.parameter import Parameter

from muse_core.checkpoints import load_checkpoint, save_checkpoint
from muse_core.configs import BCRNNConfig, TrainConfig
from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.policies.untrained import untrained_checkpoint
from muse_core.trainers.train import main as train
from muse_ros.bags.bags import open_bag
from muse_ros.bridge import ACTION_QOS, STATUS_QOS, time_message
from muse_ros.contract.contract import load_contract
from muse_ros.contract.message_fields import time_ns
from muse_ros.conversion import convert_cli
from muse_ros.conversion.recordings import find_recordings
from muse_ros.msg import Action, EpisodeStatus, PolicyStatus
from muse_ros.nodes.policy import PolicyNode

ROOT = Path(__file__).parents[3]
RUN = "import sys; from muse_ros.nodes.{node} import main; sys.exit(main())"
PERIOD_NS = 100_000_000
TELEOP, POLICY = 255, 253


def start(node: str, log: Path, **parameters) -> subprocess.Popen:
    """A node as a process of its own, with these parameters over those of its file."""
    arguments = ["--ros-args", "--params-file", str(ROOT / f"config/nodes/{node}.yaml")]
    for name, value in parameters.items():
        arguments += ["-p", f"{name}:={str(value).lower() if isinstance(value, bool) else value}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    with log.open("w") as output:
        command = [sys.executable, "-c", RUN.format(node=node), *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)


class Operator:
    """Sends 1 mm along y at 50 Hz with the deadman held from 1 s to 2 s of the episode, and nothing else."""

    def __init__(self, node):
        self._publisher = node.create_publisher(Action, "action/teleop", ACTION_QOS)
        self._start_ns, self._ended = None, threading.Event()
        node.create_subscription(EpisodeStatus, "collect/status", self._hear, STATUS_QOS)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _hear(self, status):
        if status.state == EpisodeStatus.RECORDING:
            self._start_ns = time_ns(status.start)

    def _run(self):
        while not self._ended.wait(0.02):
            now_ns, start_ns = time.time_ns(), self._start_ns
            held = start_ns is not None and 1.0 <= (now_ns - start_ns) * 1e-9 < 2.0
            values = [0.0, 0.001, 0, 0, 0, 0, 1.0] if held else []
            message = Action(action_space="ee_delta", values=values, period=0.02, source=Action.TELEOP, deadman=held)
            message.header.stamp, message.header.frame_id = time_message(now_ns), "panda_link0"
            self._publisher.publish(message)

    def close(self):
        self._ended.set()
        self._thread.join()


@pytest.fixture
def recordings(ros, make_node, spin, wait_until, tmp_path) -> Path:
    """One taken-over episode of 3 s."""
    contract = load_contract("panda_sim")
    config = TrainConfig(model=BCRNNConfig(hidden_size=32), device="cpu")
    save_checkpoint(
        tmp_path / "model.pt", untrained_checkpoint(config, contract.spec(), contract.to_dict(), contract.rate_hz)
    )
    parameters = {"model_file": str(tmp_path / "model.pt"), "torch_threads": 1}
    policy = PolicyNode(parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()])
    policy.start()
    spin(policy)
    operator = Operator(spin(make_node("operator")))
    panda = start("panda", tmp_path / "panda.log", task="lift", seed=3)
    collect = start(
        "collect", tmp_path / "collect.log", contract="panda_sim", root_dir=tmp_path / "recordings", session="dagger",
        task="lift", seed=3, auto_episodes=1, max_episode_s=3.0, source="action/policy",
    )  # fmt: skip
    try:
        wait_until(lambda: collect.poll() is not None or panda.poll() is not None, 120, "the episode")
        assert collect.poll() == 0, (tmp_path / "collect.log").read_text() + (tmp_path / "panda.log").read_text()
    finally:
        operator.close()
        for process in (panda, collect):
            process.terminate()
            process.wait(20)
        policy.executor.shutdown()
        policy.close()
        policy.destroy_node()
    return tmp_path / "recordings"


def recorded(recordings: Path, topic: str) -> list:
    """Every message of a topic, straight from the bag, in the order of stamps; what is latched comes once."""
    kept = [each for each in find_recordings([recordings]) if each.kind == "kept"]  # gaps are discarded and repeated
    bag = open_bag(kept[0].path)
    codec = bag.codec([topic])
    found = {}
    for _, type_name, data, _ in bag.messages([topic]):
        message = codec.parse(type_name, data)
        found.setdefault((time_ns(message.header.stamp), str(getattr(message, "event", ""))), message)
    return [found[key] for key in sorted(found)]


def convert(recordings: Path, output: Path, *more: str) -> EpisodeFolder:
    arguments = [str(recordings), "-o", str(output), "--include", "failures", "--workers", "1", *more]
    assert convert_cli.main(arguments) == 0
    return EpisodeFolder.open(output)


def test_an_intervention_is_recorded_converted_and_learnt_from(recordings, tmp_path):
    dataset = convert(recordings, tmp_path / "data")
    arrays = [dataset.get_episode(i).arrays for i in range(len(dataset))]
    keys = ("stamp_ns", "action", "policy_type")
    rows = [(int(s), v, t.item()) for a in arrays for s, v, t in zip(*(a[key] for key in keys), strict=True)]
    followed = [m for m in recorded(recordings, "/action") if len(m.values)]
    actions = [(time_ns(m.header.stamp), str(m.source), np.array(m.values)) for m in followed]
    types = [kind for _, _, kind in rows]
    assert types.count(TELEOP) >= 3 and types[0] == types[-1] == POLICY
    switches = np.concatenate([a["policy_switch"].ravel() for a in arrays])
    changes = [place for place in range(1, len(types)) if types[place] != types[place - 1]]
    assert np.flatnonzero(switches).tolist() == changes and len(changes) == 2
    for stamp_ns, values, kind in rows:
        own = [(source, a) for at_ns, source, a in actions if stamp_ns <= at_ns < stamp_ns + PERIOD_NS]
        first = own[0][0]
        assert kind == {"teleop": TELEOP, "policy": POLICY}[first]
        summed = sum(a[1] for source, a in own if source == first)
        np.testing.assert_allclose(values[1], summed, atol=1e-6)
        if kind == TELEOP:
            assert values[6] == 1.0 and values[0] == 0.0
            assert 0.001 <= values[1] <= 0.0061, "at most six of 1 mm at 50 Hz in 100 ms"

    events = {str(m.event): time_ns(m.header.stamp) for m in recorded(recordings, "/collect/events")}
    statuses = recorded(recordings, "/policy/status")
    over = [time_ns(m.header.stamp) for m in statuses if m.state == PolicyStatus.TAKEN_OVER]
    assert over and events["takeover"] < min(over) + 2 * PERIOD_NS and max(over) < events["release"] + PERIOD_NS
    seen = {int(stamp) for a in arrays for stamp in a["stamp_ns"]}
    assert set(over[:-1]) <= seen, "what the policy saw while it looked on became rows"

    corrections = convert(recordings, tmp_path / "corrections", "--only", "interventions")
    kept = [corrections.get_episode(i).arrays["policy_type"].ravel() for i in range(len(corrections))]
    assert set(np.concatenate(kept)) == {TELEOP} and sum(map(len, kept)) <= types.count(TELEOP)

    shared = ("--horizon", "2", "--max_steps", "3", "--threads", "1", "--device", "cpu", "--include_failures")
    small = ("--model.hidden_size", "16", "--validation_fraction", "0", "--experiments_dir", str(tmp_path))
    both = ("--extra_datasets", str(tmp_path / "corrections"), "--dataset_weights", "0.5", "0.5")
    lift = str(ROOT / "config/train/sim/lift.py")
    assert train([lift, "--dataset", str(tmp_path / "data"), *both, "--exp_name", "dagger", *shared, *small]) == 0
    assert load_checkpoint(tmp_path / "dagger/models/model.pt").step == 3
