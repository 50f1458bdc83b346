"""Episodes whose arrays are mapped from their files: the ones used last stay open."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np

from muse_core.datasets.store import EpisodeStore


class OpenEpisodes:
    """Arrays of episodes by number. Safe to use from several threads."""

    def __init__(self, store: EpisodeStore, ids: Sequence[str], names: Sequence[str]) -> None:
        """Open nothing yet.

        Args:
            store: Where the episodes are.
            ids: Which, in the order of their numbers; the list may grow.
            names: Keys to open.
        """
        self._store, self._ids, self._names = store, ids, list(names)
        self._open: OrderedDict[int, Mapping[str, np.ndarray]] = OrderedDict()
        self._limit = max(8, _file_limit() // 2 // max(1, len(self._names)))
        self._lock = threading.Lock()

    def __getitem__(self, number: int) -> Mapping[str, np.ndarray]:
        with self._lock:
            if number in self._open:
                self._open.move_to_end(number)
                return self._open[number]
        arrays = self._store.get_episode(self._ids[number], self._names).arrays
        # As plain arrays, which slice several times faster than memory maps do.
        arrays = {n: np.asarray(a) if isinstance(a, np.memmap) else a for n, a in arrays.items()}
        with self._lock:
            self._open[number] = arrays
            while len(self._open) > self._limit:
                self._open.popitem(last=False)
        return arrays


def _file_limit() -> int:
    """How many files this process may hold open; each memory map holds one."""
    try:
        import resource
    except ImportError:  # no POSIX
        return 512
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000_000 if soft == resource.RLIM_INFINITY else soft
