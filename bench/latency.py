"""From a camera's stamp to the arm, stage by stage, on the simulated Panda at 1x with the whole graph running.

    python bench/latency.py [--model-file model.pt] [--episodes 2] [--seconds 30]

Without a checkpoint it times an untrained one of the default size: the weights make no difference. It starts the policy
graph as an operator would, lets the collect node record, reads the bags, prints a table and writes
``bench/results/latency.json``. The wait for the tick and the network are reported beside what is to be small.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from timing import bar, machine, parser, write

from muse_core.checkpoints import save_checkpoint
from muse_core.configs import TrainConfig
from muse_core.policies.untrained import untrained_checkpoint
from muse_ros.contract.contract import load_contract
from muse_ros.policy.latency import figures, table
from muse_ros.policy.recording_latency import measure_recordings

P50_S, P99_S = 0.010, 0.025


def main() -> int:
    words = parser(__doc__)
    words.add_argument("--model-file", type=Path, help="checkpoint; default: an untrained one")
    words.add_argument("--episodes", type=int, default=2)
    words.add_argument("--seconds", type=float, default=30.0, help="length of an episode [s]")
    arguments = words.parse_args()
    begun = machine()
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model_file or untrained(Path(folder) / "model.pt")
        run_graph(model, Path(folder), arguments.episodes, arguments.seconds)
        bags = sorted(path.parent for path in Path(folder).glob("latency/*/metadata.yaml"))
        log = measure_recordings(bags)
    stages = log.stages()
    print(table(stages))
    print(f"{log.ticks} ticks, {log.missed_ticks} missed, {log.late_samples} samples late")
    what = "transport, assembly, publish to applied"
    result = {
        "stages_s": figures(stages),
        "ticks": log.ticks,
        "missed_ticks": log.missed_ticks,
        "late_samples": log.late_samples,
        "episodes": len(bags),
        "bars": [
            bar(f"{what}: p50 [ms]", 1e3 * stages["overhead"].p50, 1e3 * P50_S, at_most=True),
            bar(f"{what}: p99 [ms]", 1e3 * stages["overhead"].p99, 1e3 * P99_S, at_most=True),
        ],
    }
    write(arguments.results / "latency.json", result, ("muse", "ros-jazzy-rclpy", "torch", "mujoco"), begun)
    return 0


def untrained(path: Path) -> Path:
    contract = load_contract("panda_sim")
    save_checkpoint(path, untrained_checkpoint(TrainConfig(), contract.spec(), contract.to_dict(), contract.rate_hz))
    return path


def run_graph(model: Path, folder: Path, episodes: int, seconds: float) -> None:
    arguments = {
        "model_file": model,
        "root_dir": folder,
        "session": "latency",
        "episodes": episodes,
        "max_episode_s": seconds,
    }
    command = [sys.executable, "-m", "muse_ros.command", "up", "policy", *(f"{k}:={v}" for k, v in arguments.items())]
    subprocess.run(command, check=True, timeout=120 + episodes * (seconds + 30))


if __name__ == "__main__":
    raise SystemExit(main())
