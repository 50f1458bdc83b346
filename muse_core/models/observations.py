"""Observations to one feature vector a step: images through vision encoders, the rest normalised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from muse_core.models.model import Tensors
from muse_core.models.normalizer import Normalizer

if TYPE_CHECKING:
    from muse_core.datasets.statistics import Statistics
    from muse_core.spec import Spec

QUATERNION_UNIT = "quaternion xyzw"


def rotation_columns(quaternions: Tensor) -> Tensor:
    """(..., 4) xyzw to the first two columns of the rotation matrix, (..., 6).

    A quaternion and its negative are one rotation, and a robot may report either; these columns are the same for both
    and never jump. Zhou et al., "On the Continuity of Rotation Representations in Neural Networks", 2019.
    """
    x, y, z, w = quaternions.unbind(-1)
    first = (1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w))
    second = (2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w))
    return torch.stack((*first, *second), dim=-1)


class ObservationEncoder(nn.Module):
    """Encodes (B, H, ...) observations as (B, H, size)."""

    def __init__(
        self,
        observations: Spec,
        camera_encoder: Callable[[], nn.Module],
        *,
        shared: bool = False,
        statistics: Mapping[str, Statistics] | None = None,
    ) -> None:
        """Make the encoders.

        Args:
            observations: What comes in. Arrays in unit ``quaternion xyzw`` become rotation columns, other
                low-dimensional ones are normalised.
            camera_encoder: Makes a module with an attribute `size` that takes (N, height, width, 3) uint8 to (N, size).
            shared: Whether all cameras go through one encoder, in one batch.
            statistics: To normalise by.
        """
        super().__init__()
        self.images = [name for name, array in observations.items() if array.is_image]
        self.rotations = [n for n, array in observations.items() if array.unit == QUATERNION_UNIT]
        self.vectors = [n for n in observations if n not in self.images and n not in self.rotations]
        shapes = {name: observations[name].shape for name in self.vectors}
        self.normalizer = Normalizer(shapes, statistics)
        self.shared = shared
        names = ["all"] if shared else self.images
        self.cameras = nn.ModuleDict({name: camera_encoder() for name in names if self.images})
        self.size = 6 * len(self.rotations) + sum(torch.Size(s).numel() for s in shapes.values())
        self.size += sum(self.cameras["all" if shared else name].size for name in self.images)

    def forward(self, batch: Tensors) -> Tensor:
        """(B, H, ...) observations to (B, H, size)."""
        parts = [self.normalizer.normalize(name, batch[name]).flatten(2) for name in self.vectors]
        parts += [rotation_columns(batch[name].float()) for name in self.rotations]
        return torch.cat(parts + self._encode_images(batch), dim=-1)

    def _encode_images(self, batch: Tensors) -> list[Tensor]:
        flat = [batch[name].flatten(0, 1) for name in self.images]
        if self.shared and flat:
            encoded = self.cameras["all"](torch.cat(flat)).chunk(len(flat))
        else:
            encoded = [self.cameras[name](images) for name, images in zip(self.images, flat, strict=True)]
        leading = batch[self.images[0]].shape[:2] if self.images else ()
        return [features.unflatten(0, leading) for features in encoded]
