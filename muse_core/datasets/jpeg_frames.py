"""Images of an episode stored as JPEG: one file of bytes, one of where each frame ends, decoded when indexed.

The codec is imported where it is used, so that datasets of raw images are read without OpenCV.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np


def write_jpeg_frames(folder: Path, key: str, frames: Iterable[np.ndarray], quality: int) -> None:
    """Encode T frames, each (H, W, 3) uint8 RGB, into ``<key>.jpg.npy`` (bytes) and ``<key>.ends.npy`` (T,) int64."""
    from muse_core.images import encode_jpeg

    encoded = [encode_jpeg(frame, quality) for frame in frames]
    np.save(folder / f"{key}.jpg.npy", np.frombuffer(b"".join(encoded), np.uint8), allow_pickle=False)
    np.save(folder / f"{key}.ends.npy", np.cumsum([len(data) for data in encoded], dtype=np.int64), allow_pickle=False)


class JpegFrames:
    """Reads like a (T, H, W, 3) uint8 array: a number gives one frame, a slice or a list an array of them."""

    dtype = np.dtype(np.uint8)

    def __init__(self, folder: Path, key: str, frame_shape: tuple[int, ...]) -> None:
        self._path = folder / f"{key}.jpg.npy"
        self._bytes = np.load(self._path, mmap_mode="r", allow_pickle=False)
        self._ends = np.load(folder / f"{key}.ends.npy", allow_pickle=False)
        self.shape = (len(self._ends), *frame_shape)

    @property
    def ndim(self) -> int:
        """Number of dimensions, 4."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        first, rest = (index[0], index[1:]) if isinstance(index, tuple) else (index, ())
        rows = np.arange(len(self))[first]
        if rows.ndim == 0:
            return self._decode(int(rows))[rest]
        frames = np.empty((rows.size, *self.shape[1:]), np.uint8)
        for place, row in enumerate(rows.ravel()):
            frames[place] = self._decode(int(row))
        return frames.reshape(*rows.shape, *self.shape[1:])[(slice(None), *rest)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or np.uint8, copy=False)

    def _decode(self, row: int) -> np.ndarray:
        from muse_core.images import ImageError, decode_image

        start = int(self._ends[row - 1]) if row else 0
        try:
            return decode_image(self._bytes[start : int(self._ends[row])].tobytes(), self.shape[1:3], None)
        except ImageError as error:
            raise ImageError(f"{self._path}, frame {row}: {error}") from error
