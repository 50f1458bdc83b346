"""A policy that plays the recorded actions of one episode, whatever it observes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from muse_core.spec import Arrays

if TYPE_CHECKING:
    from muse_core.datasets.store import EpisodeStore


class ReplayPolicy:
    """Plays one episode of a dataset, each row once, and ends with it.

    Args:
        store: The dataset.
        episode: Number or id of the episode. :meth:`seed` chooses the one that was recorded with that seed.
        keys: Actions to play; every array of role ``action`` by default.

    Raises:
        KeyError: when the dataset has no such episode or key.
        IndexError: when it has no episode of this number.
        ValueError: when its spec has no action.
    """

    def __init__(self, store: EpisodeStore, episode: int | str = 0, keys: Sequence[str] | None = None) -> None:
        keys = [key for key, array in store.spec.items() if array.role == "action"] if keys is None else list(keys)
        if not keys:
            raise ValueError(f"no array of role `action` among {', '.join(store.spec)}: name the keys to play")
        store.spec.select(keys)
        self._store = store
        self._keys = keys
        self._by_seed: dict[int, str] | None = None
        self._load(episode)

    def __len__(self) -> int:
        """Steps in the episode."""
        return self._length

    @property
    def terminated(self) -> bool:
        """Whether the last row has been played."""
        return self._row == self._length

    def seed(self, seed: int) -> None:
        """Choose the episode that was recorded with this seed of the environment.

        Raises:
            KeyError: when there is none.
        """
        if self._by_seed is None:
            seeds = ((self._store.metadata(id_).get("seed"), id_) for id_ in self._store.ids)
            self._by_seed = {int(found): id_ for found, id_ in seeds if found is not None}
        if seed not in self._by_seed:
            known = f"from {min(self._by_seed)} to {max(self._by_seed)}" if self._by_seed else "of none"
            raise KeyError(f"no episode was recorded with seed {seed}; the dataset names seeds {known}")
        self._load(self._by_seed[seed])

    def reset(self) -> None:
        """Begin at the first row."""
        self._row = 0

    def act(self, observation: Arrays) -> Arrays:
        """The next recorded action.

        Raises:
            RuntimeError: after the last row.
        """
        if self.terminated:
            raise RuntimeError(f"episode {self._id!r} has {self._length} steps, and all are played: call reset()")
        action = {key: np.array(array[self._row]) for key, array in self._arrays.items()}
        self._row += 1
        return action

    def _load(self, episode: int | str) -> None:
        found = self._store.get_episode(episode, self._keys)
        self._id, self._length = found.id, len(found)
        self._arrays = {key: found.arrays[key] for key in self._keys}
        self.reset()
