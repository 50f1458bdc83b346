"""ResNet-18 and ResNet-34 with torchvision's names for their weights, so that its state dicts load strictly.

He et al., "Deep Residual Learning for Image Recognition", 2016. Written here because torchvision's wheels are tied to
one build of torch each; nothing else of it is needed.
"""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
WIDTHS = (64, 128, 256, 512)
CHANNELS_A_GROUP = 16

Norm = Literal["batch", "group"]


def make_norm(kind: Norm, channels: int) -> nn.Module:
    """Batch norm, or group norm with 16 channels a group (Wu and He, "Group Normalization", 2018).

    Group norm gives the same result for a frame whatever else is in the batch, so that a moving average of the weights,
    several processes and batches of one robot all see the network that was trained.
    """
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.GroupNorm(channels // CHANNELS_A_GROUP, channels)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, added to their input."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: Norm) -> None:
        """From `inputs` channels to `outputs`; a stride above 1 shrinks the map."""
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = make_norm(norm, outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = make_norm(norm, outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            project = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(project, make_norm(norm, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) to (N, outputs, h / stride, w / stride), rounded up."""
        skip = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self._shrink(x)))
        return self.relu(self.bn2(self.conv2(x)) + skip)

    def _shrink(self, x: Tensor) -> Tensor:
        """The first convolution, without a stride along a side of one pixel, where it changes nothing.

        With it, oneDNN leaves weights that see only padding out of their gradient in bfloat16: it holds what the memory
        held before, now and then NaN. Pictures of 16 pixels come down to one before the last layer.
        """
        stride = [s if n > 1 else 1 for s, n in zip(self.conv1.stride, x.shape[-2:], strict=True)]
        return F.conv2d(x, self.conv1.weight, stride=stride, padding=self.conv1.padding)


class ResNet(nn.Module):
    """Images to a feature map at a 32nd of their size, or to the logits of classes.

    Attributes:
        channels: Channels of the feature map.
    """

    channels = WIDTHS[-1]

    def __init__(self, depth: int = 18, norm: Norm = "batch", classes: int | None = None) -> None:
        """Make the network; its weights are random.

        Args:
            depth: 18 or 34.
            norm: ``batch`` or ``group``; the weights have the same names either way.
            classes: Classes to tell apart; without, the network ends at the feature map.

        Raises:
            ValueError: for another depth.
        """
        super().__init__()
        if depth not in BLOCKS:
            raise ValueError(f"a ResNet of depth {' or '.join(map(str, BLOCKS))}, got {depth}")
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = make_norm(norm, WIDTHS[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        before = WIDTHS[0]
        for i, (width, count) in enumerate(zip(WIDTHS, BLOCKS[depth], strict=True)):
            blocks = [BasicBlock(before, width, 1 if i == 0 else 2, norm)]
            blocks += [BasicBlock(width, width, 1, norm) for _ in range(count - 1)]
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
            before = width
        self.fc = None if classes is None else nn.Linear(before, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, images: Tensor) -> Tensor:
        """(N, 3, height, width) to (N, 512, height / 32, width / 32), rounded up."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, height, width) to the feature map, or to (N, classes) logits if there are classes."""
        x = self.features(images)
        return x if self.fc is None else self.fc(x.mean(dim=(2, 3)))


def load_resnet(network: ResNet, path: str | Path) -> None:
    """Fill a network with weights that torchvision saved; a classifier in the file is left out where there is none.

    Raises:
        ValueError: naming the file and what differs, when these are the weights of another network; one with group norm
            has no running means, for example.
        FileNotFoundError: when there is no such file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file; it is to hold the weights that a ResNet starts from")
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path}: not a state dict that torch.save wrote: {error}") from error
    if network.fc is None:
        state = {name: value for name, value in state.items() if not name.startswith("fc.")}
    expected = {name: value.shape for name, value in network.state_dict().items()}
    found = {name: value.shape for name, value in state.items()}
    differing = [name for name in (*expected, *found) if expected.get(name) != found.get(name)]
    if differing:
        first = differing[0]
        shapes = " and ".join(str(tuple(s[first])) if first in s else "none" for s in (expected, found))
        raise ValueError(
            f"{path}: not the weights of this ResNet: {len(set(differing))} of its arrays differ, "
            f"the first is {first}: expected and found {shapes}"
        )
    network.load_state_dict(state)
