"""How well policies learn, in the simulator: Muse's BC-RNN beside robomimic's BC-RNN-GMM on the same demonstrations.

    python bench/learning.py DATA [--steps 3000] [--demonstrations 200] [--seeds 100]
    python bench/learning.py DATA --tasks lift place coffee --minutes 30

The first form makes demonstrations of `lift` with the scripted expert (kept in the folder DATA), writes them as HDF5
too, trains both on them for the same number of gradient steps at the same image size, window and batch, and runs both
on the same seeds of the simulator. robomimic gets the same convolutions in its own VisualCore (1x1 convolution,
spatial softmax, linear layer), its own LSTM of 2x400 and random crops, actions scaled to -1..1 as its mixture needs,
and each of the learning rates named: its best counts. It is installed as bench/README.md says.

The second form trains Muse's own configs of some tasks for some minutes each, and gives the table of success.

Writes ``bench/results/learning.json`` or ``learning_tasks.json``. Give it two cores to itself: ``taskset -c 0,1``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("MUJOCO_GL", "egl")

import numpy as np  # noqa: E402
import peers  # noqa: E402
import timing  # noqa: E402
from simulated import demonstrations, evaluate  # noqa: E402

from muse_core.datasets.episode_folder import EpisodeFolder  # noqa: E402
from muse_core.evaluation.rollout import EpisodeResult  # noqa: E402
from muse_core.metrics.intervals import wilson_interval  # noqa: E402
from muse_core.policies.policy import Policy  # noqa: E402

LOW = {"ee_position": 3, "ee_orientation": 4, "gripper_width": 1}
CAMERAS = {"image": (64, 64), "ego_image": (64, 64)}
ACTION_SIZE, HORIZON, BATCH = 7, 10, 16
CROP = 58  # robomimic's random crop, nine tenths as in its own image configs
FIRST_SEED = 1000  # of the evaluation: `muse eval` begins there too
BAR = -10.0  # percentage points that the interval of ours minus theirs may not reach below
PACKAGES = ("numpy", "torch", "robomimic", "torchvision", "mujoco", "h5py")


def train_muse(config: str, data: EpisodeFolder, runs: Path, name: str, options: Sequence[str]) -> tuple[Path, float]:
    """Train by the command; the checkpoint and what it took [s]."""
    path = runs / name / "models" / "model.pt"
    if path.exists():
        raise SystemExit(f"bench/learning.py: {path} is there already; remove it or name another --runs")
    command = [sys.executable, "-m", "muse_ros.command", "train", f"config/train/{config}.py"]
    command += ["--dataset", str(data.path.resolve()), "--experiments_dir", str(runs.resolve()), "--exp_name", name]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    subprocess.run([*command, *options], check=True, cwd=ROOT, env=environment)
    return path, time.perf_counter() - began


def muse_policy(path: Path) -> Policy:
    from muse_core.policies.learned import LearnedPolicy

    return LearnedPolicy.from_checkpoint(path)


def train_robomimic(data: EpisodeFolder, folder: Path, steps: int, rate: float, threads: int) -> tuple[Path, float]:
    """Train robomimic's own algorithm with its own epoch loop on the data as HDF5; its weights, and the time [s]."""
    import torch

    file = folder / f"{data.path.name}.hdf5"
    limits = export(data, file)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    algorithm = make_robomimic(rate)
    with peers.quiet():
        import robomimic.utils.train_utils as train_utils
        from robomimic.utils.dataset import SequenceDataset

        windows = SequenceDataset(
            str(file),
            obs_keys=(*LOW, *CAMERAS),
            dataset_keys=("actions",),
            seq_length=HORIZON,
            hdf5_cache_mode="low_dim",
            load_next_obs=False,
        )
    loader = torch.utils.data.DataLoader(windows, batch_size=BATCH, shuffle=True, drop_last=True)
    began = time.perf_counter()
    done = 0
    while done < steps:
        now = min(250, steps - done)
        with peers.quiet():
            log = train_utils.run_epoch(algorithm, loader, epoch=done, num_steps=now)
        done += now
        print(f"robomimic at {rate:g}: step {done}, loss {log['Loss']:.3f}", flush=True)
    taken = time.perf_counter() - began
    path = folder / f"robomimic_{rate:g}.pt"
    torch.save({"nets": algorithm.nets.state_dict(), "rate": rate, "limits": limits}, path)
    return path, taken


def export(data: EpisodeFolder, file: Path) -> np.ndarray:
    """Write the HDF5, actions scaled to -1..1; the smallest and largest action, (2, A)."""
    import robomimic_bc

    episodes = [data.get_episode(i).arrays for i in range(len(data))]
    actions = np.concatenate([np.asarray(arrays["action"]) for arrays in episodes])
    low, high = actions.min(axis=0), actions.max(axis=0)
    high = np.where(high - low < 1e-6, low + 1.0, high)
    scaled = [
        {**{k: np.asarray(a[k]) for k in (*LOW, *CAMERAS)}, "action": robomimic_bc.scale(a["action"], low, high)}
        for a in episodes
    ]
    peers.robomimic_file(str(file), scaled)
    return np.stack([low, high])


def make_robomimic(rate: float) -> Any:
    import robomimic_bc

    with peers.quiet():
        robomimic_bc.add_small_backbone()
    return robomimic_bc.make_bc_rnn_gmm(
        LOW, CAMERAS, ACTION_SIZE, backbone="SmallConv", horizon=HORIZON, learning_rate=rate, crop=CROP
    )


