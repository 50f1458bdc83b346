"""What every dataset on disk offers, whatever its format; windows, statistics and exchange are written against this.

Implementations: :class:`~muse_core.datasets.episode_folder.EpisodeFolder` (ours),
:class:`~muse_core.datasets.npz.file.NpzFile` (the original Muse's flat ``.npz``) and
:class:`~muse_core.datasets.robomimic.file.RobomimicFile` (robomimic's HDF5).
:func:`~muse_core.datasets.opening.open_dataset` picks the right one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from muse_core.spec import Spec


class DatasetError(ValueError):
    """A dataset is not what it should be; the message names the file and what to do."""


@dataclass(frozen=True)
class Episode:
    """One episode.

    Attributes:
        id: Its name within the dataset.
        arrays: Key to (T, *shape) array, memory-mapped and read-only where the format allows; a key of the role
            ``episode`` has no time axis, it is (*shape). Images stored as JPEG are decoded when indexed.
        metadata: Plain data: success, task, parent, segment, source, ...
        length: Rows, T.
    """

    id: str
    arrays: Mapping[str, np.ndarray]
    metadata: dict[str, Any]
    length: int

    def __len__(self) -> int:
        return self.length


@runtime_checkable
class EpisodeStore(Protocol):
    """Episodes that are read one at a time, in a fixed order, all holding the keys of one spec."""

    path: Path
    spec: Spec
    contract: dict[str, Any] | None
    provenance: dict[str, Any] | None

    @property
    def ids(self) -> list[str]:
        """Names of the episodes, in their order."""

    @property
    def lengths(self) -> np.ndarray:
        """Rows of each episode, (E,) int64."""

    def __len__(self) -> int:
        """Number of episodes."""

    def get_episode(self, which: int | str, names: Sequence[str] | None = None) -> Episode:
        """The episode of this number or id, with these of its arrays; all by default.

        Raises:
            KeyError: if there is none of this id.
            IndexError: if there is none of this number.
            DatasetError: if it is damaged; the message names the file.
        """

    def metadata(self, which: int | str) -> dict[str, Any]:
        """The metadata of one episode, without touching its arrays."""

    def add_episode(
        self, episode_id: str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Append an episode.

        Raises:
            DatasetError: if the id is taken, or this format cannot be appended to.
            SpecError: if an array is not what the spec says.
        """


def recorded_rate(store: EpisodeStore) -> float | None:
    """Rows per second, from the contract or the provenance, where either says."""
    for source in (store.contract, store.provenance):
        if source and source.get("rate_hz"):
            return float(source["rate_hz"])
    return None


def number_of(store: EpisodeStore, which: int | str) -> int:
    """The number of an episode that is named or numbered, from the end where negative.

    Raises:
        KeyError: if there is none of this name.
        IndexError: if there is none of this number.
    """
    if isinstance(which, str):
        if which not in store.ids:
            raise KeyError(f"no episode {which!r} in {store.path}; it has {len(store)} of them, see `.ids`")
        return store.ids.index(which)
    if not -len(store) <= which < len(store):
        raise IndexError(f"no episode number {which} in {store.path}, which has {len(store)}")
    return int(which) % len(store)
