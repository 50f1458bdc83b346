"""One block of memory that several processes see as a dict of arrays: how observations cross without being copied."""

from __future__ import annotations

from multiprocessing.shared_memory import SharedMemory

import numpy as np

from muse_core.spec import Spec

_ALIGNMENT = 64  # bytes; rows of different arrays then share no cache line


class SharedArrays:
    """A batch of a spec's arrays in shared memory.

    Args:
        spec: What lies in it.
        batch: Rows B of each array.
        name: Of the block that another process made; a new one by default.

    Attributes:
        arrays: Key to (B, *shape).
        name: To open the block elsewhere.
    """

    def __init__(self, spec: Spec, batch: int, name: str | None = None) -> None:
        offsets, size = {}, 0
        for key, array in spec.items():
            offsets[key] = size
            size += -(-array.zeros(batch).nbytes // _ALIGNMENT) * _ALIGNMENT
        self._owner = name is None
        self._memory = SharedMemory(name, create=self._owner, size=max(size, 1))
        self.name = self._memory.name
        self.arrays = {
            key: np.ndarray((batch, *array.shape), array.dtype, self._memory.buf, offsets[key])
            for key, array in spec.items()
        }

    def copy(self) -> dict[str, np.ndarray]:
        """The arrays as they are now, in memory of this process's own."""
        return {key: array.copy() for key, array in self.arrays.items()}

    def close(self) -> None:
        """Give the memory back; the block goes when its maker closes it. No array of `arrays` may be in use."""
        self.arrays = {}
        self._memory.close()
        if self._owner:
            self._memory.unlink()
            self._owner = False
