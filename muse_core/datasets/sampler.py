"""The order in which training sees its windows: a pure function of seed and position, so that it resumes exactly.

With several processes all follow one global order: of every ``world_size * batch_size`` places in it each process takes
its own run of ``batch_size``. N processes together draw what one would draw with N times the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from muse_core.datasets.draws import integers, uniform


def epoch_order(size: int, seed: int, epoch: int) -> np.ndarray:
    """The permutation of ``0 .. size - 1`` that epoch number `epoch` follows."""
    return np.random.default_rng((seed, epoch)).permutation(size)


class Sampler:
    """Batches of window indices without end. What is drawn at a place is decided by :meth:`draw`, in each kind."""

    def __init__(self, size: int, batch_size: int, seed: int, *, rank: int = 0, world_size: int = 1) -> None:
        """Sample from `size` windows.

        Args:
            size: Windows there are.
            batch_size: Indices that each :meth:`next` gives this process.
            seed: Of the order.
            rank: Number of this process.
            world_size: Number of processes.

        Raises:
            ValueError: when there is nothing to sample from, or no such process.
        """
        if size < 1 or batch_size < 1:
            raise ValueError(f"need at least one window and one sample a batch, got {size} and {batch_size}")
        if not 0 <= rank < world_size:
            raise ValueError(f"rank must be 0 to world_size - 1, got rank {rank} of {world_size}")
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.rank, self.world_size = rank, world_size
        self._drawn = 0

    @property
    def positions(self) -> np.ndarray:
        """(batch_size,) places in the global order that the next batch is drawn at: the seeds of its augmentation."""
        first = self._drawn + self.rank * self.batch_size
        return np.arange(first, first + self.batch_size)

    def next(self) -> np.ndarray:
        """The next (batch_size,) int64 indices."""
        indices = self.draw(self.positions)
        self._drawn += self.batch_size * self.world_size
        return indices

    def draw(self, positions: np.ndarray) -> np.ndarray:
        """The indices at these places of the order; a pure function of place and seed."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """All that :meth:`load_state_dict` needs to go on from here; the same for every process."""
        return {"kind": type(self).__name__, "seed": self.seed, "size": self.size, "drawn": self._drawn}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another sampler stood.

        Raises:
            ValueError: when that sampler drew from other data, by another rule or with another seed: the order would
                not be the same.
        """
        mine = self.state_dict()
        for name in ("kind", "seed", "size"):
            if state[name] != mine[name]:
                raise ValueError(
                    f"cannot resume the sampler: its {name} was {state[name]}, now it is {mine[name]}; "
                    "is this the same dataset, with the same seed?"
                )
        self._drawn = int(state["drawn"])


class WindowSampler(Sampler):
    """Uniform over windows: each window once an epoch.

    Epochs follow one another without a seam: a batch may hold the end of one and the beginning of the next, so all have
    the same size.
    """

    _epoch, _order = -1, np.zeros(0, np.int64)

    def draw(self, positions: np.ndarray) -> np.ndarray:
        """Places in epoch after epoch, each a permutation of all windows."""
        epochs = positions // self.size
        indices = np.empty(len(positions), np.int64)
        for epoch in np.unique(epochs):
            if epoch != self._epoch:
                self._epoch, self._order = int(epoch), epoch_order(self.size, self.seed, int(epoch))
            here = epochs == epoch
            indices[here] = self._order[positions[here] % self.size]
        return indices


class EpisodeSampler(Sampler):
    """Uniform over episodes, whatever their length: each episode once an epoch, one window of it by chance."""

    def __init__(self, windows_of: Sequence[int] | np.ndarray, batch_size: int, seed: int, **process: int) -> None:
        """Sample from consecutive windows.

        Args:
            windows_of: How many windows each episode has, in their order; those that have none are never drawn.
            batch_size: Indices that each :meth:`next` gives this process.
            seed: Of the order.
            process: `rank` and `world_size`, as for :class:`Sampler`.
        """
        counts = np.asarray(windows_of, np.int64)
        super().__init__(int(counts.sum()), batch_size, seed, **process)
        first = np.cumsum(counts) - counts
        self._first, self._count = first[counts > 0], counts[counts > 0]
        self._order = WindowSampler(len(self._count), 1, seed)

    def draw(self, positions: np.ndarray) -> np.ndarray:
        """Episodes in permuted order, and of each a window."""
        episodes = self._order.draw(positions)
        return self._first[episodes] + integers(self.seed, "window", positions, self._count[episodes])


class WeightedSampler(Sampler):
    """Each window with a probability in proportion to its weight; draws are independent of each other."""

    def __init__(self, weights: Sequence[float] | np.ndarray, batch_size: int, seed: int, **process: int) -> None:
        """Sample by weight.

        Args:
            weights: (N,) of every window, at least 0; :func:`value_weights` makes them.
            batch_size: Indices that each :meth:`next` gives this process.
            seed: Of the order.
            process: `rank` and `world_size`, as for :class:`Sampler`.

        Raises:
            ValueError: when a weight is negative or not finite, or all are 0.
        """
        weights = np.asarray(weights, np.float64)
        super().__init__(len(weights), batch_size, seed, **process)
        if not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum() > 0:
            raise ValueError(
                f"weights must be finite, at least 0 and not all 0; got {weights.min()} to {weights.max()}"
            )
        self._sums = np.cumsum(weights)

    def draw(self, positions: np.ndarray) -> np.ndarray:
        """Windows by the inverse of the cumulated weights."""
        wanted = uniform(self.seed, "weighted", positions, 1)[:, 0] * self._sums[-1]
        return np.searchsorted(self._sums, wanted, side="right")


def value_weights(values: np.ndarray, shares: Mapping[int, float] | None = None) -> np.ndarray:
    """Weights by which each value gets its share of the draws, however many windows have it.

    Args:
        values: (N,) whole numbers, one for each window, such as the ``mode`` of its first row.
        shares: Value to share of the draws; equal shares by default. A value that is not named is never drawn.

    Raises:
        ValueError: when a value of `shares` does not occur, naming those that do.
    """
    found, inverse, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    shares = dict.fromkeys(found.tolist(), 1.0) if shares is None else shares
    missing = sorted(set(shares) - set(found.tolist()))
    if missing:
        raise ValueError(f"no window has the value {missing[0]}; there are {', '.join(map(str, found.tolist()))}")
    return np.array([shares.get(value, 0.0) for value in found.tolist()])[inverse] / counts[inverse]
