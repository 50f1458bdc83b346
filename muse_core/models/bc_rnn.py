"""BC-RNN: behaviour cloning with an LSTM over keypoints and proprioception.

Mandlekar et al., "What Matters in Learning from Offline Human Demonstrations for Robot Manipulation", 2021, with a
vision encoder small enough for a CPU and a deterministic head.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muse_core.models.model import Tensors
from muse_core.models.normalizer import Normalizer
from muse_core.models.observations import ObservationEncoder
from muse_core.models.vision import SmallEncoder

if TYPE_CHECKING:
    from muse_core.configs import TrainConfig
    from muse_core.datasets.statistics import Statistics
    from muse_core.spec import Spec


@dataclass
class RNNMemory:
    """What the policy remembers within an episode: encoded steps, or the LSTM's state and its age."""

    features: deque[Tensor] = field(default_factory=deque)
    state: tuple[Tensor, Tensor] | None = None
    age: int = 0


class BCRNN(nn.Module):
    """Encodes each step, runs an LSTM over the window from a zero state, and reads the actions off linearly."""

    def __init__(
        self,
        encoder: ObservationEncoder,
        actions: Spec,
        *,
        hidden_size: int,
        layers: int,
        horizon: int,
        memory: str = "sliding",
        statistics: Mapping[str, Statistics] | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            encoder: Observations to features.
            actions: What to predict.
            hidden_size: Width of the LSTM.
            layers: Depth of the LSTM.
            horizon: Longest history at run time; that of the training windows.
            memory: ``sliding`` runs over the last `horizon` steps, ``flush`` zeroes the state every `horizon` steps.
            statistics: To normalise the actions by.
        """
        super().__init__()
        self.encoder = encoder
        self.actions = Normalizer({name: array.shape for name, array in actions.items()}, statistics)
        self.sizes = {name: int(torch.Size(array.shape).numel()) for name, array in actions.items()}
        self.shapes = {name: array.shape for name, array in actions.items()}
        self.lstm = nn.LSTM(encoder.size, hidden_size, layers, batch_first=True)
        self.head = nn.Linear(hidden_size, sum(self.sizes.values()))
        self.horizon, self.memory = horizon, memory

    def forward(self, batch: Tensors) -> Tensor:
        """Normalised actions, all keys side by side: (B, H, ...) observations to (B, H, A)."""
        return self.head(self.lstm(self.encoder(batch))[0])

    def loss(self, batch: Tensors) -> Tensors:
        """Smooth L1 on normalised actions, over the real steps only.

        Each dimension is scaled by its own spread, so that the gripper (0 or 1) does not outweigh translations of
        millimetres; and beyond one standard deviation an outlier pulls no harder.
        """
        predicted = self.forward(batch)
        target = torch.cat([self.actions.normalize(n, batch[n]).flatten(2) for n in self.sizes], dim=-1)
        mask = batch["mask"].unsqueeze(-1).to(predicted.dtype)
        error = F.smooth_l1_loss(predicted, target, reduction="none") * mask
        per_dimension = error.sum(dim=(0, 1)) / mask.sum().clamp(min=1.0)
        scalars = {"loss": per_dimension.mean()}
        for name, part in zip(self.sizes, per_dimension.detach().split(list(self.sizes.values())), strict=True):
            scalars |= {f"loss/{name}_{i}": value for i, value in enumerate(part)}
        return scalars

    def start(self, batch_size: int) -> RNNMemory:
        """An empty memory; it fits any batch size."""
        return RNNMemory()

    def step(self, observation: Tensors, memory: RNNMemory) -> tuple[Tensors, RNNMemory]:
        """Actions for one (B, ...) observation, in the units of the spec."""
        features = self.encoder({name: value.unsqueeze(1) for name, value in observation.items()})
        output = self._slide(features, memory) if self.memory == "sliding" else self._flush(features, memory)
        values = self.head(output).split(list(self.sizes.values()), dim=-1)
        actions = {}
        for (name, shape), value in zip(self.shapes.items(), values, strict=True):
            action = self.actions.unnormalize(name, value.reshape(-1, *shape))
            actions[name] = self.actions.clamp(name, action)
        return actions, memory

    def _slide(self, features: Tensor, memory: RNNMemory) -> Tensor:
        memory.features.append(features)
        while len(memory.features) > self.horizon:
            memory.features.popleft()
        return self.lstm(torch.cat(tuple(memory.features), dim=1))[0][:, -1]

    def _flush(self, features: Tensor, memory: RNNMemory) -> Tensor:
        if memory.age % self.horizon == 0:
            memory.state = None
        memory.age += 1
        output, memory.state = self.lstm(features, memory.state)
        return output[:, -1]


def build(config: TrainConfig, spec: Spec, statistics: Mapping[str, Statistics] | None) -> BCRNN:
    """The model of a training config, for the observations and actions of `spec`."""
    model = config.model
    vision = model.encoder
    observations, actions = spec.select(config.observations), spec.select(config.actions)

    def camera_encoder() -> SmallEncoder:
        return SmallEncoder(vision.channels, vision.kernels, vision.strides, vision.temperature)

    encoder = ObservationEncoder(observations, camera_encoder, shared=vision.shared, statistics=statistics)
    return BCRNN(
        encoder,
        actions,
        hidden_size=model.hidden_size,
        layers=model.layers,
        horizon=config.horizon,
        memory=model.memory,
        statistics=statistics,
    )
