"""Waypoints as one normalised vector a step, and back: what HYDRA's sparse head gives and its loss compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muse_core.geometry import quaternion_from_matrix
from muse_core.models.model import Tensors
from muse_core.models.normalizer import Normalizer
from muse_core.models.rotations import rotation_columns
from muse_core.waypoints import GRIPPER_TARGET, Pose

if TYPE_CHECKING:
    from muse_core.datasets.statistics import Statistics


class WaypointCodec(nn.Module):
    """Between waypoints in a batch and vectors: position, two columns of the rotation matrix, gripper.

    Absolute vectors are the target pose itself. Relative ones are the way that is left to it from the present pose: the
    position's in spreads of the targets, the turn's as a rotation about the base frame's axes.

    Attributes:
        size: Numbers in a vector.
    """

    def __init__(
        self,
        position: str,
        axes: int,
        orientation: str = "",
        gripper: bool = True,
        *,
        relative: bool = False,
        statistics: Mapping[str, Statistics] | None = None,
    ) -> None:
        """Choose what a waypoint is made of.

        Args:
            position: Observation of the position.
            axes: Its numbers.
            orientation: Observation of the orientation, a quaternion xyzw; empty where there is none.
            gripper: Whether there is one.
            relative: Whether vectors are relative to the present pose.
            statistics: To normalise by.
        """
        super().__init__()
        self.position, self.orientation, self.gripper, self.relative = position, orientation, gripper, relative
        shapes = {f"target/{position}": (axes,)} | ({GRIPPER_TARGET: (1,)} if gripper else {})
        self.normalizer = Normalizer(shapes, statistics)
        self.parts = [axes] + [6] * bool(orientation) + [1] * gripper
        self.size = sum(self.parts)

    def encode(self, batch: Tensors) -> Tensor:
        """(B, H, ...) targets and observed poses to (B, H, size)."""
        name = f"target/{self.position}"
        position = self.normalizer.normalize(name, batch[name])
        parts = [position - self.normalizer.normalize(name, batch[self.position]) if self.relative else position]
        if self.orientation:
            columns = rotation_columns(batch[f"target/{self.orientation}"].float())
            if self.relative:
                present = _matrices(rotation_columns(batch[self.orientation].float()))
                columns = _columns(_matrices(columns) @ present.transpose(-1, -2))
            parts.append(columns)
        if self.gripper:
            parts.append(self.normalizer.normalize(GRIPPER_TARGET, batch[GRIPPER_TARGET]))
        return torch.cat(parts, dim=-1)

    def decode(self, values: Tensor, pose: Pose) -> tuple[Pose, np.ndarray]:
        """Vectors to waypoints, none further out than those of the training data.

        Args:
            values: (B, size).
            pose: Where the tool is, (B, ...).

        Returns:
            Target poses (B, ...), and grippers (B, 1), or (B, 0) where there is none.
        """
        name, (position, *rest) = f"target/{self.position}", values.float().split(self.parts, dim=-1)
        if self.relative:
            present = torch.as_tensor(pose.position, dtype=torch.float32, device=values.device)
            position = position + self.normalizer.normalize(name, present)
        position = self.normalizer.clamp(name, self.normalizer.unnormalize(name, position))
        quaternion = None
        if self.orientation:
            matrices = _matrices(rest.pop(0))
            if self.relative:
                present = torch.as_tensor(pose.quaternion, dtype=torch.float32, device=values.device)
                matrices = matrices @ _matrices(rotation_columns(present))
            quaternion = quaternion_from_matrix(matrices.cpu().double().numpy())
        gripper = [
            self.normalizer.clamp(GRIPPER_TARGET, self.normalizer.unnormalize(GRIPPER_TARGET, each)) for each in rest
        ]
        gripper = gripper[0] if gripper else position[..., :0]
        return Pose(position.cpu().double().numpy(), quaternion), gripper.cpu().double().numpy()


def _matrices(columns: Tensor) -> Tensor:
    """The rotation matrices (..., 3, 3) nearest in the first of two columns (..., 6), made orthonormal."""
    first = F.normalize(columns[..., :3], dim=-1)
    second = columns[..., 3:] - (first * columns[..., 3:]).sum(dim=-1, keepdim=True) * first
    second = F.normalize(second, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def _columns(matrices: Tensor) -> Tensor:
    """The first two columns (..., 6) of matrices (..., 3, 3)."""
    return torch.cat([matrices[..., 0], matrices[..., 1]], dim=-1)
