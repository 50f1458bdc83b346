"""The last few steps of each episode in a batch, for models that look back when they act."""

from __future__ import annotations

import torch
from torch import Tensor


class History:
    """The last `steps` feature vectors of each of a batch of episodes, which may be of different age.

    Attributes:
        values: (B, steps, size), or None before the first step. An episode's vectors begin at index 0, oldest first;
            what lies behind its last one is not meant to be read.
        count: (B,) int64, how many vectors each episode has.
    """

    def __init__(self, batch_size: int, steps: int) -> None:
        """Empty."""
        self.steps = steps
        self.values: Tensor | None = None
        self.count = torch.zeros(batch_size, dtype=torch.int64)

    def push(self, features: Tensor) -> None:
        """Append one (B, size) step, dropping the oldest where there are `steps` already."""
        if self.values is None:
            self.values = features.new_zeros(len(features), self.steps, features.shape[-1])
            self.count = self.count.to(features.device)
        full = self.count == self.steps
        if full.any():
            self.values[full] = self.values[full].roll(-1, dims=1)
        self.count = (self.count + 1).clamp(max=self.steps)
        self.values[torch.arange(len(features), device=features.device), self.count - 1] = features

    def window(self) -> Tensor:
        """(B, longest, size): the steps that at least one episode has."""
        return self.values[:, : int(self.count.max())]

    def last(self, sequence: Tensor) -> Tensor:
        """From (B, longest, ...) that belongs to :meth:`window`, what belongs to each episode's present step."""
        return sequence[torch.arange(len(sequence), device=sequence.device), self.count - 1]

    def padded_front(self) -> Tensor:
        """(B, steps, size), ending at the present; a shorter episode's first step is repeated before it."""
        behind = torch.arange(self.steps - 1, -1, -1, device=self.values.device)
        rows = (self.count.unsqueeze(1) - 1 - behind).clamp(min=0)
        return self.values.gather(1, rows.unsqueeze(-1).expand(-1, -1, self.values.shape[-1]))

    def forget(self, which: Tensor) -> None:
        """Empty the histories of these episodes, (B,) bool."""
        self.count = self.count.masked_fill(which.to(self.count.device), 0)
