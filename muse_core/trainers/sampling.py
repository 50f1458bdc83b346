"""The order in which a run sees its windows, as its config asks for it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from muse_core.configs import TrainConfig, suggestion
from muse_core.datasets.sampler import EpisodeSampler, Sampler, WeightedSampler, WindowSampler, value_weights
from muse_core.datasets.sequence import SequenceDataset
from muse_core.trainers.distributed import Processes


def make_sampler(config: TrainConfig, parts: Mapping[str, SequenceDataset], processes: Processes) -> Sampler:
    """The order in which windows are drawn.

    Raises:
        ValueError: when weights do not fit the data.
    """
    place = {"rank": processes.rank, "world_size": processes.world_size}
    data = [*parts.values()]
    sizes = [len(part) for part in data]
    counts = [np.bincount(part.windows.episode, minlength=len(part.ids)) for part in data]
    if config.sampling == "windows" and not config.dataset_weights:
        return WindowSampler(sum(sizes), config.batch_size, config.seed, **place)
    if config.sampling == "episodes" and not config.dataset_weights:
        return EpisodeSampler(np.concatenate(counts), config.batch_size, config.seed, **place)
    weights = np.ones(sum(sizes))
    if config.sampling == "weighted":
        values = np.concatenate([values_at_start(part, config.sampling_key) for part in data])
        weights = value_weights(values, dict(enumerate(config.sampling_weights)) or None)
    elif config.sampling == "episodes":
        weights = np.concatenate([np.repeat(1.0 / c[c > 0], c[c > 0]) for c in counts])
    if config.dataset_weights:
        ends = np.cumsum(sizes)[:-1]
        shares = [part / part.sum() if part.sum() else part for part in np.split(weights, ends)]
        weights = np.concatenate([w * s for w, s in zip(config.dataset_weights, shares, strict=True)])
    return WeightedSampler(weights, config.batch_size, config.seed, **place)


def values_at_start(part: SequenceDataset, key: str) -> np.ndarray:
    """The value of a whole-number array at the first row of every window, (N,).

    Raises:
        ValueError: when there is no such array, or it is no single whole number a row.
    """
    stored = part.stored_spec
    if key not in stored:
        raise ValueError(f"--sampling_key: the dataset has no {key!r}{suggestion(key, [*stored])}")
    array = stored[key]
    if array.role == "episode" or np.prod(array.shape) != 1 or np.dtype(array.dtype).kind not in "biu":
        each = "an episode" if array.role == "episode" else "a row"
        raise ValueError(
            f"--sampling_key {key} must be one whole number a row, not {array.dtype} of shape {array.shape} {each}"
        )
    episodes = [np.asarray(part.get_episode(i, [key]).arrays[key]) for i in range(len(part.ids))]
    starts = np.maximum(part.windows.start, 0)
    return np.array([episodes[e][s].item() for e, s in zip(part.windows.episode, starts, strict=True)])
