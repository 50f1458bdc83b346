"""Runs the episodes of an evaluation, in this process or in several side by side."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np

from muse_core.checkpoints import CheckpointError
from muse_core.configs import ConfigError
from muse_core.datasets.store import DatasetError
from muse_core.evaluation.actors import make_actor
from muse_core.evaluation.config import EvaluateConfig, EvaluationError
from muse_core.evaluation.rollout import EpisodeResult, FrameCollector, Observer, run_episode
from muse_core.processors import usable_processors
from muse_core.worker_processes import begin_worker

if TYPE_CHECKING:
    from muse_core.environments.environment import Environment
    from muse_core.policies.policy import Policy

PLAIN_ERRORS = (EvaluationError, CheckpointError, ConfigError, DatasetError, FileNotFoundError)
"""Errors whose message is for people: no traceback is needed to understand them."""


@dataclass(frozen=True)
class Job:
    """One episode to run."""

    seed: int
    preset: str | None = None


@dataclass
class Runner:
    """What one process needs to run episodes."""

    environment: Environment
    policy: Policy
    videos: frozenset[int] = field(default_factory=frozenset)
    observers: tuple[Observer, ...] = ()

    def run(self, job: Job) -> tuple[EpisodeResult, list[np.ndarray]]:
        """One episode, and its frames where the video shows it."""
        collector = FrameCollector()
        observers = [*self.observers, collector] if job.seed in self.videos else self.observers
        return run_episode(self.environment, self.policy, job.seed, observers, job.preset), collector.frames


def run_all(config: EvaluateConfig, task: str, jobs: Sequence[Job]) -> Iterator[tuple[EpisodeResult, list[np.ndarray]]]:
    """Every episode as it ends.

    Raises:
        EvaluationError: when a process cannot begin, or is killed.
    """
    workers = min(config.workers or usable_processors(), len(jobs))
    if workers <= 1:
        runner = make_runner(config, task)
        try:
            yield from map(runner.run, jobs)
        finally:
            runner.environment.close()
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (config, task))
    waits = False
    try:
        for done in as_completed([pool.submit(_run_in_worker, job) for job in jobs]):
            yield done.result()
        waits = True
    except BrokenProcessPool as error:
        raise EvaluationError(
            f"one of {workers} processes was killed, perhaps for want of memory; try fewer --workers"
        ) from error
    finally:
        pool.shutdown(wait=waits, cancel_futures=True)


def make_runner(config: EvaluateConfig, task: str) -> Runner:
    """Environment, policy and recorder for this process."""
    environment, policy = make_actor(config, task)
    observers: tuple[Observer, ...] = ()
    if config.record is not None:
        from muse_core.datasets.episode_folder import EpisodeFolder
        from muse_core.evaluation.recorder import Recorder

        about = {"task": task, "wide": config.wide, "policy_name": [config.actor_name]}
        observers = (Recorder(EpisodeFolder.open(config.record), about),)
    return Runner(environment, policy, frozenset(config.seeds[: config.videos]), observers)


_runner: Runner | None = None
_failure: Exception | None = None


def _start_worker(config: EvaluateConfig, task: str) -> None:
    """Set this process up; what goes wrong is kept for the first job, as an error here would only break the pool."""
    global _runner, _failure
    begin_worker()
    try:
        _runner = make_runner(config, task)
    except PLAIN_ERRORS as error:
        _failure = error
    except Exception:  # whatever it is, the parent has to show it; not every exception can be sent there
        _failure = EvaluationError(f"a worker process could not begin:\n{traceback.format_exc()}")


def _run_in_worker(job: Job) -> tuple[EpisodeResult, list[np.ndarray]]:
    if _failure is not None:
        raise _failure
    return _runner.run(job)
