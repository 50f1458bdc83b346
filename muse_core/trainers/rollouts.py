"""Episodes in an environment while a model is being trained: how often it succeeds, and what that looks like."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from muse_core.checkpoints import Checkpoint
from muse_core.configs import ConfigError, TrainConfig
from muse_core.evaluation.checkpoint_environment import check_task, environment_for
from muse_core.evaluation.config import EvaluateConfig, EvaluationError
from muse_core.evaluation.results import summarize
from muse_core.evaluation.workers import Job, run_all
from muse_core.trainers.random_numbers import own_random_numbers


@dataclass(frozen=True)
class Outcome:
    """What a model's episodes came to.

    Attributes:
        success_rate: Share of the episodes that succeeded.
        scalars: The same with its interval, and how long it took, for the log.
        videos: The first episodes' frames by seed, (height, width, 3) uint8.
        whole: Whether all episodes ran, rather than being cut short by a request to stop.
    """

    success_rate: float
    scalars: dict[str, float]
    videos: dict[int, list[np.ndarray]]
    whole: bool


def check_rollouts(config: TrainConfig, checkpoint: Checkpoint) -> None:
    """Raise where rollouts of such a checkpoint cannot be run: now, rather than after hours of training.

    Raises:
        ConfigError: saying why, and how to train without.
    """
    try:
        check_task(config.task)
        environment_for(config.task, checkpoint).close()
    except (EvaluationError, ModuleNotFoundError) as error:
        raise ConfigError(f"--rollouts.every {config.rollouts.every}: {error}; or train with --no_env") from error


def run_rollouts(config: TrainConfig, model_file: Path, stop: Callable[[], bool]) -> Outcome:
    """Run the policy of a checkpoint on the seeds that the config names.

    Args:
        config: Of the run.
        model_file: The checkpoint.
        stop: Asked after every episode whether to leave off.
    """
    wanted = config.rollouts
    evaluation = EvaluateConfig(
        model_file=model_file,
        episodes=wanted.episodes,
        seed=wanted.seed,
        videos=wanted.videos,
        workers=wanted.workers,
        device=config.device,
    )
    jobs = [Job(seed) for seed in evaluation.seeds]
    results, videos, whole = [], {}, True
    threads = torch.get_num_threads()  # one worker runs in this process, and sets its own
    with own_random_numbers(config.seed), closing(run_all(evaluation, config.task, jobs)) as episodes:
        for result, frames in episodes:
            results.append(result)
            if frames:
                videos[result.seed] = frames
            if stop():
                whole = len(results) == len(jobs)
                break
    torch.set_num_threads(threads)
    summary = summarize(results)
    low, high = summary["wilson_95"]
    scalars = {"success_rate": summary["success_rate"], "success_rate_low": low, "success_rate_high": high}
    if summary["steps"] is not None:
        scalars["steps"] = summary["steps"]
    return Outcome(summary["success_rate"], scalars, dict(sorted(videos.items())), whole)
