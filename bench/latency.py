"""From a camera's stamp to the arm, stage by stage, on the simulated Panda at 1x with the whole graph running.

    python bench/latency.py [--model-file model.pt] [--episodes 2] [--seconds 30]

Without a checkpoint it times an untrained one of the default size: the weights make no difference. It starts the policy
graph as an operator would, lets the collect node record, reads the bags, prints a table and writes
``bench/results/latency.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from muse_core.checkpoints import save_checkpoint
from muse_core.configs import TrainConfig
from muse_core.policies.untrained import untrained_checkpoint
from muse_ros.contract.contract import load_contract
from muse_ros.policy.latency import figures, table
from muse_ros.policy.recording_latency import measure_recordings
from muse_ros.recording.provenance import software

RESULT = Path(__file__).parent / "results" / "latency.json"
TIGHT_STAGES = ("camera_transport", "assembly", "apply")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model-file", type=Path, help="checkpoint; default: an untrained one")
    parser.add_argument("--episodes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30.0, help="length of an episode [s]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model_file or untrained(Path(folder) / "model.pt")
        run_graph(model, Path(folder), arguments.episodes, arguments.seconds)
        bags = sorted(path.parent for path in Path(folder).glob("latency/*/metadata.yaml"))
        stages = measure_recordings(bags).stages()
    print(table(stages))
    result = {
        "stages_s": figures(stages),
        "transport_assembly_apply_p50_s": sum(stages[stage].p50 for stage in TIGHT_STAGES),
        "episodes": len(bags),
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": len(os.sched_getaffinity(0))},
        "software": software(),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1))
    print(f"written to {RESULT}")
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
