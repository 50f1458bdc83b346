"""Augmentation of training batches: shifts, crops and colours of images, noise on states. Never used at evaluation.

All of it is a pure function of the run's seed and each sample's position in the order of draws, so that it depends
neither on the batch nor on how many processes there are. Cameras are augmented independently of each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from muse_core.datasets.colour import colour_maps, recolour
from muse_core.datasets.draws import normal, uniform
from muse_core.datasets.views import View, crop_size
from muse_core.spec import Spec

_COLOURS = ("brightness", "contrast", "saturation", "hue")


class Augmenter:
    """What is changed in each batch, and how much.

    :meth:`SequenceDataset.get_batch` asks for :meth:`views` before it reads, so that a crop reads only what it keeps,
    and hands the batch to :meth:`finish` after.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        shift: int = 0,
        crop: float = 1.0,
        brightness: float = 0.0,
        contrast: float = 0.0,
        saturation: float = 0.0,
        hue: float = 0.0,
        noise: Mapping[str, float] | None = None,
        per: Literal["window", "frame"] = "window",
        seed: int = 0,
    ) -> None:
        """Say what to change.

        Args:
            spec: Of the batches, :attr:`SequenceDataset.spec`.
            shift: Largest move of an image in each direction [px]; the border repeats its nearest pixel.
            crop: Share of height and width kept, at a random place.
            brightness: Largest change of the factor on all values.
            contrast: Largest change of the factor on the distance from the middle grey.
            saturation: Largest change of the factor on the distance from grey.
            hue: Largest turn of the hue, in whole turns, at most 0.5.
            noise: Observation key to the standard deviation of Gaussian noise, in the key's own unit. Quaternions are
                made unit again.
            per: Draw once for a window, which keeps its motion true, or for every frame of it.
            seed: Of all draws.

        Raises:
            ValueError: naming the argument that is out of range, or a key that takes no noise.
        """
        self._images = [name for name, array in spec.items() if array.is_image]
        self._spec, self._seed, self._shift = spec, seed, shift
        self._sizes = {name: crop_size(*spec[name].shape[:2], crop) for name in self._images}
        self._strength = dict(zip(_COLOURS, (brightness, contrast, saturation, hue), strict=True))
        self._noise = {name: std for name, std in (noise or {}).items() if std}
        self._per_frame = per == "frame"
        if per not in ("window", "frame"):
            raise ValueError(f"per must be window or frame, got {per!r}")
        for name, strength in self._strength.items():
            if not 0.0 <= strength <= (0.5 if name == "hue" else 1.0):
                raise ValueError(f"{name} must be 0 to {0.5 if name == 'hue' else 1}, got {strength}")
        for name, size in self._sizes.items():
            if not 0 <= shift < min(size):
                raise ValueError(f"a shift of {shift} px leaves nothing of {name}, {size[0]}x{size[1]} px")
        for name, std in self._noise.items():
            if name not in spec or not spec[name].dtype.startswith("float") or spec[name].role != "observation":
                floats = [n for n, a in spec.items() if a.dtype.startswith("float") and a.role == "observation"]
                raise ValueError(f"no noise can be put on {name!r}; choose from {', '.join(floats) or 'none'}")
            if not std > 0:
                raise ValueError(f"noise on {name} must be at least 0, got {std}")

    @property
    def recolours(self) -> bool:
        """Whether colours change."""
        return any(self._strength.values())

    @property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """Image key to (height, width) in an augmented batch, where that differs from the spec."""
        return {name: size for name, size in self._sizes.items() if size != self._spec[name].shape[:2]}

    def views(self, positions: np.ndarray, steps: Mapping[str, int]) -> dict[str, View]:
        """What is seen of each image.

        Args:
            positions: (B,) positions of the samples in the order of draws.
            steps: Image key to the frames of a window, T.
        """
        if not self._shift and not self.sizes:
            return {}
        views = {}
        for name in self._images:
            size, (height, width) = self._sizes[name], self._spec[name].shape[:2]
            frames = steps[name] if self._per_frame else 1
            draws = uniform(self._seed, f"view {name}", positions, 4 * frames).reshape(len(positions), frames, 4)
            room = np.array([height - size[0], width - size[1]])
            corners = np.floor(draws[..., :2] * (room + 1)) + np.floor(draws[..., 2:] * (2 * self._shift + 1))
            corners = (corners - self._shift).astype(np.int64)
            views[name] = View(size, corners if self._per_frame else corners[:, 0])
        return views

    def finish(self, batch: Mapping[str, np.ndarray], positions: np.ndarray) -> None:
        """Change colours and add noise, in place.

        Args:
            batch: (B, T, ...) arrays; goals have no T.
            positions: (B,) positions of the samples in the order of draws.
        """
        if self.recolours:
            for name in self._images:
                self._recolour(name, batch[name], positions)
        for name, std in self._noise.items():
            values = batch[name]
            steps = values.shape[1] if self._per_frame else 1
            size = int(np.prod(values.shape[2:]))
            noise = normal(self._seed, f"noise {name}", positions, steps * size)
            values += (std * noise).reshape(len(values), steps, *values.shape[2:]).astype(values.dtype)
            if self._spec[name].is_quaternion:
                values /= np.linalg.norm(values, axis=-1, keepdims=True)

    def _recolour(self, name: str, images: np.ndarray, positions: np.ndarray) -> None:
        """Colours of (B, T, height, width, 3) or (B, height, width, 3) images."""
        if images.shape[-1] != 3:
            return
        maps = self.colours(name, positions, images.shape[1] if images.ndim == 5 else 1)
        whole = images.reshape(len(maps), -1, *images.shape[-3:])
        for each, colour_map in zip(whole, maps, strict=True):
            recolour(each, colour_map)

    def colours(self, name: str, positions: np.ndarray, steps: int) -> np.ndarray:
        """The changes of an image's colours.

        Args:
            name: Of the image.
            positions: (B,) positions of the samples in the order of draws.
            steps: Frames of a window, T.

        Returns:
            (B, 3, 4) maps, see :func:`~muse_core.datasets.colour.colour_maps`; (B * T, 3, 4) where every frame has its
            own.
        """
        frames = steps if self._per_frame else 1
        draws = 2.0 * uniform(self._seed, f"colour {name}", positions, 4 * frames).reshape(-1, 4) - 1.0
        changes = draws * np.array([self._strength[n] for n in _COLOURS])
        return colour_maps(1 + changes[:, 0], 1 + changes[:, 1], 1 + changes[:, 2], changes[:, 3])
