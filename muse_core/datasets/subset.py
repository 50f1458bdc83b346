"""Some episodes of a dataset as a dataset: for exporting or reading a part of it without copying the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from muse_core.datasets.store import DatasetError, Episode, EpisodeStore, number_of


class EpisodeSubset:
    """Reads through to the episodes chosen, in the order given.

    Args:
        store: The whole dataset.
        ids: Names of the episodes.

    Raises:
        KeyError: on a name that the dataset does not have.
    """

    def __init__(self, store: EpisodeStore, ids: Sequence[str]) -> None:
        self._store, self._ids = store, list(ids)
        self._numbers = [number_of(store, name) for name in self._ids]
        self.path, self.spec = store.path, store.spec
        self.contract, self.provenance = store.contract, store.provenance

    @property
    def ids(self) -> list[str]:
        """Names of the episodes, in their order."""
        return list(self._ids)

    @property
    def lengths(self) -> np.ndarray:
        """Rows of each episode, (E,) int64."""
        return self._store.lengths[self._numbers]

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self._ids)

    def get_episode(self, which: int | str, names: Sequence[str] | None = None) -> Episode:
        """The episode of this number or id, with these of its arrays; all by default."""
        return self._store.get_episode(self._ids[number_of(self, which)], names)

    def metadata(self, which: int | str) -> dict[str, Any]:
        """The metadata of one episode."""
        return self._store.metadata(self._ids[number_of(self, which)])

    def add_episode(
        self, episode_id: str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Not possible: a part of a dataset is only read.

        Raises:
            DatasetError: always.
        """
        raise DatasetError(f"{self.path}: episodes are added to the whole dataset, not to a part of it")
