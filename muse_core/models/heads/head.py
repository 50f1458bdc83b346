"""What every head offers."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Head(nn.Module, ABC):
    """Features (..., F) of a step to its action (..., A), normalised.

    A head computes in float32 whatever the precision around it: logarithms of small numbers need it.
    """

    @abstractmethod
    def loss(self, features: Tensor, target: Tensor) -> Tensor:
        """The error of each step and, where it can be told apart, dimension, not reduced.

        Args:
            features: (B, H, F).
            target: (B, H, A), the actions to give.

        Returns:
            (B, H, A), or (B, H) where the dimensions are judged together.
        """

    @abstractmethod
    def act(self, features: Tensor) -> Tensor:
        """(..., F) to the action (..., A) that is thought best; nothing is random."""

    @abstractmethod
    def sample(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(..., F) to an action (..., A) drawn at random."""

    def forward(self, features: Tensor) -> Tensor:
        """The same as :meth:`act`."""
        return self.act(features)
