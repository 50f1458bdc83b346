"""Batches of windows out of an episode folder: ``dict`` of (B, H, ...) arrays, and the mask of the real steps."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.statistics import Statistics, compute_statistics
from muse_core.datasets.store import DatasetError
from muse_core.datasets.windows import index_windows, window_rows

# A memory map keeps a file descriptor open; this many episodes of a few images each stay far below the usual limit.
OPEN_EPISODES = 64

Arrays = dict[str, np.ndarray]


class SequenceDataset:
    """Windows over some episodes of a folder.

    Low-dimensional arrays are kept in memory, and images too while they fit into `memory_bytes`; what does not fit is
    read from its memory maps.
    """

    def __init__(
        self,
        folder: EpisodeFolder,
        names: Sequence[str],
        horizon: int,
        *,
        episodes: Sequence[int] | None = None,
        pad_start: int = 0,
        pad_end: int | None = None,
        stride: int = 1,
        memory_bytes: int = 2 * 1024**3,
    ) -> None:
        """Index the windows and take in what is to be kept in memory.

        Args:
            folder: Episodes on disk.
            names: Keys to read.
            horizon: Steps in a window.
            episodes: Positions in the folder; all by default.
            pad_start: Steps that a window may begin before its episode.
            pad_end: Steps that a window may end after its episode; ``horizon - 1`` by default.
            stride: Rows between the starts of windows.
            memory_bytes: How much may be kept in memory.

        Raises:
            KeyError: naming a key that the folder lacks.
            DatasetError: naming a file that is damaged or holds a value that is not finite.
        """
        self.spec = folder.spec.select(list(names))
        self.episodes = list(range(len(folder))) if episodes is None else list(episodes)
        self._folder = folder
        lengths = np.asarray(folder.lengths)[self.episodes]
        pad_end = horizon - 1 if pad_end is None else pad_end
        self.windows = index_windows(lengths, horizon, pad_start=pad_start, pad_end=pad_end, stride=stride)
        row_bytes = {name: int(np.prod(a.shape)) * np.dtype(a.dtype).itemsize for name, a in self.spec.items()}
        budget = memory_bytes // max(1, int(lengths.sum()))
        self._kept_names = [n for n in sorted(self.spec, key=row_bytes.__getitem__) if not self.spec[n].is_image]
        budget -= sum(row_bytes[n] for n in self._kept_names)
        for name in (n for n in self.spec if self.spec[n].is_image):
            if row_bytes[name] <= budget:
                self._kept_names.append(name)
                budget -= row_bytes[name]
        self._kept = [self._keep(i) for i in self.episodes]
        self._open: OrderedDict[int, Mapping[str, np.ndarray]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def in_memory(self) -> bool:
        """Whether no file is read any more."""
        return len(self._kept_names) == len(self.spec)

    def get_batch(self, indices: Sequence[int] | np.ndarray) -> Arrays:
        """The windows with these indices.

        Returns:
            Every key as (B, H, ...), and ``mask`` (B, H) bool: False for steps outside the episode, which repeat its
            first or last row.
        """
        indices = np.asarray(indices)
        horizon = self.windows.horizon
        start, length = self.windows.start[indices], self.windows.length[indices]
        rows, mask = window_rows(start, length, horizon)
        batch: Arrays = {n: np.empty((len(indices), horizon, *a.shape), a.dtype) for n, a in self.spec.items()}
        for b, episode in enumerate(self.windows.episode[indices]):
            first, last = int(rows[b, 0]), int(rows[b, -1])
            before = int(max(0, -start[b]))
            after = before + last - first + 1
            for name, source in self._arrays(int(episode)).items():
                window = batch[name][b]
                window[before:after] = source[first : last + 1]
                window[:before] = window[before]
                window[after:] = window[after - 1]
        batch["mask"] = mask
        return batch

    def statistics(self) -> dict[str, Statistics]:
        """Statistics of every array but images, over the rows of these episodes."""
        names = [n for n in self.spec if not self.spec[n].is_image]
        return compute_statistics(self._kept, names)

    def _keep(self, episode: int) -> Arrays:
        found = self._folder.get_episode(episode)
        try:
            kept = {name: np.array(found.arrays[name]) for name in self._kept_names}
        except ValueError as error:  # a frame that does not decode
            raise DatasetError(f"{error}; convert the episode again or remove it") from error
        for name, array in kept.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                where = self._folder.path / found.id / f"{name}.npy"
                raise DatasetError(f"{where}: holds values that are not finite; convert the episode again or remove it")
        return kept

    def _arrays(self, position: int) -> Mapping[str, np.ndarray]:
        """All arrays of one episode: kept in memory, or mapped."""
        if self.in_memory:
            return self._kept[position]
        if position not in self._open:
            arrays = self._folder.get_episode(self.episodes[position]).arrays
            self._open[position] = {n: self._kept[position].get(n, arrays[n]) for n in self.spec}
            if len(self._open) > OPEN_EPISODES:
                self._open.popitem(last=False)
        self._open.move_to_end(position)
        return self._open[position]
