"""Trains a success classifier from the labels of a dataset's episodes. Importing this module does not import torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from muse_core.datasets.open_episodes import OpenEpisodes
from muse_core.datasets.statistics import RunningStatistics, Statistics
from muse_core.datasets.store import EpisodeStore
from muse_core.rewards.classifier import SuccessClassifier


@dataclass(frozen=True)
class LabelledRows:
    """Rows of a dataset by what they show; each is a pair of an episode's number and a row in it, (N, 2) int64.

    Attributes:
        success: The last rows of successful episodes.
        failure: Rows well before those, and every row of failures.
    """

    success: np.ndarray
    failure: np.ndarray


def label_rows(
    lengths: Sequence[int], success: Sequence[bool | None], final_steps: int = 3, margin: int = 3
) -> LabelledRows:
    """Which rows show success and which do not.

    Args:
        lengths: Rows of each episode.
        success: Label of each episode; rows of those without one are of neither kind.
        final_steps: Rows at the end of a successful episode that show success.
        margin: Rows before these that may show either, and are left out.

    Raises:
        ValueError: when `final_steps` is below 1 or `margin` below 0, or one kind is missing.
    """
    if final_steps < 1 or margin < 0:
        raise ValueError(f"final_steps must be at least 1 and margin at least 0, got {final_steps} and {margin}")
    good, bad = [], []
    for episode, (length, label) in enumerate(zip(lengths, success, strict=True)):
        rows = np.stack([np.full(length, episode), np.arange(length)], axis=1)
        if label is False:
            bad.append(rows)
        elif label:
            good.append(rows[max(0, length - final_steps) :])
            bad.append(rows[: max(0, length - final_steps - margin)])
    counts = {True: sum(map(len, good)), False: sum(map(len, bad))}
    if not all(counts.values()):
        raise ValueError(
            f"a classifier needs rows of success and of failure, found {counts[True]} and {counts[False]}; label "
            "episodes as failures, or record longer ones"
        )
    return LabelledRows(np.concatenate(good).astype(np.int64), np.concatenate(bad).astype(np.int64))


def train_success_classifier(
    store: EpisodeStore,
    keys: Sequence[str],
    *,
    episodes: Sequence[int] | None = None,
    steps: int = 500,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-3,
    hidden_sizes: Sequence[int] = (64,),
    final_steps: int = 3,
    margin: int = 3,
    seed: int = 0,
) -> SuccessClassifier:
    """Learn what success looks like, on the CPU. The same arguments give the same classifier.

    Half of every batch is success, however rare that is in the data.

    Args:
        store: The dataset; episodes have ``success`` in their metadata.
        keys: Observations to look at.
        episodes: Numbers of the episodes to learn from; all by default.
        steps: Gradient steps.
        batch_size: Rows in a batch.
        learning_rate: AdamW's.
        weight_decay: AdamW's.
        hidden_sizes: Widths of the layers behind the encoder.
        final_steps: See :func:`label_rows`.
        margin: See :func:`label_rows`.
        seed: Of weights and batches.

    Raises:
        KeyError: naming a key that the dataset lacks.
        ValueError: when there is nothing to tell apart.
    """
    import torch
    import torch.nn.functional as F

    from muse_core.rewards.success_network import SuccessNetwork

    spec = store.spec.select(list(keys))
    ids = [store.ids[i] for i in (range(len(store)) if episodes is None else episodes)]
    labels = [store.metadata(id_).get("success") for id_ in ids]
    opened = OpenEpisodes(store, ids, list(spec))
    lengths = [len(opened[i][next(iter(spec))]) for i in range(len(ids))]
    rows = label_rows(lengths, labels, final_steps, margin)
    statistics = {key: _statistics(opened, len(ids), key) for key, array in spec.items() if not array.is_image}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SuccessNetwork(spec, hidden_sizes, statistics)
    optimizer = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=weight_decay)
    half = max(1, batch_size // 2)
    wanted = torch.cat([torch.ones(half), torch.zeros(half)])
    network.train()
    for chosen in _balanced(rows, half, steps, seed):
        batch = {key: torch.from_numpy(array) for key, array in _gather(opened, chosen, list(spec)).items()}
        loss = F.binary_cross_entropy_with_logits(network(batch), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return SuccessClassifier(spec, hidden_sizes, network)


def _balanced(rows: LabelledRows, half: int, steps: int, seed: int) -> Iterator[np.ndarray]:
    """The rows of each batch, (2 * half, 2): as many of success, first, as of failure."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        yield np.concatenate([kind[rng.integers(len(kind), size=half)] for kind in (rows.success, rows.failure)])


def _statistics(opened: OpenEpisodes, count: int, key: str) -> Statistics:
    running = RunningStatistics()
    for episode in range(count):
        running.update(opened[episode][key])
    return running.result()


def _gather(opened: OpenEpisodes, rows: np.ndarray, keys: Sequence[str]) -> Mapping[str, np.ndarray]:
    """The arrays of these (episode, row) pairs, each (N, ...)."""
    return {key: np.stack([opened[episode][key][row] for episode, row in rows.tolist()]) for key in keys}