def robomimic_policy(path: Path) -> Policy:
    import torch

    peers.have("robomimic")
    import robomimic_bc

    torch.manual_seed(0)  # its mixture samples a component
    saved = torch.load(path, weights_only=False)
    algorithm = make_robomimic(saved["rate"])
    algorithm.nets.load_state_dict(saved["nets"])
    return robomimic_bc.RobomimicPolicy(algorithm, (*LOW, *CAMERAS), *saved["limits"])


def outcome(name: str, results: list[EpisodeResult], train_s: float, parameters: int | None = None) -> dict[str, Any]:
    """Successes of one policy, printed too."""
    successes = sum(r.success for r in results)
    low, high = wilson_interval(successes, len(results))
    rate = 100 * successes / len(results)
    print(
        f"{name}: {successes} of {len(results)}, {rate:.1f} %, 95 % interval {100 * low:.1f} .. {100 * high:.1f} %; "
        f"trained for {train_s / 60:.1f} minutes",
        flush=True,
    )
    found = {"successes": successes, "episodes": len(results), "rate": rate, "wilson_95": [100 * low, 100 * high]}
    found["failed_seeds"] = [r.seed for r in results if not r.success]
    return found | {"train_minutes": round(train_s / 60, 2)} | ({"parameters": parameters} if parameters else {})


def compare(arguments: argparse.Namespace, runs: Path, seeds: range) -> dict[str, Any]:
    """Both policies on `lift`, and the interval of their difference."""
    from muse_core.metrics.comparison import compare_paired

    if not peers.have("robomimic"):
        raise SystemExit(1)
    data = demonstrations(arguments.data, "lift", arguments.demonstrations, arguments.workers)
    options = ["--max_steps", str(arguments.steps), "--max_minutes", "None", "--threads", str(arguments.threads)]
    options += ["--validation_fraction", "0", "--horizon", str(HORIZON), "--batch_size", str(BATCH)]
    ours, taken = train_muse("sim/lift", data, runs, "muse", options)
    ours_results = evaluate(partial(muse_policy, ours), "lift", seeds, arguments.workers)
    figures = {"muse": outcome("muse", ours_results, taken)}
    theirs: list[tuple[int, list[EpisodeResult]]] = []
    for rate in arguments.robomimic_rates:
        path, taken = train_robomimic(data, runs, arguments.steps, rate, arguments.threads)
        results = evaluate(partial(robomimic_policy, path), "lift", seeds, arguments.workers)
        name = f"robomimic, learning rate {rate:g}"
        figures[name] = outcome(name, results, taken)
        theirs.append((figures[name]["successes"], results))
    best = max(theirs, key=lambda each: each[0])[1]
    paired = compare_paired([r.success for r in ours_results], [r.success for r in best])
    low, high = 100 * paired.low, 100 * paired.high
    print(f"ours minus theirs: {100 * paired.difference:+.1f} points, 95 % interval {low:+.1f} .. {high:+.1f}")
    bar = timing.bar("lower end of the paired interval, in points", low, BAR)
    return {"policies": figures, "paired": paired.to_dict(), "bars": [bar], "steps": arguments.steps}


def tasks_table(arguments: argparse.Namespace, runs: Path, seeds: range) -> dict[str, Any]:
    """Muse's own configs, trained for some minutes each."""
    figures = {}
    for task in arguments.tasks:
        data = demonstrations(arguments.data, task, arguments.demonstrations, arguments.workers)
        options = ["--max_minutes", f"{arguments.minutes:g}", "--threads", str(arguments.threads)]
        options += ["--max_steps", str(arguments.steps)] if arguments.steps else []
        path, taken = train_muse(f"sim/{task}", data, runs, task, options)
        results = evaluate(partial(muse_policy, path), task, seeds, arguments.workers)
        figures[task] = outcome(task, results, taken)
    timing.table(
        [("task", "successes", "of", "95 % from", "to", "minutes")]
        + [(t, f["successes"], f["episodes"], *f["wilson_95"], f["train_minutes"]) for t, f in figures.items()]
    )
    return {"tasks": figures, "minutes": arguments.minutes}


def main() -> int:
    parser = timing.parser(__doc__)
    parser.add_argument("data", type=Path, help="folder for demonstrations, which are made once, and for the runs")
    parser.add_argument("--demonstrations", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=100, help="episodes of each evaluation")
    parser.add_argument("--steps", type=int, help="gradient steps [3000; with --tasks what the config says]")
    parser.add_argument("--robomimic-rates", type=float, nargs="+", default=[1e-4, 1e-3], help="its default is 1e-4")
    parser.add_argument("--tasks", nargs="+", help="train and evaluate Muse alone on these tasks")
    parser.add_argument("--minutes", type=float, default=30.0, help="of training for each task of --tasks")
    parser.add_argument("--threads", type=int, default=2, help="of torch in training")
    parser.add_argument("--workers", type=int, default=2, help="processes that simulate")
    arguments = parser.parse_args()
    begun = timing.machine()
    arguments.data.mkdir(parents=True, exist_ok=True)
    runs = arguments.data / time.strftime("run_%Y%m%d_%H%M%S")
    runs.mkdir()
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    if arguments.tasks:
        name, figures = "learning_tasks", tasks_table(arguments, runs, seeds)
    else:
        arguments.steps = arguments.steps or 3000
        name, figures = "learning", compare(arguments, runs, seeds)
    figures["demonstrations"] = arguments.demonstrations
    timing.write(arguments.results / f"{name}.json", figures, PACKAGES, begun)
    return 0


if __name__ == "__main__":
    sys.exit(main())
