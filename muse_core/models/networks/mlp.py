"""A multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class MLP(nn.Module):
    """Linear layers, each with a ReLU behind it.

    Attributes:
        size: Numbers that come out.
    """

    def __init__(self, inputs: int, hidden_sizes: Sequence[int], *, dropout: float = 0.0) -> None:
        """Make the layers.

        Args:
            inputs: Numbers that come in.
            hidden_sizes: Width of each layer; none at all hands through what comes in.
            dropout: Share of each layer's outputs that is dropped in training.
        """
        super().__init__()
        layers: list[nn.Module] = []
        before = inputs
        for width in hidden_sizes:
            layers += [nn.Linear(before, width), nn.ReLU()]
            layers += [nn.Dropout(dropout)] if dropout else []
            before = width
        self.layers = nn.Sequential(*layers)
        self.size = before

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., size)."""
        return self.layers(x)
