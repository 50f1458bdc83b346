"""A head that gives one action, with no idea of how sure it is."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muse_core.models.heads.head import Head

LOSSES = {"mse": F.mse_loss, "l1": F.l1_loss, "smooth_l1": F.smooth_l1_loss}


class DeterministicHead(Head):
    """A linear layer, judged by its distance from the demonstrated action in each dimension."""

    def __init__(self, features: int, size: int, loss: Literal["mse", "l1", "smooth_l1"] = "smooth_l1") -> None:
        """Make the layer.

        Args:
            features: Numbers that come in for a step.
            size: Numbers in an action.
            loss: Squared error, absolute error, or Huber's: half the square within one unit, and linear beyond, so that
                outliers pull no harder.

        Raises:
            ValueError: for another loss.
        """
        super().__init__()
        if loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(LOSSES)}, got {loss!r}")
        self.output = nn.Linear(features, size)
        self.error = LOSSES[loss]

    def loss(self, features: Tensor, target: Tensor) -> Tensor:
        """(B, H, F) and (B, H, A) to (B, H, A)."""
        return self.error(self.act(features), target, reduction="none")

    def act(self, features: Tensor) -> Tensor:
        """(..., F) to (..., A)."""
        return self.output(features).float()

    def sample(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The same as :meth:`act`: there is nothing to draw."""
        return self.act(features)
