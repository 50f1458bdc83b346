"""Pictures to features: keypoints, the small encoder that trains on a CPU, and the choice of the encoder.

Images come in as bytes, as the camera gave them; scaling is done here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from muse_core.configs import EncoderConfig
    from muse_core.models.resnet_encoder import ResNetEncoder


def scale_images(images: Tensor) -> Tensor:
    """(N, height, width, 3) bytes, or floats in 0..255, to (N, 3, height, width) float32 in -1..1, channels last."""
    return images.permute(0, 3, 1, 2).to(torch.float32, copy=True).mul_(2.0 / 255.0).sub_(1.0)


class SpatialSoftmax(nn.Module):
    """The expected image position of each channel's softmax: one keypoint a channel.

    Finn et al., "Deep Spatial Autoencoders for Visuomotor Learning", 2016.
    """

    def __init__(self, temperature: float = 1.0, learn: bool = True) -> None:
        """The factor on the features is ``1 / temperature``, to begin with if it is to be learnt."""
        super().__init__()
        sharpness = torch.tensor(1.0 / temperature)
        if learn:
            self.sharpness = nn.Parameter(sharpness)
        else:
            self.register_buffer("sharpness", sharpness, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, height, width) to (N, 2 C): all x, then all y, each from -1 (left, top) to 1 (right, bottom)."""
        _, _, height, width = features.shape
        x = torch.linspace(-1.0, 1.0, width, device=features.device).repeat(height)
        y = torch.linspace(-1.0, 1.0, height, device=features.device).repeat_interleave(width)
        # Not in half precision: its products would round a keypoint to a 256th of the picture.
        with torch.autocast(features.device.type, enabled=False):
            weights = (features.flatten(2).float() * self.sharpness).softmax(dim=-1)
            return torch.cat([weights @ x, weights @ y], dim=-1)


class SmallEncoder(nn.Module):
    """Convolutions with ReLU between them, then one keypoint for each channel of the last."""

    def __init__(
        self, channels: Sequence[int], kernels: Sequence[int], strides: Sequence[int], temperature: float = 1.0
    ) -> None:
        """One layer for each entry of `channels`, `kernels` and `strides`.

        Raises:
            ValueError: when these three differ in length.
        """
        super().__init__()
        if not len(channels) == len(kernels) == len(strides) > 0:
            raise ValueError(
                f"channels, kernels and strides must be as many as there are layers, "
                f"got {len(channels)}, {len(kernels)} and {len(strides)}"
            )
        layers: list[nn.Module] = []
        inputs = 3
        for outputs, kernel, stride in zip(channels, kernels, strides, strict=True):
            layers += [nn.Conv2d(inputs, outputs, kernel, stride, padding=(kernel - 1) // 2), nn.ReLU()]
            inputs = outputs
        self.convolutions = nn.Sequential(*layers[:-1])
        self.keypoints = SpatialSoftmax(temperature)
        self.size = 2 * inputs

    def forward(self, images: Tensor) -> Tensor:
        """(N, height, width, 3) uint8 to (N, size)."""
        return self.keypoints(self.convolutions(scale_images(images)))


def build_camera_encoder(config: EncoderConfig, *, fresh: bool = True) -> SmallEncoder | ResNetEncoder:
    """The encoder that a config describes.

    Args:
        config: Which encoder.
        fresh: Whether it is to be trained from here, from the weights that the config names if it does. Otherwise
            trained weights will be loaded, and the file that they once began with need not be there.

    Raises:
        ValueError: when the file holds the weights of another network.
        FileNotFoundError: when there is no such file.
    """
    if config.kind == "small":
        return SmallEncoder(config.channels, config.kernels, config.strides, config.temperature)
    from muse_core.models.resnet_encoder import ResNetEncoder

    encoder = ResNetEncoder(config.depth, config.norm, config.keypoints, imagenet_colors=bool(config.weights))
    if config.weights and fresh:
        encoder.load_pretrained(config.weights)
    return encoder
