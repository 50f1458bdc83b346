"""Training batches, prepared on a thread while the last one is being learnt from."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from muse_core.datasets.augment import random_shift
from muse_core.datasets.sampler import WindowSampler
from muse_core.datasets.sequence import Arrays, SequenceDataset


def training_batch(data: SequenceDataset, indices: np.ndarray, shift: int, seed: tuple[int, ...]) -> Arrays:
    """The windows with these indices, images augmented. A pure function of its arguments."""
    batch = data.get_batch(indices)
    rng = np.random.default_rng(seed)
    for name in (n for n, array in data.spec.items() if array.is_image):
        batch[name] = random_shift(batch[name], shift, rng)
    return batch


def prefetch(data: SequenceDataset, sampler: WindowSampler, shift: int, seed: int) -> Iterator[tuple[Arrays, dict]]:
    """Batches without end, each with the state of the sampler after it.

    The augmentation of each batch draws from a generator of its own, seeded by how much had been drawn before, so that
    a run that resumes from the state sees what the uninterrupted one would have seen.
    """

    def submit(pool: ThreadPoolExecutor) -> tuple[Future, dict]:
        position = sampler.state_dict()["drawn"]
        indices = sampler.next()
        return pool.submit(training_batch, data, indices, shift, (seed, position)), sampler.state_dict()

    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        coming = submit(pool)
        while True:
            future, state = coming
            coming = submit(pool)
            yield future.result(), state
