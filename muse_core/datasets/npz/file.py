"""Datasets in one flat ``.npz``, the original Muse's format, read in bounded memory.

Where the arrays lie in the file as numpy has them in memory, they are mapped in place. Otherwise (compressed, BGR, big
endian) the file is unpacked once, an episode at a time, into a dataset folder beside it, ``NAME.npz.unpacked``, which
is used as long as the file stays what it was. Text columns are read without running pickle code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.npz.columns import NpzColumns
from muse_core.datasets.npz.layout import ColourOrder, NpzLayout, Unfinished, read_layout
from muse_core.datasets.npz.unpacking import unpacked, write_episodes
from muse_core.datasets.store import DatasetError, Episode, EpisodeStore, number_of


class NpzFile:
    """A ``.npz`` in the original's layout; an :class:`~muse_core.datasets.store.EpisodeStore` to read from.

    Attributes:
        path: The file.
        spec: Of its episodes. Images are RGB, whatever the file holds.
        contract: The contract that made the data, where a file of Muse's own says so.
        provenance: Where the data comes from; ``colour_order`` is ``rgb``, ``source_colour_order`` the file's.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        colour_order: ColourOrder | None = None,
        unfinished: Unfinished = "refuse",
        leave_out: Sequence[str] = (),
    ) -> None:
        """Read the headers and where episodes end; arrays are read when they are asked for.

        Args:
            path: The file.
            colour_order: Of its images; None goes by what the file says, and BGR where it says nothing.
            unfinished: What to do with rows after the last `done`.
            leave_out: Keys not to read.

        Raises:
            FileNotFoundError: when there is no such file.
            DatasetError: when it is damaged or laid out otherwise; the message says how.
        """
        self.path = Path(path)
        self._columns = NpzColumns(self.path)
        self.layout: NpzLayout = read_layout(self._columns, colour_order, unfinished, tuple(leave_out))
        self.spec = self.layout.spec
        self.contract: dict[str, Any] | None = self.layout.meta.get("contract")
        self.provenance: dict[str, Any] | None = {
            **(self.layout.meta.get("provenance") or {}),
            "read_from": self.path.name,
            "colour_order": "rgb",
            "source_colour_order": "bgr" if self.layout.swapped else "rgb",
        }
        self._ends = np.cumsum(self.layout.lengths)
        self._mapped: dict[str, np.ndarray] | None = None
        self._folder: EpisodeStore | None = None

    @property
    def ids(self) -> list[str]:
        """Names of the episodes, in the order of the file."""
        return list(self.layout.ids)

    @property
    def lengths(self) -> np.ndarray:
        """Rows of each episode, (E,) int64."""
        return self.layout.lengths.copy()

    @property
    def can_be_mapped(self) -> bool:
        """Whether the file is read in place."""
        columns = self._columns.columns
        return not self.layout.swapped and all(columns[k].can_be_mapped or columns[k].is_text for k in self.spec)

    def __len__(self) -> int:
        return len(self.layout.ids)

    def get_episode(self, which: int | str, names: Sequence[str] | None = None) -> Episode:
        """The episode of this number or name, with these of its arrays; all by default.

        The first call unpacks the file where that is needed.

        Raises:
            KeyError: if there is none of this name.
            IndexError: if there is none of this number.
            DatasetError: if the file is damaged, or cannot be unpacked.
        """
        number = number_of(self, which)
        keys = list(self.spec if names is None else names)
        length, episode_id = int(self.layout.lengths[number]), self.layout.ids[number]
        if keys and not self.can_be_mapped:
            self._folder = self._folder or unpacked(self._columns, self.layout, self.provenance)
            arrays: Mapping[str, np.ndarray] = self._folder.get_episode(episode_id, keys).arrays
        else:
            arrays = {key: self._slice(key, number) for key in keys}
        return Episode(episode_id, arrays, self.metadata(number), length)

    def metadata(self, which: int | str) -> dict[str, Any]:
        """The metadata of one episode; empty for files that Muse did not write."""
        return dict(self.layout.metadata[number_of(self, which)])

    def add_episode(
        self, episode_id: str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Refuse: one flat file cannot be appended to.

        Raises:
            DatasetError: always, saying what to do instead.
        """
        raise DatasetError(
            f"{self.path}: nothing can be added to a .npz; `muse import {self.path} -o data/NAME` makes a dataset "
            "folder of it, which grows"
        )

    def write_to(
        self, folder: EpisodeFolder, names: Sequence[str], metadata: Sequence[Mapping[str, Any]], jpeg_quality: int
    ) -> None:
        """Add every episode to a folder with the same keys, straight out of the packed file.

        Raises:
            DatasetError: when the file is damaged, or an array is not what the folder takes.
        """
        write_episodes(self._columns, self.layout, folder, names, metadata, jpeg_quality)

    def _slice(self, key: str, number: int) -> np.ndarray:
        if self._mapped is None:
            self._mapped = {}
        if key not in self._mapped:
            array = self._columns.read(key) if self._columns.columns[key].is_text else self._columns.map(key)
            array.flags.writeable = False
            self._mapped[key] = array
        array, end = self._mapped[key], int(self._ends[number])
        begin = end - int(self.layout.lengths[number])
        if self.spec[key].role != "episode":
            return array[begin:end]
        cut = self.layout.cut.get(key)
        return array[{"first": begin, "last": end - 1, None: number}[cut]]
