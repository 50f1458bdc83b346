"""A head that gives a Gaussian, each dimension of the action on its own."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muse_core.models.heads.head import Head


def normal_nll(target: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """The negative logarithm of a normal density, element by element."""
    return ((target - mean) / std).square() / 2 + std.log() + math.log(2 * math.pi) / 2


class GaussianHead(Head):
    """Mean and standard deviation of each dimension; acts by the mean."""

    def __init__(self, features: int, size: int, *, min_std: float = 1e-3, max_std: float = 10.0) -> None:
        """Make the layer.

        Args:
            features: Numbers that come in for a step.
            size: Numbers in an action.
            min_std: Smallest standard deviation, above 0.
            max_std: Largest standard deviation.
        """
        super().__init__()
        self.output = nn.Linear(features, 2 * size)
        self.min_std, self.max_std = min_std, max_std

    def moments(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(..., F) to means and standard deviations, (..., A) each."""
        mean, raw = self.output(features).float().chunk(2, dim=-1)
        return mean, (F.softplus(raw) + self.min_std).clamp(max=self.max_std)

    def loss(self, features: Tensor, target: Tensor) -> Tensor:
        """The negative log-likelihood in nats: (B, H, F) and (B, H, A) to (B, H, A)."""
        return normal_nll(target, *self.moments(features))

    def act(self, features: Tensor) -> Tensor:
        """(..., F) to the means, (..., A)."""
        return self.moments(features)[0]

    def sample(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(..., F) to a draw, (..., A)."""
        mean, std = self.moments(features)
        return mean + std * torch.randn(mean.shape, generator=generator, device=mean.device)
