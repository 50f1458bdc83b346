"""Training batches, read and augmented on threads while the last ones are learnt from, and brought to the device."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from muse_core.datasets.augment import Augmenter
from muse_core.datasets.batches import WindowData, allocate
from muse_core.datasets.sampler import Sampler
from muse_core.models.model import Tensors
from muse_core.spec import Arrays
from muse_core.trainers.device_images import DeviceImages

# On a CPU the model wants the cores; a GPU eats faster than one thread reads.
THREADS = {"cpu": 1, "cuda": 4}


class Slot:
    """Buffers for one batch. On a GPU's machine they are pinned, so that copying them does not hold up the CPU."""

    def __init__(self, data: WindowData, batch_size: int, augmenter: Augmenter | None, device: torch.device) -> None:
        """Allocate."""
        arrays = allocate(data, batch_size, augmenter.sizes if augmenter else None)
        self._tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        self._device, self._copied = device, None
        self.drawn: tuple[np.ndarray, np.ndarray] = (np.zeros(0), np.zeros(0))  # windows, and places in their order
        if device.type == "cuda":
            self._tensors = {name: tensor.pin_memory() for name, tensor in self._tensors.items()}
            self._copied = torch.cuda.Event()
        self.arrays: Arrays = {name: tensor.numpy() for name, tensor in self._tensors.items()}

    def wait_until_free(self) -> None:
        """Until what was in it has been copied."""
        if self._copied is not None:
            self._copied.synchronize()

    def on_device(self) -> Tensors:
        """The batch where the model is; on a CPU these are the buffers themselves."""
        if self._copied is None:
            return dict(self._tensors)
        tensors = {name: t.to(self._device, non_blocking=True) for name, t in self._tensors.items()}
        self._copied.record()
        return tensors


def prefetch(
    data: WindowData,
    sampler: Sampler,
    augmenter: Augmenter | None,
    device: torch.device,
    images: DeviceImages | None = None,
) -> Iterator[tuple[Tensors, dict[str, Any]]]:
    """Batches without end, each with the state of the sampler after it. A batch is valid until the next is asked for.

    Args:
        data: Windows to read.
        sampler: Their order.
        augmenter: What is changed of them.
        device: Where batches are to be.
        images: What of them lies there already.

    What a batch holds follows from its places in the sampler's order alone, so that a run that resumes from a state
    sees what the uninterrupted one would have seen, however far ahead of it this has read.
    """
    threads = THREADS.get(device.type, 1)
    free = deque(Slot(data, sampler.batch_size, augmenter, device) for _ in range(threads + 2))

    def read(slot: Slot, indices: np.ndarray, positions: np.ndarray) -> Slot:
        slot.wait_until_free()
        data.get_batch(indices, slot.arrays, positions=positions, augment=augmenter)
        slot.drawn = indices, positions
        return slot

    with ThreadPoolExecutor(threads, thread_name_prefix="batches") as pool:
        coming: deque[tuple[Future[Slot], dict[str, Any]]] = deque()

        def submit() -> None:
            positions, indices = sampler.positions, sampler.next()
            coming.append((pool.submit(read, free.popleft(), indices, positions), sampler.state_dict()))

        try:
            for _ in range(threads + 1):
                submit()
            while True:
                future, state = coming.popleft()
                slot = future.result()
                there = images.get_windows(*slot.drawn) if images else {}
                yield {**slot.on_device(), **there}, state
                free.append(slot)
                submit()
        finally:
            for future, _ in coming:
                future.cancel()


def to_device(batch: Arrays, device: torch.device) -> Tensors:
    """Numpy to tensors, images still as bytes."""
    return {name: torch.from_numpy(array).to(device) for name, array in batch.items()}
