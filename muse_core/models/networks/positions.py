"""Where a step lies in a sequence, or how far a diffusion has come, as vectors that a network can use."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class LearnedPositions(nn.Module):
    """Adds a learnt vector to each step of a sequence."""

    def __init__(self, length: int, width: int) -> None:
        """Vectors of `width` for the steps 0 to `length` - 1."""
        super().__init__()
        self.table = nn.Parameter(torch.empty(length, width))
        nn.init.normal_(self.table, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to the same shape.

        Raises:
            ValueError: when the sequence is longer than the table.
        """
        if x.shape[1] > len(self.table):
            raise ValueError(f"a sequence of {x.shape[1]} steps, but positions for {len(self.table)} only")
        return x + self.table[: x.shape[1]]


class SinusoidalEmbedding(nn.Module):
    """Numbers to sines and cosines of geometrically falling frequencies; nothing is learnt.

    Vaswani et al., "Attention Is All You Need", 2017: wavelengths from 2 pi to 10000 times 2 pi.
    """

    frequencies: Tensor

    def __init__(self, width: int) -> None:
        """Embeddings of `width`, the sines first.

        Raises:
            ValueError: when `width` is odd or below 4.
        """
        super().__init__()
        if width < 4 or width % 2:
            raise ValueError(f"the width of a sinusoidal embedding must be even and at least 4, got {width}")
        half = width // 2
        frequencies = torch.exp(torch.arange(half) * (-math.log(10000.0) / (half - 1)))
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, numbers: Tensor) -> Tensor:
        """(...) numbers, such as diffusion steps, to (..., width)."""
        angles = numbers.unsqueeze(-1) * self.frequencies
        return torch.cat((angles.sin(), angles.cos()), dim=-1)
