"""The pictures of all training episodes in the device's memory, and windows of them cut out there.

A batch then costs no copy from disk or from the CPU's memory but that of its few numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from muse_core.configs import ConfigError
from muse_core.datasets.augment import Augmenter
from muse_core.datasets.sequence import SequenceDataset
from muse_core.datasets.windows import window_rows
from muse_core.models.model import Tensors


class DeviceImages:
    """Windows of pictures by number, augmented as :class:`Augmenter` would, in bytes."""

    def __init__(self, parts: Sequence[SequenceDataset], augmenter: Augmenter, device: torch.device) -> None:
        """Read every picture once.

        Args:
            parts: Datasets whose windows are numbered one after the other.
            augmenter: What is changed of them.
            device: Where they are to lie.

        Raises:
            ConfigError: when they do not fit.
        """
        self._augmenter, self._device = augmenter, device
        lead = parts[0].lead
        self.names = [name for name, array in parts[0].spec.items() if array.is_image]
        self._steps = {name: lead[name][0] for name in self.names}
        lengths = [np.asarray([part.get_episode(i).length for i in range(len(part.ids))]) for part in parts]
        first = np.concatenate([[0], np.cumsum(np.concatenate(lengths))[:-1]])
        before = np.cumsum([0, *(len(part.ids) for part in parts)])
        self._first = first[np.concatenate([p.windows.episode + b for p, b in zip(parts, before, strict=False)])]
        self._start = np.concatenate([part.windows.start for part in parts])
        self._length = np.concatenate([part.windows.length for part in parts])
        self._horizon, self._skip = parts[0].windows.horizon, parts[0].windows.skip
        rows = int(sum(each.sum() for each in lengths))
        try:
            self._images = {
                name: torch.empty((rows, *parts[0].spec[name].shape), dtype=torch.uint8, device=device)
                for name in self.names
            }
        except (RuntimeError, MemoryError) as error:
            raise ConfigError(
                f"--data_on_device: {rows} rows of pictures do not fit into the memory of {device}"
            ) from error
        row = 0
        for part in parts:
            for i in range(len(part.ids)):
                episode = part.get_episode(i)
                for name, images in self._images.items():
                    images[row : row + len(episode)] = torch.from_numpy(np.array(episode.arrays[name])).to(device)
                row += len(episode)

    def get_windows(self, indices: np.ndarray, positions: np.ndarray) -> Tensors:
        """Image key to (B, T, height, width, 3) uint8.

        Args:
            indices: (B,) numbers of windows.
            positions: (B,) positions in the order of draws.
        """
        rows, _ = window_rows(self._start[indices], self._length[indices], self._horizon, self._skip)
        rows += self._first[indices][:, None]
        views = self._augmenter.views(positions, self._steps)
        found = {}
        for name, images in self._images.items():
            steps = self._steps[name]
            at = torch.from_numpy(rows[:, :steps]).to(self._device)
            cut = self._cut(images, at, views[name].size, views[name].corners) if name in views else images[at]
            if self._augmenter.recolours and images.shape[-1] == 3:
                cut = _recolour(cut, self._augmenter.colours(name, positions, steps))
            found[name] = cut
        return found

    def _cut(self, images: Tensor, rows: Tensor, size: tuple[int, int], corners: np.ndarray) -> Tensor:
        """What is seen through a rectangle; beyond the border its nearest pixel is repeated."""
        corner = torch.from_numpy(corners.reshape(len(corners), -1, 2)).to(self._device)  # (B, 1 or T, 2)
        places = [
            (corner[..., axis, None] + torch.arange(size[axis], device=self._device)).clamp(
                0, images.shape[1 + axis] - 1
            )
            for axis in (0, 1)
        ]
        return images[rows[:, :, None, None], places[0][:, :, :, None], places[1][:, :, None, :]]


def _recolour(images: Tensor, maps: np.ndarray) -> Tensor:
    """Every pixel of (B, T, height, width, 3) bytes through its map, (B, 3, 4) or (B * T, 3, 4)."""
    table = torch.from_numpy(maps).to(images.device, torch.float32)
    flat = images.reshape(len(table), -1, 3).float()
    changed = torch.baddbmm(table[:, None, :, 3], flat, table[:, :, :3].transpose(1, 2))
    return changed.round_().clamp_(0, 255).to(torch.uint8).reshape(images.shape)
