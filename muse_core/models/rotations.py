"""Orientations as networks see them: the same for a quaternion and its negative, which are one rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from muse_core.datasets.statistics import Statistics


def rotation_columns(quaternions: Tensor) -> Tensor:
    """(..., 4) xyzw to the first two columns of the rotation matrix, (..., 6).

    A quaternion and its negative are one rotation, and a robot may report either; these columns are the same for both
    and never jump. Zhou et al., "On the Continuity of Rotation Representations in Neural Networks", 2019.
    """
    x, y, z, w = quaternions.unbind(-1)
    first = (1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w))
    second = (2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w))
    return torch.stack((*first, *second), dim=-1)


class SignedQuaternions(nn.Module):
    """Quaternions with the sign that makes one component positive: the one that is largest in the training data.

    The choice rests on mean squares, which do not depend on the signs in the data. It stays continuous while the
    orientation keeps within half a turn of the usual one.
    """

    def __init__(self, statistics: Statistics | None = None) -> None:
        """Choose the component; without statistics it is w until weights are loaded."""
        super().__init__()
        component = 3
        if statistics is not None:
            component = int((statistics.mean**2 + statistics.std**2).argmax())
        self.register_buffer("component", torch.tensor(component))

    def forward(self, quaternions: Tensor) -> Tensor:
        """(..., 4) to the same shape."""
        return torch.where(quaternions.index_select(-1, self.component.reshape(1)) < 0, -quaternions, quaternions)
