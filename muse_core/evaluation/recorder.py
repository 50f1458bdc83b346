"""Rollouts into a dataset: what a policy did, in the form that it can be learnt from.

Row t holds the observation at t, the action that answered it (where the policy labels its actions, the label), the
reward that came of it, and `done`, which is True in the last row only. Failures are kept, labelled as such.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.store import DatasetError, EpisodeStore
from muse_core.environments.environment import Environment
from muse_core.evaluation.rollout import EpisodeResult, Observer
from muse_core.policies.policy import Policy, label_of
from muse_core.spec import Arrays, ArraySpec, Spec

REWARD, DONE = "reward", "done"


def recording_spec(environment: Environment) -> Spec:
    """What each recorded episode holds: the environment's observations and actions, ``reward`` (1,) and ``done`` (1,).

    Raises:
        ValueError: when the environment has an array of one of these names already.
    """
    arrays = {**environment.observation_spec, **environment.action_spec}
    taken = {REWARD, DONE} & set(arrays)
    if taken:
        raise ValueError(f"the environment's own {', '.join(sorted(taken))} would be overwritten by the recording's")
    outcome = {REWARD: ArraySpec((1,), role="output"), DONE: ArraySpec((1,), "bool", role="output")}
    return Spec({**arrays, **outcome})


def open_recording(
    path: str | Path,
    environment: Environment,
    ids: Sequence[str],
    provenance: Mapping[str, Any],
    contract: Mapping[str, Any] | None = None,
) -> EpisodeFolder:
    """The dataset to record into: made where there is none, else the one that is there, if the episodes fit into it.

    Args:
        path: Its folder.
        environment: Where the episodes are to come from.
        ids: Names of the episodes to be recorded.
        provenance: Plain data; the environment's ``rate_hz`` is added.
        contract: The contract of the robot that the environment stands for, as plain data.

    Raises:
        DatasetError: when the dataset there holds other arrays, another rate, or episodes of these names.
    """
    path, spec = Path(path), recording_spec(environment)
    if not (path / "dataset.json").exists():
        about = {**provenance, "rate_hz": environment.rate_hz}
        return EpisodeFolder.create(path, spec, contract, about)
    folder = EpisodeFolder.open(path)
    rate_hz = (folder.provenance or {}).get("rate_hz")
    if folder.spec.to_dict() != spec.to_dict() or rate_hz != environment.rate_hz:
        raise DatasetError(f"{path} holds other arrays, or another rate, than would be recorded; choose another name")
    there = [each for each in ids if each in folder]
    if there:
        raise DatasetError(
            f"{path} holds {len(there)} of these episodes already, {there[0]!r} for one; choose another --seed to add "
            "to it, or another name"
        )
    return folder


def episode_id(seed: int, preset: str | None = None) -> str:
    """What an episode is called in a recording; names sort as their seeds do."""
    return f"seed_{seed:07d}" + (f"_{preset}" if preset is not None else "")


class Recorder(Observer):
    """Adds every episode that it sees to a dataset, when it ends.

    Args:
        store: The dataset; its spec is that of :func:`recording_spec`.
        metadata: Plain data to keep with every episode.
    """

    def __init__(self, store: EpisodeStore, metadata: Mapping[str, Any] | None = None) -> None:
        self._store = store
        self._metadata = dict(metadata or {})
        self._policy: Policy | None = None
        self._rows: list[Arrays] = []
        self._labelled = 0

    def on_begin(self, environment: Environment, policy: Policy, seed: int) -> None:
        """Forget what an episode that was cut off has left."""
        self._policy, self._rows, self._labelled = policy, [], 0

    def on_step(self, environment: Environment, observation: Arrays, action: Arrays) -> None:
        """Keep one row."""
        label = label_of(self._policy)
        self._labelled += label is not None
        row = {**observation, **action, **(label or {})}
        # Copies: an environment may write its next observation into the same arrays.
        self._rows.append({key: np.array(row[key]) for key in self._store.spec if key not in (REWARD, DONE)})

    def on_outcome(self, reward: float, info: dict[str, Any]) -> None:
        """Keep the reward beside the action that earned it."""
        self._rows[-1][REWARD] = np.array([reward], np.float32)

    def on_end(self, result: EpisodeResult) -> None:
        """Write the episode."""
        for t, row in enumerate(self._rows, start=1):
            row[DONE] = np.array([t == len(self._rows)])
        arrays = {key: np.stack([row[key] for row in self._rows]) for key in self._store.spec}
        metadata = {
            **self._metadata,
            "success": result.success,
            "seed": result.seed,
            "preset": result.preset,
            "return": result.total_reward,
            "ended": result.ended,
            "clean_labels": self._labelled,
        }
        self._store.add_episode(episode_id(result.seed, result.preset), arrays, metadata)
        self._rows = []
