"""One array in one ``.npy`` file, written a few rows at a time, so that an array may be larger than the memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np

from muse_core.spec import ArraySpec, SpecError

CHUNK_BYTES = 16 * 1024**2


class Rows(Protocol):
    """What can be read like an array, a slice of rows at a time: an array, a memory map, a dataset in an HDF5 file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, ...)."""

    def __getitem__(self, index: Any) -> np.ndarray: ...


def key_path(key: str) -> Path:
    """Where a key's file lies within its episode, without the suffix.

    Raises:
        SpecError: when a part of the key between slashes is empty.
    """
    parts = [quote(part, safe=" ") for part in key.split("/")]
    if not all(parts):
        raise SpecError(f"a key is names with single slashes between them, such as target/ee_position; got {key!r}")
    return Path(*(f"%2E{part[1:]}" if part.startswith(".") else part for part in parts))


def rows_at_once(row_shape: Iterable[int], dtype: str | np.dtype) -> int:
    """How many rows make a chunk."""
    row_bytes = int(np.prod(list(row_shape), dtype=np.int64)) * max(1, np.dtype(dtype).itemsize)
    return max(1, CHUNK_BYTES // max(1, row_bytes))


def checked_rows(name: str, spec: ArraySpec, source: Rows, finite: bool = True) -> Iterator[np.ndarray]:
    """The rows of an array in chunks, each checked against the spec. What belongs to a whole episode is one chunk.

    Args:
        name: Of the key, for messages.
        spec: What it should be.
        source: (T, *shape), or (*shape) for the role ``episode``.
        finite: Whether values that are not finite are refused.

    Raises:
        SpecError: when a chunk is not what the spec says.
    """
    if spec.role == "episode" or spec.dtype == "str":
        whole = np.asarray(source)
        spec.check(name, whole, whole.ndim - len(spec.shape), finite)
        yield whole
        return
    count, step = source.shape[0], rows_at_once(spec.shape, spec.dtype)
    for begin in range(0, count, step):
        chunk = np.asarray(source[begin : min(count, begin + step)])
        spec.check(name, chunk, 1, finite)
        yield chunk


def write_npy(path: Path, spec: ArraySpec, shape: tuple[int, ...], chunks: Iterable[np.ndarray]) -> None:
    """Write the rows of an array of this shape to a ``.npy`` file of the spec's dtype."""
    with open(path, "wb") as file:
        if spec.dtype == "str":
            (whole,) = chunks
            np.save(file, whole, allow_pickle=False)
            return
        dtype = np.dtype(spec.dtype)
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": tuple(shape)}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            file.write(np.ascontiguousarray(chunk, dtype).data)
