"""What training reads: windows by number, as batches. Shared by one dataset and by several that are mixed.

A batch is a flat ``dict``: observations (B, O, ...), actions and other keys of the rows (B, H, ...), keys of whole
episodes and goals (B, ...); ``mask`` (B, H) and, where the observation steps are given, ``observation_mask`` (B, O),
bool: False for steps outside the episode, which repeat its first or last row and must not enter a loss.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from muse_core.datasets.augment import Augmenter
from muse_core.datasets.statistics import Statistics
from muse_core.datasets.views import View
from muse_core.spec import Arrays, Spec

Size = tuple[int, int]  # (height, width) [px]


class WindowData(ABC):
    """Windows by number; a kind of it says what a window is, by :meth:`fill`.

    Attributes:
        spec: Of a batch.
        lead: Batch key to its time dimensions: (T,), or () for goals and what belongs to a whole episode.
        ids: Names of the episodes.
        in_memory: Whether no file is read any more.
    """

    spec: Spec
    lead: Mapping[str, tuple[int, ...]]
    ids: list[str]
    in_memory: bool

    @abstractmethod
    def __len__(self) -> int:
        """Number of windows."""

    @abstractmethod
    def fill(
        self,
        batch: Mapping[str, np.ndarray],
        places: np.ndarray,
        indices: np.ndarray,
        positions: np.ndarray,
        views: Mapping[str, View],
    ) -> None:
        """Write windows into some places of a batch.

        Args:
            batch: Buffers of :func:`allocate`.
            places: (N,) samples of the batch to write.
            indices: (N,) windows.
            positions: (N,) positions in the order of draws, the seeds of what is random.
            views: Image key to what is seen, for these N samples.
        """

    @abstractmethod
    def statistics(self) -> dict[str, Statistics]:
        """Statistics of every numeric array but images."""

    def get_batch(
        self,
        indices: Sequence[int] | np.ndarray,
        out: Mapping[str, np.ndarray] | None = None,
        *,
        positions: np.ndarray | None = None,
        augment: Augmenter | None = None,
    ) -> Arrays:
        """Windows as a batch; a pure function of its arguments.

        Args:
            indices: (B,) numbers of windows.
            out: Buffers of :func:`allocate` to write to, of this batch size; new ones by default.
            positions: (B,) positions in the order of draws, by which goals are drawn and samples augmented; by default
                the indices.
            augment: Changes to make, in training only.

        Raises:
            ValueError: when `out` is not what :func:`allocate` gives.
        """
        indices = np.asarray(indices, np.int64)
        positions = indices if positions is None else np.asarray(positions)
        sizes = augment.sizes if augment else {}
        batch = allocate(self, len(indices), sizes) if out is None else dict(out)
        if out is not None:
            _check_buffers(self, batch, len(indices), sizes)
        steps = {name: lead[0] if lead else 1 for name, lead in self.lead.items()}
        views = augment.views(positions, steps) if augment else {}
        self.fill(batch, np.arange(len(indices)), indices, positions, views)
        if augment:
            augment.finish(batch, positions)
        return batch


def allocate(data: WindowData, batch_size: int, sizes: Mapping[str, Size] | None = None) -> Arrays:
    """Buffers for a batch. Reused from batch to batch they save the operating system's handing out fresh memory.

    Args:
        data: Whose windows.
        batch_size: B.
        sizes: Image key to (height, width) where that is not the spec's, :attr:`Augmenter.sizes`.
    """
    sizes = sizes or {}
    batch = {}
    for name, lead in data.lead.items():
        if name not in data.spec:  # a mask
            batch[name] = np.empty((batch_size, *lead), bool)
            continue
        array = data.spec[name]
        shape = (*sizes[name], *array.shape[2:]) if name in sizes else array.shape
        batch[name] = np.empty((batch_size, *lead, *shape), array.dtype)
    return batch


def _check_buffers(data: WindowData, batch: Arrays, batch_size: int, sizes: Mapping[str, Size]) -> None:
    for name, lead in data.lead.items():
        shape: tuple[int, ...] = (batch_size, *lead)
        if name in data.spec:
            inner = data.spec[name].shape
            shape += (*sizes[name], *inner[2:]) if name in sizes else inner
        found = batch[name].shape if name in batch else "none"
        if found != shape:
            raise ValueError(f"buffer for {name!r}: expected shape {shape}, got {found}; make them with allocate()")
