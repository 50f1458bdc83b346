"""A head that cuts each dimension of the action into bins and tells how likely each bin is."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muse_core.models.heads.head import Head

# A dimension that never moves has no range to cut; its bins then span this, around its value.
SMALLEST_RANGE = 1e-3


class DiscretizedHead(Head):
    """A categorical distribution over equal bins for each dimension, trained by cross-entropy.

    It can say "left or right" without a mean in between, one dimension at a time. Brohan et al., "RT-1: Robotics
    Transformer for Real-World Control at Scale", 2022, act this way.
    """

    low: Tensor
    width: Tensor

    def __init__(
        self,
        features: int,
        low: Tensor,
        high: Tensor,
        bins: int = 64,
        *,
        act_by: Literal["likeliest", "mean"] = "likeliest",
    ) -> None:
        """Make the layer.

        Args:
            features: Numbers that come in for a step.
            low: (A,) smallest value of each dimension. Kept in the weights, as is the width of the bins: they may be
                anything where weights will be loaded.
            high: (A,) largest value of each dimension.
            bins: Bins of each dimension, N.
            act_by: Whether :meth:`act` gives the centre of the likeliest bin, or the mean over all bins, which moves
                more smoothly.
        """
        super().__init__()
        span = (high - low).clamp(min=SMALLEST_RANGE)
        self.register_buffer("low", (low + high) / 2 - span / 2)
        self.register_buffer("width", span / bins)
        self.output = nn.Linear(features, len(low) * bins)
        self.bins, self.act_by = bins, act_by

    def logits(self, features: Tensor) -> Tensor:
        """(..., F) to (..., A, N)."""
        return self.output(features).float().unflatten(-1, (-1, self.bins))

    def to_bins(self, actions: Tensor) -> Tensor:
        """(..., A) to the bin of each number, int64; what lies outside the range is in the first or last."""
        return ((actions - self.low) / self.width).floor().long().clamp(0, self.bins - 1)

    def to_centers(self, bins: Tensor) -> Tensor:
        """(..., A) bins, which may be fractional, to the number in the middle of each."""
        return self.low + (bins + 0.5) * self.width

    def loss(self, features: Tensor, target: Tensor) -> Tensor:
        """The cross-entropy in nats: (B, H, F) and (B, H, A) to (B, H, A)."""
        return F.cross_entropy(self.logits(features).movedim(-1, 1), self.to_bins(target), reduction="none")

    def act(self, features: Tensor) -> Tensor:
        """(..., F) to (..., A)."""
        logits = self.logits(features)
        if self.act_by == "likeliest":
            return self.to_centers(logits.argmax(dim=-1))
        bins = torch.arange(self.bins, device=logits.device, dtype=logits.dtype)
        return self.to_centers((logits.softmax(dim=-1) * bins).sum(dim=-1))

    def sample(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(..., F) to the centres of bins drawn for each dimension on its own, (..., A)."""
        probabilities = self.logits(features).softmax(dim=-1)
        drawn = torch.multinomial(probabilities.flatten(0, -2), 1, generator=generator)
        return self.to_centers(drawn.reshape(probabilities.shape[:-1]))
