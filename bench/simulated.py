"""Demonstrations from the simulator's scripted experts, and policies evaluated in it, in several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.environments.panda.expert import make_expert
from muse_core.environments.simulated_panda import SimulatedPanda
from muse_core.evaluation.rollout import EpisodeResult, run_episode
from muse_core.policies.policy import Policy
from muse_core.spec import Arrays, Spec
from muse_core.worker_processes import begin_worker

NOISE_M = 0.006  # on the expert's executed translation, as `muse demo` collects


def demonstrations(folder: Path, task: str, number: int, workers: int) -> EpisodeFolder:
    """Successes of the expert on the seeds 0, 1, ..., labelled with what it meant; made once, then kept in the folder.

    Args:
        folder: Where they are kept, as ``<task>_<number>``.
        task: Of the simulator.
        number: How many.
        workers: Processes.
    """
    path = folder / f"{task}_{number}"
    if (path / "dataset.json").exists():
        store = EpisodeFolder.open(path)
    else:
        environment = SimulatedPanda(task)
        spec = Spec({**environment.observation_spec, **environment.action_spec})
        rate_hz = environment.rate_hz
        environment.close()
        provenance = {"source": "the scripted expert", "noise_m": NOISE_M, "rate_hz": rate_hz}
        store = EpisodeFolder.create(path, spec, provenance=provenance)
    done = {store.metadata(i)["seed"] for i in range(len(store))}
    if len(done) >= number:
        return store
    with ProcessPoolExecutor(workers, get_context("spawn"), begin_worker) as pool:
        for seed, arrays in _in_order(pool, task, workers):
            if arrays is not None and seed not in done:
                store.add_episode(f"episode_{seed:05d}", arrays, {"success": True, "seed": seed, "task": task})
            if len(store) >= number:
                break
    return store


def _in_order(pool: ProcessPoolExecutor, task: str, workers: int) -> Iterator[tuple[int, Arrays | None]]:
    """Episodes of the seeds 0, 1, ... without end; None where the expert failed. A few are always under way."""
    seeds = count()
    coming: list[tuple[int, Future]] = []
    try:
        while True:
            while len(coming) < 2 * workers:
                seed = next(seeds)
                coming.append((seed, pool.submit(demonstrate, task, seed)))
            seed, future = coming.pop(0)
            yield seed, future.result()
    finally:
        for _, future in coming:
            future.cancel()


def demonstrate(task: str, seed: int) -> Arrays | None:
    """One episode of the expert, (T, ...) by key; None where it fails."""
    environment, expert = SimulatedPanda(task), make_expert(task, NOISE_M)
    expert.reset(seed)
    observation, info = environment.reset(seed=seed)
    rows: list[Arrays] = []
    over = False
    while not over:
        action = expert.act(environment.state(), environment.world.objects())
        rows.append({**observation, "action": action.label})
        observation, _, terminated, truncated, info = environment.step({"action": action.executed})
        over = terminated or truncated
    environment.close()
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]} if info["success"] else None


def evaluate(
    make_policy: Callable[[], Policy], task: str, seeds: range, workers: int, camera_size: tuple[int, int] = (128, 128)
) -> list[EpisodeResult]:
    """One episode for each seed, in their order.

    Args:
        make_policy: Called once in each process; it must be picklable.
        task: Of the simulator.
        seeds: Of the episodes.
        workers: Processes, one torch thread each.
        camera_size: Height and width that the cameras render.
    """
    arguments = (make_policy, task, camera_size)
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin_evaluation, arguments) as pool:
        return list(pool.map(_run, seeds))


_runner: tuple[SimulatedPanda, Policy] | None = None


def _begin_evaluation(make_policy: Callable[[], Policy], task: str, camera_size: tuple[int, int]) -> None:
    global _runner
    begin_worker()
    import torch

    torch.set_num_threads(1)
    _runner = (SimulatedPanda(task, camera_size=camera_size), make_policy())


def _run(seed: int) -> EpisodeResult:
    return run_episode(*_runner, seed)
