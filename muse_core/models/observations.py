"""Observations to one feature vector a step: images through vision encoders, the rest normalised, the goal beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muse_core.datasets.views import crop_size
from muse_core.models.model import Tensors
from muse_core.models.normalizer import Normalizer
from muse_core.models.rotations import SignedQuaternions, rotation_columns

if TYPE_CHECKING:
    from muse_core.configs import TrainConfig
    from muse_core.datasets.statistics import Statistics
    from muse_core.spec import Spec


class ObservationEncoder(nn.Module):
    """Encodes (B, O, ...) observations, and goals where there are any, as (B, O, size)."""

    def __init__(
        self,
        observations: Spec,
        camera_encoder: Callable[[], nn.Module],
        *,
        shared: bool = False,
        statistics: Mapping[str, Statistics] | None = None,
        goals: Sequence[str] = (),
        crop: float = 1.0,
        image_size: tuple[int, int] | None = None,
        rotation: str = "columns",
    ) -> None:
        """Make the encoders.

        Args:
            observations: What comes in. Arrays in unit ``quaternion xyzw`` become what `rotation` says, other
                low-dimensional ones are normalised.
            camera_encoder: Makes a module with an attribute `size` that takes (N, height, width, 3) bytes to (N, size).
            shared: Whether all cameras go through one encoder, in one batch.
            statistics: To normalise by.
            goals: Observations whose value at the goal comes in too, as ``goal/<name>`` (B, ...).
            crop: Share of the pictures' height and width that is seen. Pictures come in whole, and lose their border
                here; or cropped to that size already, by an augmentation.
            image_size: (height, width) that pictures are then resized to.
            rotation: ``columns`` of the rotation matrix, or the ``quaternion`` with its sign fixed.
        """
        super().__init__()
        self.images = [name for name, array in observations.items() if array.is_image]
        rotations = [n for n, array in observations.items() if array.is_quaternion]
        self.vectors = [n for n in observations if n not in self.images and n not in rotations]
        shapes = {name: observations[name].shape for name in self.vectors}
        self.normalizer = Normalizer(shapes, statistics)
        self.rotations = nn.ModuleDict()
        if rotation == "quaternion":
            self.rotations.update({n: SignedQuaternions(statistics and statistics[n]) for n in rotations})
        self.columns = [n for n in rotations if n not in self.rotations]
        self.shared, self.image_size, self.goals = shared, image_size, tuple(goals)
        self.windows = {n: crop_size(*observations[n].shape[:2], crop) for n in self.images}
        self.cameras = nn.ModuleDict({n: camera_encoder() for n in (["all"] if shared else self.images) if self.images})
        self.has_batch_norm = any(isinstance(module, nn.BatchNorm2d) for module in self.cameras.modules())
        sizes = {n: torch.Size(shape).numel() for n, shape in shapes.items()}
        sizes |= {n: 6 for n in self.columns} | {n: 4 for n in self.rotations}
        sizes |= {n: self.cameras["all" if shared else n].size for n in self.images}
        self.size = sum(sizes.values()) + sum(sizes[n] for n in self.goals)
        self.camera_sizes = [sizes[n] for n in (*self.images, *(n for n in self.images if n in self.goals))]
        self.state_size = self.size - sum(self.camera_sizes)

    def forward(self, batch: Tensors) -> Tensor:
        """(B, O, ...) observations and (B, ...) goals to (B, O, size)."""
        state, cameras = self.separate(batch)
        return torch.cat([state, *cameras], dim=-1)

    def separate(self, batch: Tensors) -> tuple[Tensor, list[Tensor]]:
        """The same in parts, for models that look at each camera by itself.

        Returns:
            What is no picture, observations before goals, (B, O, state_size); and what the camera encoder gives for
            each camera, (B, O, ...), then for each camera at the goal.
        """
        names = (*self.vectors, *self.columns, *self.rotations, *self.images)
        vectors, pictures = self._encode({name: batch[name] for name in names}, self._real_frames(batch))
        if self.goals:
            found = self._encode({n: batch[f"goal/{n}"].unsqueeze(1) for n in self.goals})
            steps = batch[names[0]].shape[1]
            goal_vectors, goal_pictures = ([g.expand(-1, steps, *g.shape[2:]) for g in part] for part in found)
            vectors, pictures = vectors + goal_vectors, pictures + goal_pictures
        if not vectors:
            return pictures[0].new_zeros(*pictures[0].shape[:2], 0), pictures
        return torch.cat(vectors, dim=-1), pictures

    def step(self, observation: Tensors) -> Tensor:
        """One (B, ...) observation, with its goals, to (B, size)."""
        return self.forward(window_of_one(observation))[:, 0]

    def frames(self, name: str, images: Tensor) -> Tensor:
        """(..., height, width, 3) pictures of one camera as its encoder sees them: (N, height, width, 3)."""
        frames = images.flatten(0, -4)
        height, width = self.windows[name]
        top, left = (frames.shape[1] - height) // 2, (frames.shape[2] - width) // 2
        if top < 0 or left < 0:
            raise ValueError(f"{name!r}: expected at least {height}x{width} pixels, got {tuple(images.shape[-3:-1])}")
        frames = frames[:, top : top + height, left : left + width]
        if self.image_size is None or tuple(self.image_size) == (height, width):
            return frames
        resized = F.interpolate(frames.permute(0, 3, 1, 2).float(), size=tuple(self.image_size), mode="area")
        return resized.permute(0, 2, 3, 1)

    def _real_frames(self, batch: Tensors) -> Tensor | None:
        """(B, O) bool, False behind the end of an episode, where such frames would show: in the means of a batch norm.

        Frames before an episode count, since models see them as the beginning of each episode.
        """
        if not (self.training and self.has_batch_norm and "observation_mask" in batch):
            return None
        mask = batch["observation_mask"]
        return mask | (mask.cumsum(dim=1) == 0)

    def _encode(self, arrays: Tensors, real: Tensor | None = None) -> tuple[list[Tensor], list[Tensor]]:
        """Features of each of these (B, T, ...) arrays, (B, T, ...): of what is no picture, and of pictures."""
        vectors = [self.normalizer.vectors(n, arrays[n]) for n in self.vectors if n in arrays]
        vectors += [rotation_columns(arrays[n].float()) for n in self.columns if n in arrays]
        vectors += [encode(arrays[n].float()) for n, encode in self.rotations.items() if n in arrays]
        return vectors, self._encode_images({n: arrays[n] for n in self.images if n in arrays}, real)

    def _encode_images(self, arrays: Tensors, real: Tensor | None) -> list[Tensor]:
        frames = {name: self.frames(name, images) for name, images in arrays.items()}
        if real is not None:
            frames = {name: images[real.flatten()] for name, images in frames.items()}
        one_batch = self.shared and len({each.shape for each in frames.values()}) == 1
        if one_batch:
            encoded = self.cameras["all"](torch.cat([*frames.values()])).chunk(len(frames))
        else:
            encoded = [self.cameras["all" if self.shared else n](each) for n, each in frames.items()]
        if real is not None:
            return [e.new_zeros(*real.shape, *e.shape[1:]).index_put((real,), e) for e in encoded]
        return [e.unflatten(0, a.shape[:2]) for e, a in zip(encoded, arrays.values(), strict=True)]


def window_of_one(observation: Tensors) -> Tensors:
    """One (B, ...) observation as a window of one step, (B, 1, ...); goals stay (B, ...)."""
    return {name: value if name.startswith("goal/") else value.unsqueeze(1) for name, value in observation.items()}


def build_observation_encoder(
    config: TrainConfig,
    spec: Spec,
    statistics: Mapping[str, Statistics] | None,
    make_camera_encoder: Callable[..., nn.Module] | None = None,
) -> ObservationEncoder:
    """The encoder of a training config's observations.

    Args:
        config: Says which observations, and how they are encoded.
        spec: What the observations are.
        statistics: To normalise by.
        make_camera_encoder: What to call instead of `build_camera_encoder`.
    """
    from muse_core.models.vision import build_camera_encoder

    make = make_camera_encoder or build_camera_encoder
    return ObservationEncoder(
        spec.select(config.observations),
        lambda: make(config.model.encoder, fresh=statistics is not None),
        shared=config.model.encoder.shared,
        statistics=statistics,
        goals=config.goal.keys,
        crop=config.image_crop,
        image_size=config.image_size,
        rotation=config.rotation,
    )
