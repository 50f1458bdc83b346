"""The network of the success classifier: one observation to one logit. Imports torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor, nn

from muse_core.models.networks.mlp import MLP
from muse_core.models.observations import ObservationEncoder
from muse_core.models.vision import SmallEncoder

if TYPE_CHECKING:
    from muse_core.datasets.statistics import Statistics
    from muse_core.spec import Spec

CHANNELS, KERNELS, STRIDES, TEMPERATURE = (16, 32, 32), (3, 3, 3), (2, 2, 1), 0.1


class SuccessNetwork(nn.Module):
    """An observation encoder, small convolutions for images, and a multi-layer perceptron."""

    def __init__(
        self, observations: Spec, hidden_sizes: Sequence[int], statistics: Mapping[str, Statistics] | None = None
    ) -> None:
        """Make the layers.

        Args:
            observations: What comes in.
            hidden_sizes: Widths of the perceptron's layers.
            statistics: To normalise by; left out where weights will be loaded.
        """
        super().__init__()
        self.encoder = ObservationEncoder(
            observations, lambda: SmallEncoder(CHANNELS, KERNELS, STRIDES, TEMPERATURE), statistics=statistics
        )
        self.mlp = MLP(self.encoder.size, hidden_sizes)
        self.logit = nn.Linear(self.mlp.size, 1)

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """(B, ...) observations to (B,) logits of success."""
        return self.logit(self.mlp(self.encoder.step(observations)))[:, 0]
