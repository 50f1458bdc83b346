"""BC-RNN: behaviour cloning with a recurrent network over keypoints and proprioception.

Mandlekar et al., "What Matters in Learning from Offline Human Demonstrations for Robot Manipulation", 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muse_core.models.actions import ActionCodec
from muse_core.models.history import History
from muse_core.models.losses import action_terms
from muse_core.models.model import Tensors, Terms
from muse_core.models.observations import ObservationEncoder, build_observation_encoder

if TYPE_CHECKING:
    from muse_core.configs import TrainConfig
    from muse_core.datasets.statistics import Statistics
    from muse_core.spec import Spec


@dataclass
class SlidingMemory:
    """The encoded steps of the last horizon; the network runs over them from a zero state at every step."""

    history: History

    def forget(self, which: Tensor) -> None:
        """Begin these episodes anew."""
        self.history.forget(which)


@dataclass
class FlushedMemory:
    """The network's state, set to zero every horizon, and its last output."""

    age: Tensor
    state: tuple[Tensor, Tensor] | None = None
    output: Tensor | None = None

    def forget(self, which: Tensor) -> None:
        """Begin these episodes anew."""
        self.age = self.age.masked_fill(which.to(self.age.device), 0)


class BCRNN(nn.Module):
    """Encodes each step, runs an LSTM over the window from a zero state, and reads the actions off linearly."""

    def __init__(
        self,
        encoder: ObservationEncoder,
        actions: ActionCodec,
        *,
        hidden_size: int,
        layers: int,
        horizon: int,
        memory: str = "sliding",
    ) -> None:
        """Put the parts together.

        Args:
            encoder: Observations to features.
            actions: Between actions and what the network gives.
            hidden_size: Width of the LSTM.
            layers: Depth of the LSTM.
            horizon: Longest history at run time; that of the training windows.
            memory: ``sliding`` runs over the last `horizon` steps, ``flush`` zeroes the state every `horizon` steps.
        """
        super().__init__()
        self.encoder, self.actions = encoder, actions
        self.lstm = nn.LSTM(encoder.size, hidden_size, layers, batch_first=True)
        self.head = nn.Linear(hidden_size, actions.size)
        self.horizon, self.memory = horizon, memory

    def forward(self, batch: Tensors) -> Tensor:
        """Normalised actions: (B, H, ...) observations to (B, H, A)."""
        return self.head(self.lstm(self.encoder(batch))[0])

    def loss(self, batch: Tensors) -> Terms:
        """Smooth L1 on normalised actions: beyond one standard deviation an outlier pulls no harder."""
        error = F.smooth_l1_loss(self.forward(batch), self.actions.encode(batch), reduction="none")
        return action_terms(error, batch["mask"], self.actions.labels())

    def start(self, batch_size: int) -> SlidingMemory | FlushedMemory:
        """Memory for the beginning of `batch_size` episodes."""
        if self.memory == "sliding":
            return SlidingMemory(History(batch_size, self.horizon))
        return FlushedMemory(torch.zeros(batch_size, dtype=torch.int64))

    def observe(self, observation: Tensors, memory: SlidingMemory | FlushedMemory) -> None:
        """Take in one (B, ...) observation."""
        features = self.encoder({n: v if n.startswith("goal/") else v.unsqueeze(1) for n, v in observation.items()})
        if isinstance(memory, SlidingMemory):
            memory.history.push(features[:, 0])
            return
        memory.age = memory.age.to(features.device)
        if memory.state is not None:
            keep = (memory.age % self.horizon != 0).to(features.dtype).reshape(1, -1, 1)
            memory.state = tuple(each * keep for each in memory.state)
        output, memory.state = self.lstm(features, memory.state)
        memory.age, memory.output = memory.age + 1, output[:, -1]

    def predict(self, memory: SlidingMemory | FlushedMemory) -> Tensors:
        """The present action, (B, 1, ...), in the units of the spec."""
        if isinstance(memory, SlidingMemory):
            output = memory.history.last(self.lstm(memory.history.window())[0])
        else:
            output = memory.output
        return self.actions.decode(self.head(output).unsqueeze(1))


def build(config: TrainConfig, spec: Spec, statistics: Mapping[str, Statistics] | None) -> BCRNN:
    """The model of a training config, for the observations and actions of `spec`."""
    model = config.model
    return BCRNN(
        build_observation_encoder(config, spec, statistics),
        ActionCodec(spec.select(config.actions), statistics, model.normalization),
        hidden_size=model.hidden_size,
        layers=model.layers,
        horizon=config.horizon,
        memory=model.memory,
    )
