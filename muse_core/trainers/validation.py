"""What a model is worth on episodes it has not learnt from: its loss over all of them, and its actions along some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from muse_core.models.model import Tensors, Term, Terms, weighted_loss
from muse_core.policies.learned import LearnedPolicy
from muse_core.spec import Arrays
from muse_core.trainers.distributed import Processes

if TYPE_CHECKING:
    from muse_core.datasets.sequence import SequenceDataset
    from muse_core.datasets.store import Episode

BATCH = 32


@torch.no_grad()
def mean_losses(
    loss: Callable[[Tensors], Terms],
    data: SequenceDataset,
    to_device: Callable[[Arrays], Tensors],
    processes: Processes | None = None,
) -> dict[str, float]:
    """Every term of the loss over all windows of a dataset, each step of its episodes counted once.

    Args:
        loss: Of a batch of windows.
        data: Windows that do not overlap.
        to_device: Brings a batch to the model.
        processes: Each takes its share of the batches; all get the same means.

    Returns:
        ``loss``, which is the weighted sum, and ``loss/<term>``.
    """
    processes = processes or Processes()
    mine: dict[str, tuple[float, float, float]] = {}
    for begin in range(processes.rank * BATCH, len(data), processes.world_size * BATCH):
        batch = data.get_batch(np.arange(begin, min(begin + BATCH, len(data))))
        for name, term in loss(to_device(batch)).items():
            total, count, _ = mine.get(name, (0.0, 0.0, 0.0))
            mine[name] = (total + float(term.total), count + float(term.count), term.weight)
    whole: Terms = {}
    for part in processes.gather(mine):
        for name, (total, count, weight) in part.items():
            before = whole.get(name, Term(torch.zeros((), dtype=torch.float64), torch.zeros(()), weight))
            whole[name] = Term(before.total + total, before.count + count, weight)
    means = {f"loss/{name}": float(term.mean) for name, term in whole.items()}
    return {"loss": float(weighted_loss(whole)), **means}


def open_loop_errors(
    policy: LearnedPolicy, episodes: Sequence[tuple[SequenceDataset, int]], processes: Processes | None = None
) -> dict[str, float]:
    """How far a policy's actions are from the recorded ones along whole episodes, which it does not influence.

    Args:
        policy: Runs as many episodes side by side as it has room for.
        episodes: Each as a dataset and the number of an episode in it.
        processes: Each takes its share of the episodes; all get the same means.

    Returns:
        Mean absolute error by action key, in its unit: ``<key>``, and ``<key>_<i>`` for each of its dimensions.
    """
    processes = processes or Processes()
    totals: dict[str, np.ndarray] = {}
    rows = 0
    mine = episodes[processes.rank :: processes.world_size]
    room = policy.batch_size
    for begin in range(0, len(mine), room):
        group = [data.get_episode(i) for data, i in mine[begin : begin + room]]
        for name, total in _errors_along(policy, group).items():
            totals[name] = totals.get(name, 0.0) + total
        rows += sum(len(e) for e in group)
    parts = [part for part in processes.gather((totals, rows)) if part[1]]
    errors = {}
    for name in policy.action_spec:
        mean = sum(part[0][name] for part in parts) / sum(part[1] for part in parts)
        errors[name] = float(mean.mean())
        errors |= {f"{name}_{i}": float(each) for i, each in enumerate(mean)} if mean.size > 1 else {}
    return errors


def _errors_along(policy: LearnedPolicy, group: list[Episode]) -> dict[str, np.ndarray]:
    """Sums over all steps of a group of episodes of the absolute error of every dimension."""
    policy.reset()
    lengths = np.array([len(episode) for episode in group])
    # Where there are fewer episodes than the policy has room for, the last fills the rest; where one is over, its last
    # step is shown until the longest is. Neither counts.
    places = [*range(len(group)), *[len(group) - 1] * (policy.batch_size - len(group))]
    totals = {name: np.zeros(int(np.prod(a.shape))) for name, a in policy.action_spec.items()}
    for t in range(lengths.max()):
        rows = np.minimum(t, lengths - 1)
        observation = {
            name: np.stack([np.asarray(group[p].arrays[name][rows[p]], array.dtype) for p in places])
            for name, array in policy.observation_spec.items()
        }
        goals = {
            name: np.stack([_goal(group[p], name, int(rows[p])).astype(array.dtype) for p in places])
            for name, array in policy.goal_spec.items()
        }
        actions = policy.act({**observation, **goals})
        for p in np.flatnonzero(t < lengths):
            for name, total in totals.items():
                total += np.abs(actions[name][p].astype(np.float64) - group[p].arrays[name][t]).ravel()
    return totals


def _goal(episode: Episode, name: str, row: int) -> np.ndarray:
    """What an episode was recorded with as its goal; else what it came to in its last row."""
    key = name.removeprefix("goal/")
    if name not in episode.arrays:
        return np.asarray(episode.arrays[key][-1])
    stored = np.asarray(episode.arrays[name])
    return stored[row] if stored.ndim == np.ndim(episode.arrays[key]) else stored
