"""From a camera's bytes to a network's input, and from its last feature map to keypoints.

Images come in as bytes, as the camera gave them; scaling is done here and nowhere else.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
