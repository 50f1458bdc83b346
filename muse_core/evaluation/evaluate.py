"""The command ``muse eval``: a checkpoint against fresh seeds of the simulator, without ROS.

Only what parses the command line is imported at once.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muse_core.checkpoints import CheckpointError, load_checkpoint
from muse_core.configs import ConfigError
from muse_core.evaluation.results import headline, summarize
from muse_core.evaluation.rollout import EpisodeResult, FrameCollector, run_episode
from muse_core.evaluation.simulator import EvaluationError, check_task, make_simulator
from muse_core.files import write_text
from muse_core.processors import choose_device, usable_processors
from muse_core.worker_processes import begin_worker

if TYPE_CHECKING:
    from muse_core.environments.environment import Environment
    from muse_core.policies.policy import Policy

INTERRUPTED = 130


@dataclass(frozen=True)
class EvaluateConfig:
    """Run a checkpoint in the simulator on seeds it has not seen, and report its success rate.

    Prints successes, the rate and its 95 % Wilson interval; writes results.json and a video.
    """

    model_file: Path
    """A checkpoint, or an experiment's folder (then its models/model.pt)."""
    task: str = ""
    """Task of the simulator: reach, lift, place or coffee. The one that the checkpoint was trained for by default."""
    episodes: int = 100
    """How many episodes."""
    seed: int = 1000
    """Seed of the first episode; each further one has the next number."""
    output: Path | None = None
    """Folder for results.json and video.mp4; `eval` in the experiment's folder by default."""
    videos: int = 6
    """How many episodes the video shows, from the first on. 0 makes none."""
    workers: int = 0
    """Processes that run episodes side by side; 0 is one for each CPU."""
    threads: int = 1
    """CPU threads for torch in each process."""
    device: str = "cpu"
    """Where the model runs: `cpu`, `cuda`, or `auto`: a GPU where there is one."""
    wide: bool = False
    """Use the task's wide variant, with objects spread further."""
    camera_size: tuple[int, int] = (128, 128)
    """Height and width of the simulated cameras' pictures; the panda node's camera_height and camera_width [px]."""
    max_steps: int | None = None
    """End an episode after this many steps; the task's own limit by default."""

    def __post_init__(self) -> None:
        for name, least in (("episodes", 1), ("seed", 0), ("videos", 0), ("workers", 0), ("threads", 1)):
            if getattr(self, name) < least:
                raise EvaluationError(f"--{name} must be at least {least}, got {getattr(self, name)}")

    @property
    def checkpoint_path(self) -> Path:
        """The checkpoint's file."""
        return self.model_file / "models" / "model.pt" if self.model_file.is_dir() else self.model_file

    @property
    def output_path(self) -> Path:
        """Where results go."""
        if self.output is not None:
            return self.output
        folder = self.checkpoint_path.parent
        return folder.parent / "eval" if folder.name == "models" else folder / "eval"


@dataclass
class Runner:
    """What one process needs to run episodes."""

    environment: Environment
    policy: Policy
    videos: frozenset[int] = field(default_factory=frozenset)

    def run(self, seed: int) -> tuple[EpisodeResult, list[np.ndarray]]:
        """One episode, and its frames where the video shows it."""
        collector = FrameCollector()
        observers = [collector] if seed in self.videos else []
        return run_episode(self.environment, self.policy, seed, observers), collector.frames


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when all episodes ran, whatever came out, 2 when it could not begin, 130 after a Ctrl-C."""
    import tyro

    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        config = tyro.cli(EvaluateConfig, args=arguments, prog="muse eval", use_underscores=True)
        evaluate(config)
    except (EvaluationError, CheckpointError, ConfigError, FileNotFoundError) as error:
        print(f"muse eval: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmuse eval: interrupted; no results are written", file=sys.stderr, flush=True)
        os._exit(INTERRUPTED)  # an ordinary end would wait for the episodes that run; the workers end with this process
    return 0


def evaluate(config: EvaluateConfig) -> dict[str, Any]:
    """Run the episodes, write ``results.json`` and ``video.mp4``, print the headline, return the results."""
    from tqdm import tqdm

    from muse_core.video import write_video

    checkpoint = load_checkpoint(config.checkpoint_path)
    task = config.task or checkpoint.train_config.task
    check_task(task)
    choose_device(config.device)
    seeds = range(config.seed, config.seed + config.episodes)
    results: list[EpisodeResult] = []
    frames: dict[int, list[np.ndarray]] = {}
    bar = tqdm(total=config.episodes, desc=f"evaluating {task}", unit="episode", dynamic_ncols=True)
    with closing(run_all(config, task, seeds)) as episodes, bar:
        for result, shown in episodes:
            results.append(result)
            if shown:
                frames[result.seed] = shown
            bar.set_postfix_str(f"{sum(r.success for r in results)} of {len(results)} succeeded", refresh=False)
            bar.update()
    summary = {
        "model_file": str(config.checkpoint_path),
        "step": checkpoint.step,
        "task": task,
        "wide": config.wide,
        "seed": config.seed,
        **summarize(results),
        "machine": {"platform": platform.platform(), "cpus": usable_processors(), "workers": config.workers},
    }
    write_text(config.output_path / "results.json", json.dumps(summary, indent=2) + "\n")
    if frames:
        video = config.output_path / "video.mp4"
        write_video(video, (frame for seed in sorted(frames) for frame in frames[seed]), checkpoint.rate_hz or 10.0)
        print(f"video of {len(frames)} episodes: {video}")
    print(f"results: {config.output_path / 'results.json'}")
    print(headline(summary))
    return summary


def run_all(config: EvaluateConfig, task: str, seeds: range) -> Iterator[tuple[EpisodeResult, list[np.ndarray]]]:
    """Every episode as it ends, in this process or in several."""
    workers = min(config.workers or usable_processors(), len(seeds))
    if workers <= 1:
        runner = make_runner(config, task)
        try:
            yield from map(runner.run, seeds)
        finally:
            runner.environment.close()
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (config, task))
    waits = False
    try:
        for done in as_completed([pool.submit(_run_in_worker, seed) for seed in seeds]):
            yield done.result()
        waits = True
    finally:
        pool.shutdown(wait=waits, cancel_futures=True)


def make_runner(config: EvaluateConfig, task: str) -> Runner:
    """Environment and policy for this process."""
    import torch

    from muse_core.policies.learned import LearnedPolicy

    torch.set_num_threads(config.threads)
    policy = LearnedPolicy.from_checkpoint(config.checkpoint_path, str(choose_device(config.device)))
    overrides: dict[str, Any] = {"wide": config.wide, "camera_size": config.camera_size}
    if config.max_steps is not None:
        overrides["max_steps"] = config.max_steps
    environment = make_simulator(task, policy.checkpoint, **overrides)
    policy.warm_up()
    return Runner(environment, policy, frozenset(range(config.seed, config.seed + config.videos)))


_runner: Runner | None = None


def _start_worker(config: EvaluateConfig, task: str) -> None:
    global _runner
    begin_worker()
    _runner = make_runner(config, task)


def _run_in_worker(seed: int) -> tuple[EpisodeResult, list[np.ndarray]]:
    return _runner.run(seed)


if __name__ == "__main__":
    sys.exit(main())
