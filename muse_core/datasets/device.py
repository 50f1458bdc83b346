"""A whole dataset on the device that learns from it: batches are gathered there, and nothing is copied in training.

For datasets that fit beside the model. Images stay bytes; the model makes numbers of them. Needs torch, which is
imported when a dataset is moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from muse_core.datasets.sequence import SequenceDataset
from muse_core.spec import ArraySpec

if TYPE_CHECKING:
    import torch


def device_bytes(data: SequenceDataset) -> int:
    """How much memory of the device :class:`DeviceDataset` takes, apart from batches."""
    total = 0
    for array in data.columns.values():
        count = len(data.ids) if array.role == "episode" else data.row_count
        total += count * int(np.prod(array.shape)) * np.dtype(array.dtype).itemsize
    return total


class DeviceDataset:
    """The windows of a :class:`SequenceDataset`, held on a device as one tensor a key.

    Gives what `data.get_batch` gives, as tensors. Augmentation is not applied: crops and colours are the loader's, on
    the CPU, so that a run that augments reads from there.
    """

    def __init__(self, data: SequenceDataset, device: torch.device | str) -> None:
        """Copy every key to the device, an episode at a time.

        Args:
            data: What to hold; episodes added to it later are not seen.
            device: Where.

        Raises:
            RuntimeError: by torch, when the device has not that much memory; see :func:`device_bytes`.
        """
        import torch

        self._data, self._torch, self.device = data, torch, torch.device(device)
        self._columns = {name: self._column(name, array) for name, array in data.columns.items()}

    def __len__(self) -> int:
        return len(self._data)

    def get_batch(
        self, indices: Sequence[int] | np.ndarray, *, positions: np.ndarray | None = None
    ) -> dict[str, torch.Tensor]:
        """The windows with these indices, as tensors on the device.

        Args:
            indices: (B,) numbers of windows.
            positions: (B,) places in the order of draws, by which goals are drawn; the indices by default.
        """
        indices = np.asarray(indices, np.int64)
        found = self._data.rows_of(indices, indices if positions is None else np.asarray(positions))
        batch = {name: self._to_device(mask) for name, mask in found.masks.items()}
        for name, (source, rows) in found.rows.items():
            batch[name] = self._columns[source][self._to_device(rows)]
        return batch

    def _column(self, name: str, array: ArraySpec) -> torch.Tensor:
        constant = array.role == "episode"
        count = len(self._data.ids) if constant else self._data.row_count
        column = self._torch.empty((count, *array.shape), dtype=getattr(self._torch, array.dtype), device=self.device)
        at = 0
        for number in range(len(self._data.ids)):
            values = np.array(self._data.get_episode(number, [name]).arrays[name], array.dtype)
            values = values[None] if constant else values
            column[at : at + len(values)] = self._torch.from_numpy(values)
            at += len(values)
        return column

    def _to_device(self, array: np.ndarray) -> torch.Tensor:
        return self._torch.from_numpy(np.ascontiguousarray(array)).to(self.device, non_blocking=True)
