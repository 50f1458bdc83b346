"""The order in which training sees its windows: a pure function of seed and position, so that it resumes exactly."""

from __future__ import annotations

from typing import Any

import numpy as np


def epoch_order(size: int, seed: int, epoch: int) -> np.ndarray:
    """The permutation of ``0 .. size - 1`` that epoch number `epoch` follows."""
    return np.random.default_rng((seed, epoch)).permutation(size)


class WindowSampler:
    """Batches of window indices, uniform over windows: each window once an epoch.

    Epochs follow one another without a seam: a batch may hold the end of one and the beginning of the next, so all have
    the same size. The whole state is the number of indices drawn.
    """

    def __init__(self, size: int, batch_size: int, seed: int) -> None:
        """Sample from `size` windows.

        Raises:
            ValueError: when there is nothing to sample from.
        """
        if size < 1 or batch_size < 1:
            raise ValueError(f"need at least one window and one sample a batch, got {size} and {batch_size}")
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self._drawn = 0
        self._epoch, self._order = -1, np.zeros(0, np.int64)

    def next(self) -> np.ndarray:
        """The next (batch_size,) int64 indices."""
        drawn = np.arange(self._drawn, self._drawn + self.batch_size)
        self._drawn += self.batch_size
        indices = np.empty(self.batch_size, np.int64)
        for epoch in np.unique(drawn // self.size):
            if epoch != self._epoch:
                self._epoch, self._order = int(epoch), epoch_order(self.size, self.seed, int(epoch))
            here = drawn // self.size == epoch
            indices[here] = self._order[drawn[here] % self.size]
        return indices

    def state_dict(self) -> dict[str, Any]:
        """All that :meth:`load_state_dict` needs to go on from here."""
        return {"seed": self.seed, "size": self.size, "drawn": self._drawn}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another sampler stood.

        Raises:
            ValueError: when that sampler drew from other data or with another seed: the order would not be the same.
        """
        for name in ("seed", "size"):
            if state[name] != getattr(self, name):
                raise ValueError(
                    f"cannot resume the sampler: its {name} was {state[name]}, now it is {getattr(self, name)}; "
                    "is this the same dataset, with the same seed?"
                )
        self._drawn = int(state["drawn"])
