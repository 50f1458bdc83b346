"""Episodes of one batched policy in environments side by side, for policies that answer many at once as fast as one.

`muse eval` runs one policy in each process instead (`workers.py`); this is for trainers and scripts on a GPU. Each seed
is run exactly once, whichever environment it falls to; what comes out is what
:func:`muse_core.evaluation.rollout.run_episode` gives for the same seed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from muse_core.environments.presets import Presets
from muse_core.environments.vectorized import VectorizedEnvironment
from muse_core.evaluation.rollout import EpisodeResult, Observer
from muse_core.spec import Arrays, Spec


class BatchedPolicy(Protocol):
    """A policy for B episodes side by side, such as ``LearnedPolicy(checkpoint, batch_size=B)`` or a `PolicyBatch`.

    It may have ``terminated``, (B,) bool, ``labels``, a list of B, and ``seed(seeds, which)``.
    """

    def reset(self, which: np.ndarray | None = None) -> None:
        """Begin the episodes that `which`, (B,) bool, marks; all by default."""

    def act(self, observation: Arrays) -> Arrays:
        """Actions (B, ...) for observations (B, ...); rows of episodes that are over are not looked at."""


def run_episodes(
    environments: VectorizedEnvironment,
    policy: BatchedPolicy,
    seeds: Sequence[int],
    presets: Sequence[str | None] | None = None,
    observers: Mapping[int, Sequence[Observer]] | None = None,
) -> Iterator[EpisodeResult]:
    """Run one episode for each seed, and give each result as its episode ends.

    Args:
        environments: B environments; they stay open.
        policy: Acts for all B at once. The time of such an act is what `inference_ms` says of each episode.
        seeds: Of the episodes; there may be more or fewer than environments.
        presets: Name of the environments' preset that each episode begins at, or None; as many as seeds.
        observers: Seed to those who look on.

    Raises:
        ValueError: on a number of presets other than that of the seeds.
        EnvironmentFailedError: when an environment fails.
    """
    chosen = [None] * len(seeds) if presets is None else list(presets)
    if len(chosen) != len(seeds):
        raise ValueError(f"presets must be as many as seeds, {len(seeds)}, got {len(chosen)}")
    waiting = deque(zip(map(int, seeds), chosen, strict=True))
    batch = _Batch(environments, policy, observers or {})
    while waiting or batch.running.any():
        batch.begin(waiting)
        yield from batch.step()


@dataclass
class _Episode:
    """One that is running."""

    seed: int
    preset: str | None
    observers: Sequence[Observer]
    times: list[float] = field(default_factory=list)
    total: float = 0.0


class _Batch:
    """The episodes that are running, by the number of their environment."""

    def __init__(
        self, environments: VectorizedEnvironment, policy: BatchedPolicy, observers: Mapping[int, Sequence[Observer]]
    ) -> None:
        self._environments, self._policy, self._observers = environments, policy, observers
        self._episodes: dict[int, _Episode] = {}
        self._observation: Arrays = {}
        policy.reset()

    @property
    def running(self) -> np.ndarray:
        """(B,) bool."""
        return np.isin(np.arange(len(self._environments)), list(self._episodes))

    def begin(self, waiting: deque[tuple[int, str | None]]) -> None:
        """Give each free environment the next episode."""
        free = np.flatnonzero(~self.running)[: len(waiting)]
        if not len(free):
            return
        which = np.isin(np.arange(len(self._environments)), free)
        for number in free:
            seed, preset = waiting.popleft()
            self._episodes[int(number)] = _Episode(seed, preset, self._observers.get(seed, ()))
        begun = [self._episodes.get(i) if marked else None for i, marked in enumerate(which)]
        seeds = [episode.seed if episode else 0 for episode in begun]
        options = [{"preset": episode.preset} if episode and episode.preset is not None else None for episode in begun]
        self._observation, _ = self._environments.reset(seeds, which, options)
        if hasattr(self._policy, "seed"):
            self._policy.seed(seeds, which)
        self._policy.reset(which)
        for number in map(int, free):
            for observer in self._episodes[number].observers:
                member = _Member(self._environments, number)
                observer.on_begin(member, _PolicyRow(self._policy, number), self._episodes[number].seed)

    def step(self) -> Iterator[EpisodeResult]:
        """One action in each environment whose episode is running; the results of those that are then over."""
        observation, asked = self._observation, time.perf_counter()
        actions = self._policy.act(observation)
        took_ms = (time.perf_counter() - asked) * 1e3
        for number, episode in self._episodes.items():
            episode.times.append(took_ms)
            for observer in episode.observers:
                observer.on_step(_Member(self._environments, number), _row(observation, number), _row(actions, number))
        self._observation, rewards, *ends, infos = self._environments.step(actions, self.running)
        has_said = np.broadcast_to(getattr(self._policy, "terminated", False), len(self._environments))
        results = []
        for number, episode in list(self._episodes.items()):
            episode.total += float(rewards[number])
            for observer in episode.observers:
                observer.on_outcome(float(rewards[number]), infos[number])
            ended = _how_it_ended(*(bool(each[number]) for each in (*ends, has_said)))
            if ended:
                results.append(_result(self._episodes.pop(number), infos[number], ended))
        idle = has_said & ~self.running
        if idle.any():  # a policy that has ended need not answer again, and one in an idle row is asked all the same
            self._policy.reset(idle)
        yield from results


def _result(episode: _Episode, info: dict[str, Any], ended: str) -> EpisodeResult:
    result = EpisodeResult(
        episode.seed,
        bool(info.get("success", False)),
        len(episode.times),
        episode.total,
        tuple(episode.times),
        info,
        episode.preset,
        ended,
    )
    for observer in episode.observers:
        observer.on_end(result)
    return result


def _how_it_ended(terminated: bool, truncated: bool, has_said: bool) -> str:
    """As `EpisodeResult.ended` has it; empty while the episode goes on."""
    return next(
        (name for name, so in (("terminated", terminated), ("truncated", truncated), ("policy", has_said)) if so), ""
    )


def _row(arrays: Arrays, number: int) -> Arrays:
    return {key: array[number] for key, array in arrays.items()}


@dataclass(frozen=True)
class _Member:
    """One environment of several, as far as an observer may look at it."""

    environments: VectorizedEnvironment
    number: int

    @property
    def observation_spec(self) -> Spec:
        return self.environments.observation_spec

    @property
    def action_spec(self) -> Spec:
        return self.environments.action_spec

    @property
    def rate_hz(self) -> float:
        return self.environments.rate_hz

    @property
    def presets(self) -> Presets:
        return self.environments.presets

    def render(self) -> np.ndarray:
        return self.environments.render(self.number)


@dataclass(frozen=True)
class _PolicyRow:
    """One row of a batched policy, as far as an observer may look at it."""

    policy: BatchedPolicy
    number: int

    @property
    def label(self) -> Arrays | None:
        labels = getattr(self.policy, "labels", None)
        return None if labels is None else labels[self.number]
