"""Vision encoders as configs: what turns one camera's picture into a feature vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from muse_core.configs.checks import check_types, require


@dataclass(frozen=True)
class SmallEncoderConfig:
    """A few convolutions, then a spatial softmax that gives one keypoint for each last channel: trains on a CPU."""

    kind: Literal["small"] = "small"
    """Which encoder this is."""
    channels: tuple[int, ...] = (16, 32, 32)
    """Channels of each convolution."""
    kernels: tuple[int, ...] = (3, 3, 3)
    """Kernel size of each convolution, in pixels."""
    strides: tuple[int, ...] = (2, 2, 1)
    """Stride of each convolution."""
    temperature: float = 0.1
    """Temperature of the spatial softmax at the start of training; it is learnt from there."""
    shared: bool = False
    """One encoder for all cameras, rather than one each."""

    def __post_init__(self) -> None:
        check_types(self)
        layers = {len(self.channels), len(self.kernels), len(self.strides)}
        require(len(layers) == 1, "encoder: channels, kernels and strides", "equally many", sorted(layers))
        require(self.temperature > 0, "encoder.temperature", "positive", self.temperature)


@dataclass(frozen=True)
class ResNetConfig:
    """A ResNet without its classifier, then a spatial softmax over keypoints: for a GPU."""

    kind: Literal["resnet"] = "resnet"
    """Which encoder this is."""
    depth: Literal[18, 34] = 18
    """Layers of the ResNet."""
    norm: Literal["batch", "group"] = "batch"
    """Normalisation layers. Group norm does not depend on what else is in the batch, so it suits small batches, EMA and
    several processes."""
    keypoints: int = 32
    """Keypoints of the spatial softmax, two numbers each; 0 averages over the image instead, to 512 numbers."""
    weights: str = ""
    """A state dict of torchvision's ResNet (.pt, .pth) to start from, such as resnet18-f37072fd.pth; empty starts at
    random."""
    shared: bool = True
    """One encoder for all cameras, rather than one each."""

    def __post_init__(self) -> None:
        check_types(self)
        require(self.keypoints >= 0, "encoder.keypoints", "at least 0", self.keypoints)


EncoderConfig = SmallEncoderConfig | ResNetConfig
