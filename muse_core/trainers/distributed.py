"""Several processes that train one model, started by torchrun; or the one process that there is otherwise.

Each process learns from its own part of every batch. What they exchange is little: counts and totals of the loss's
terms before the gradients, the gradients, and whether to stop. All of it is plain sums, so that N processes give the
gradients that one would give with N times the batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

# Longer than a validation or the rollouts take, during which the other processes wait for the first.
PATIENCE = timedelta(hours=6)


@dataclass(frozen=True)
class Processes:
    """This process's place among all.

    Attributes:
        rank: Number of this process; number 0 alone writes files.
        world_size: How many there are.
        local_rank: Number of this process on its machine.
        local_world_size: How many there are on its machine.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes checkpoints and logs."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.world_size > 1

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of this tensor over all processes, written into it."""
        if self.several:
            dist.all_reduce(values)
        return values

    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Add up the gradients of all processes, in one message."""
        if not self.several:
            return
        for each in parameters:
            if each.grad is None:  # unused in this process's part of the batch
                each.grad = torch.zeros_like(each)
        gradients = [each.grad for each in parameters]
        flat = self.sum(torch.cat([each.reshape(-1) for each in gradients]))
        parts = flat.split([each.numel() for each in gradients])
        torch._foreach_copy_(gradients, [p.view_as(g) for p, g in zip(parts, gradients, strict=True)])

    def share_buffers(self, model: torch.nn.Module) -> None:
        """Give every process the first one's buffers: running statistics of batch norm differ between them."""
        if self.several:
            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)

    def gather(self, value: Any) -> list[Any]:
        """Plain data of every process, in order of their ranks."""
        if not self.several:
            return [value]
        values: list[Any] = [None] * self.world_size
        dist.all_gather_object(values, value)
        return values

    def agree(self, elapsed_s: float, stop: bool) -> tuple[float, bool]:
        """What the first process's clock says, and whether any process was asked to stop: the same for all."""
        if not self.several:
            return elapsed_s, stop
        both = self.sum(torch.tensor([elapsed_s if self.is_first else 0.0, float(stop)], dtype=torch.float64))
        return float(both[0]), bool(both[1] > 0)


@contextmanager
def processes_of_torchrun() -> Iterator[Processes]:
    """Join the processes that torchrun started with this one; without torchrun there is just this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Processes()
        return
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # Tensors on the CPU go by gloo even where gradients go by NCCL: small messages then do not wait for the GPU.
    dist.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo", timeout=PATIENCE)
    try:
        yield Processes(
            dist.get_rank(),
            dist.get_world_size(),
            int(os.environ.get("LOCAL_RANK", "0")),
            int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        )
    finally:
        dist.destroy_process_group()
