"""Pictures to features: the small encoder that trains on a CPU, and the choice of the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor, nn

from muse_core.models.networks.keypoints import SpatialSoftmax, scale_images
from muse_core.models.resnet_encoder import ResNetEncoder

if TYPE_CHECKING:
    from muse_core.configs import EncoderConfig


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
    encoder = ResNetEncoder(config.depth, config.norm, config.keypoints, imagenet_colors=bool(config.weights))
    if config.weights and fresh:
        encoder.load_pretrained(config.weights)
    return encoder
