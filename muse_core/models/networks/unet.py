"""A U-Net over time, conditioned by FiLM: the noise predictor of Diffusion Policy.

Chi et al., "Diffusion Policy: Visuomotor Policy Learning via Action Diffusion", 2023 (the convolutional variant); the
conditioning is that of Perez et al., "FiLM: Visual Reasoning with a General Conditioning Layer", 2018. How far the
diffusion has come is part of the condition; embedding it is the caller's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


def convolution_block(inputs: int, outputs: int, kernel: int, groups: int) -> nn.Sequential:
    """A convolution over time that keeps the length, group norm and Mish."""
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2), nn.GroupNorm(groups, outputs), nn.Mish()
    )


class ConditionedBlock(nn.Module):
    """Two convolutions around a scale and shift of each channel by the condition, added to the input."""

    def __init__(self, inputs: int, outputs: int, condition_size: int, kernel: int, groups: int) -> None:
        """From `inputs` channels to `outputs`."""
        super().__init__()
        self.first = convolution_block(inputs, outputs, kernel, groups)
        self.condition = nn.Sequential(nn.Mish(), nn.Linear(condition_size, 2 * outputs))
        self.second = convolution_block(outputs, outputs, kernel, groups)
        self.skip = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, inputs, T) and (B, condition_size) to (B, outputs, T)."""
        scale, shift = self.condition(condition).unsqueeze(-1).chunk(2, dim=1)
        return self.second(scale * self.first(x) + shift) + self.skip(x)


class TemporalUnet(nn.Module):
    """Sequences to sequences of the same length and size, given one condition vector for all their steps."""

    def __init__(
        self,
        size: int,
        condition_size: int,
        *,
        channels: Sequence[int] = (256, 512, 1024),
        kernel: int = 5,
        groups: int = 8,
    ) -> None:
        """Make the blocks.

        Args:
            size: Numbers in each step of the sequence.
            condition_size: Numbers in the condition.
            channels: Channels at each level; each level after the first has half as many steps as the one before.
            kernel: Kernel size in steps, odd.
            groups: Groups of the group norms; they divide every number of channels.

        Raises:
            ValueError: when the kernel is even, there is no level, or the groups do not divide the channels.
        """
        super().__init__()
        if not channels or kernel % 2 == 0 or any(c % groups for c in channels):
            found = f"channels {tuple(channels)}, kernel {kernel} and groups {groups}"
            raise ValueError(f"a U-Net needs an odd kernel and channels that its groups divide, got {found}")

        def block(inputs: int, outputs: int) -> ConditionedBlock:
            return ConditionedBlock(inputs, outputs, condition_size, kernel, groups)

        self.factor = 2 ** (len(channels) - 1)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        before = size
        for level, width in enumerate(channels):
            last = level == len(channels) - 1
            halve = nn.Identity() if last else nn.Conv1d(width, width, 3, stride=2, padding=1)
            self.down.append(nn.ModuleList([block(before, width), block(width, width), halve]))
            before = width
        self.middle = nn.ModuleList([block(before, before), block(before, before)])
        for width, wider in reversed(list(pairwise(channels))):
            double = nn.ConvTranspose1d(width, width, 4, stride=2, padding=1)
            self.up.append(nn.ModuleList([block(2 * wider, width), block(width, width), double]))
        self.output = nn.Sequential(
            convolution_block(channels[0], channels[0], kernel, groups), nn.Conv1d(channels[0], size, 1)
        )

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, T, size) and (B, condition_size) to (B, T, size).

        Raises:
            ValueError: when the length cannot be halved as often as there are levels after the first.
        """
        self.check_length(x.shape[1])
        x = x.transpose(1, 2)
        kept = []
        for first, second, halve in self.down:
            x = second(first(x, condition), condition)
            kept.append(x)
            x = halve(x)
        for block in self.middle:
            x = block(x, condition)
        for first, second, double in self.up:
            x = double(second(first(torch.cat((x, kept.pop()), dim=1), condition), condition))
        return self.output(x).transpose(1, 2)

    def check_length(self, length: int) -> None:
        """Raise unless sequences of this length fit.

        Raises:
            ValueError: naming the nearest lengths that do.
        """
        below = length // self.factor * self.factor
        if below != length:
            near = f"{below} or {below + self.factor}" if below else f"{self.factor}"
            raise ValueError(f"a U-Net of this depth needs a multiple of {self.factor} steps, got {length}; use {near}")
