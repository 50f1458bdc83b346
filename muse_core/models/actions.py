"""Actions as one normalised vector a step: what networks give and losses compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from muse_core.models.model import Tensors
from muse_core.models.normalizer import Normalizer
from muse_core.models.rotations import SignedQuaternions, one_signed, part_of, replaced, unit_quaternions

if TYPE_CHECKING:
    from muse_core.datasets.statistics import Statistics
    from muse_core.spec import Spec


class ActionCodec(nn.Module):
    """Puts all action keys side by side, each dimension scaled by its own spread, and takes them apart again.

    Scaled so, the gripper (0 or 1) does not outweigh translations of millimetres in a loss. Quaternions are given the
    sign of :class:`~muse_core.models.rotations.SignedQuaternions`, so that one rotation is one target, and come back as
    unit ones, whatever a network or its noise made of their length.
    """

    def __init__(
        self, actions: Spec, statistics: Mapping[str, Statistics] | None = None, normalization: str = "mean_std"
    ) -> None:
        """For these actions; without statistics they stay as they are until weights are loaded."""
        super().__init__()
        self.shapes = {name: array.shape for name, array in actions.items()}
        self.sizes = {name: int(torch.Size(shape).numel()) for name, shape in self.shapes.items()}
        self.size = sum(self.sizes.values())
        found = {name: array.quaternion for name, array in actions.items()}
        self.quaternions = {name: where for name, where in found.items() if where is not None}
        if statistics is not None:
            signed = {name: one_signed(statistics[name], where) for name, where in self.quaternions.items()}
            statistics = {**statistics, **signed}
        self.signs = nn.ModuleDict()
        for name, where in self.quaternions.items():
            part = None if statistics is None else part_of(statistics[name], where)
            self.signs[name.replace(".", "/")] = SignedQuaternions(part)
        self.normalizer = Normalizer(self.shapes, statistics, normalization)

    def encode(self, batch: Tensors) -> Tensor:
        """(B, H, ...) actions in units to (B, H, size), normalised."""
        return torch.cat([self.normalizer.vectors(n, self._signed(n, batch[n])) for n in self.sizes], dim=-1)

    def decode(self, values: Tensor) -> Tensors:
        """(..., size), normalised, to actions in units, (..., *shape), none outside what the training data held."""
        parts = values.split(list(self.sizes.values()), dim=-1)
        actions = {}
        for (name, shape), part in zip(self.shapes.items(), parts, strict=True):
            action = self.normalizer.unnormalize(name, part.reshape(*values.shape[:-1], *shape))
            action = self.normalizer.clamp(name, action)
            where = self.quaternions.get(name)
            actions[name] = action if where is None else replaced(action, where, unit_quaternions(action[..., where]))
        return actions

    def bounds(self) -> tuple[Tensor, Tensor]:
        """Smallest and largest of each dimension in the training data, normalised, (size,) each."""
        low, high = zip(*(self.normalizer.bounds(name) for name in self.sizes), strict=True)
        return torch.cat([each.flatten() for each in low]), torch.cat([each.flatten() for each in high])

    def labels(self) -> list[str]:
        """A name for each of the `size` dimensions, such as ``action_0``."""
        return [f"{name}_{i}" for name, size in self.sizes.items() for i in range(size)]

    def _signed(self, name: str, values: Tensor) -> Tensor:
        where = self.quaternions.get(name)
        if where is None:
            return values
        return replaced(values, where, self.signs[name.replace(".", "/")](values[..., where]))
