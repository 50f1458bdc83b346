"""Orientations as networks see them: the same for a quaternion and its negative, which are one rotation."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from muse_core.datasets.statistics import Statistics

SHORTEST = 1e-6  # a quaternion shorter than this says nothing of a rotation


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
        self.register_buffer("component", torch.tensor(3 if statistics is None else _largest(statistics)))

    def forward(self, quaternions: Tensor) -> Tensor:
        """(..., 4) to the same shape."""
        return torch.where(quaternions.index_select(-1, self.component.reshape(1)) < 0, -quaternions, quaternions)


def _largest(statistics: Statistics) -> int:
    return int((statistics.mean**2 + statistics.std**2).argmax())


def one_signed(statistics: Statistics, where: slice) -> Statistics:
    """The statistics of an array as they would be, had its quaternions the sign of :class:`SignedQuaternions`.

    Where the component that tells the sign is never below 0 they are what they were, and mirrored where it never is
    above. Where it is both, all that can be known are the largest numbers of either sign, and the mean of the squares.

    Args:
        statistics: Of a flat array.
        where: Its quaternion.
    """
    part = part_of(statistics, where)
    which = _largest(part)
    if part.low[which] >= 0:
        return statistics
    size = np.maximum(np.abs(part.low), np.abs(part.high))
    mean, std, low, high = np.zeros(4), np.sqrt(part.mean**2 + part.std**2), -size, size
    if part.high[which] <= 0:
        mean, std, low, high = -part.mean, part.std, -part.high, -part.low
    fields = [np.array(each, np.float64) for each in _fields(statistics)]
    for whole, new in zip(fields, (mean, std, low, high), strict=True):
        whole[where] = new
    return Statistics(statistics.count, *fields)


def part_of(statistics: Statistics, where: slice) -> Statistics:
    """The statistics of some numbers of a flat array."""
    return Statistics(statistics.count, *(np.asarray(each, np.float64)[where] for each in _fields(statistics)))


def replaced(values: Tensor, where: slice, part: Tensor) -> Tensor:
    """(..., N) with some numbers of its last dimension replaced."""
    return torch.cat((values[..., : where.start], part, values[..., where.stop :]), dim=-1)


def _fields(statistics: Statistics) -> tuple[np.ndarray, ...]:
    return statistics.mean, statistics.std, statistics.low, statistics.high


def unit_quaternions(quaternions: Tensor) -> Tensor:
    """(..., 4) of any length to unit ones; what is all but zero becomes no turn."""
    length = quaternions.norm(dim=-1, keepdim=True)
    still = quaternions.new_tensor([0.0, 0.0, 0.0, 1.0])
    return torch.where(length > SHORTEST, quaternions / length.clamp(min=SHORTEST), still)
