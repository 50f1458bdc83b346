"""Normalisation by statistics of the training data, kept in the model's weights so that deployment cannot lose it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from muse_core.datasets.statistics import Statistics

# A dimension that varies by less than a millimetre, a milliradian or a thousandth carries no signal, only noise:
# scaling it to unit variance would make the noise weigh as much as the motion.
SMALLEST_SCALE = 1e-3


class Normalizer(nn.Module):
    """Maps named arrays to zero mean and unit variance (``mean_std``) or to -1 .. 1 (``min_max``), and back."""

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        statistics: Mapping[str, Statistics] | None = None,
        normalization: str = "mean_std",
    ) -> None:
        """Normalise the arrays named in `shapes`; without statistics it changes nothing until weights are loaded."""
        super().__init__()
        for name, shape in shapes.items():
            values = {"offset": 0.0, "scale": 1.0, "low": -torch.inf, "high": torch.inf}
            found = {} if statistics is None else _scaling(statistics[name], normalization)
            for kind, default in values.items():
                value = found.get(kind, torch.tensor(default)).expand(shape)
                self.register_buffer(self._buffer(name, kind), value.clone())

    def normalize(self, name: str, values: Tensor) -> Tensor:
        """(..., *shape) in the spec's units to the same shape, normalised."""
        return (values.float() - self._get(name, "offset")) / self._get(name, "scale")

    def vectors(self, name: str, values: Tensor) -> Tensor:
        """(B, T, *shape) in the spec's units to (B, T, size), normalised; a single number is a vector of one."""
        return self.normalize(name, values).reshape(*values.shape[:2], -1)

    def unnormalize(self, name: str, values: Tensor) -> Tensor:
        """The inverse of :meth:`normalize`."""
        return values * self._get(name, "scale") + self._get(name, "offset")

    def clamp(self, name: str, values: Tensor) -> Tensor:
        """Values in the spec's units, none outside what the training data held."""
        return values.clamp(self._get(name, "low"), self._get(name, "high"))

    def bounds(self, name: str) -> tuple[Tensor, Tensor]:
        """Smallest and largest value of the training data, normalised."""
        return tuple(self.normalize(name, self._get(name, kind)) for kind in ("low", "high"))

    def _get(self, name: str, kind: str) -> Tensor:
        return getattr(self, self._buffer(name, kind))

    @staticmethod
    def _buffer(name: str, kind: str) -> str:
        return f"{name.replace('.', '/')}:{kind}"


def _scaling(statistics: Statistics, normalization: str) -> dict[str, Tensor]:
    low, high = (torch.as_tensor(each, dtype=torch.float32) for each in (statistics.low, statistics.high))
    if normalization == "mean_std":
        offset, scale = (torch.as_tensor(each, dtype=torch.float32) for each in (statistics.mean, statistics.std))
    elif normalization == "min_max":
        offset, scale = (low + high) / 2, (high - low) / 2
    else:
        raise ValueError(f"normalization must be mean_std or min_max, got {normalization!r}")
    return {"offset": offset, "scale": torch.where(scale < SMALLEST_SCALE, 1.0, scale), "low": low, "high": high}
