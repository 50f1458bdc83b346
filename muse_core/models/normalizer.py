"""Normalisation by statistics of the training data, kept in the model's weights so that deployment cannot lose it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from muse_core.datasets.statistics import Statistics

# A dimension that varies by less than a millimetre, a milliradian or a thousandth carries no signal, only noise:
# scaling it to unit variance would make the noise weigh as much as the motion.
SMALLEST_STD = 1e-3


class Normalizer(nn.Module):
    """Maps named arrays to zero mean and unit variance, and back."""

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], statistics: Mapping[str, Statistics] | None = None
    ) -> None:
        """Normalise the arrays named in `shapes`; without statistics it changes nothing until weights are loaded."""
        super().__init__()
        for name, shape in shapes.items():
            values = {"mean": 0.0, "std": 1.0, "low": -torch.inf, "high": torch.inf}
            for kind, default in values.items():
                value = torch.full(shape, default)
                if statistics is not None:
                    value = torch.as_tensor(getattr(statistics[name], kind), dtype=torch.float32).reshape(shape)
                if kind == "std":
                    value = torch.where(value < SMALLEST_STD, 1.0, value)
                self.register_buffer(self._buffer(name, kind), value.clone())

    def normalize(self, name: str, values: Tensor) -> Tensor:
        """(..., *shape) in the spec's units to the same shape, normalised."""
        return (values.float() - self._get(name, "mean")) / self._get(name, "std")

    def unnormalize(self, name: str, values: Tensor) -> Tensor:
        """The inverse of :meth:`normalize`."""
        return values * self._get(name, "std") + self._get(name, "mean")

    def clamp(self, name: str, values: Tensor) -> Tensor:
        """Values in the spec's units, none outside what the training data held."""
        return values.clamp(self._get(name, "low"), self._get(name, "high"))

    def _get(self, name: str, kind: str) -> Tensor:
        return getattr(self, self._buffer(name, kind))

    @staticmethod
    def _buffer(name: str, kind: str) -> str:
        return f"{name.replace('.', '/')}:{kind}"
