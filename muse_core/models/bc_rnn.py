"""BC-RNN: behaviour cloning with a recurrent network over keypoints and proprioception.

Mandlekar et al., "What Matters in Learning from Offline Human Demonstrations for Robot Manipulation", 2021; with a
mixture as its head it is their BC-RNN-GMM.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from muse_core.models.actions import ActionCodec
from muse_core.models.heads import Head, build_head
from muse_core.models.history import History
from muse_core.models.losses import action_terms
from muse_core.models.model import Tensors, Terms
from muse_core.models.networks.mlp import MLP
from muse_core.models.networks.recurrent import Recurrent, State
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
    state: State | None = None
    output: Tensor | None = None

    def forget(self, which: Tensor) -> None:
        """Begin these episodes anew."""
        self.age = self.age.masked_fill(which.to(self.age.device), 0)


class BCRNN(nn.Module):
    """Encodes each step, runs a recurrent network over the window from zero, and has a head act on each step."""

    def __init__(
        self,
        encoder: ObservationEncoder,
        recurrent: Recurrent,
        mlp: MLP,
        head: Head,
        actions: ActionCodec,
        *,
        horizon: int,
        memory: str = "sliding",
    ) -> None:
        """Put the parts together.

        Args:
            encoder: Observations to features.
            recurrent: Over the steps.
            mlp: Between the recurrent network and the head.
            head: Features to actions.
            actions: Between actions and what the head gives.
            horizon: Longest history at run time; that of the training windows.
            memory: ``sliding`` runs over the last `horizon` steps, ``flush`` zeroes the state every `horizon` steps.
        """
        super().__init__()
        self.encoder, self.recurrent, self.mlp, self.head, self.actions = encoder, recurrent, mlp, head, actions
        self.horizon, self.memory = horizon, memory

    def features(self, batch: Tensors) -> Tensor:
        """What the head sees: (B, H, ...) observations to (B, H, F)."""
        return self.mlp(self.recurrent(self.encoder(batch))[0])

    def forward(self, batch: Tensors) -> Tensor:
        """Normalised actions: (B, H, ...) observations to (B, H, A)."""
        return self.head.act(self.features(batch))

    def loss(self, batch: Tensors) -> Terms:
        """The head's loss on normalised actions, over the real steps."""
        error = self.head.loss(self.features(batch), self.actions.encode(batch))
        return action_terms(error, batch["mask"], self.actions.labels())

    def start(self, batch_size: int) -> SlidingMemory | FlushedMemory:
        """Memory for the beginning of `batch_size` episodes."""
        if self.memory == "sliding":
            return SlidingMemory(History(batch_size, self.horizon))
        return FlushedMemory(torch.zeros(batch_size, dtype=torch.int64))

    def observe(self, observation: Tensors, memory: SlidingMemory | FlushedMemory) -> None:
        """Take in one (B, ...) observation."""
        features = self.encoder.step(observation)
        if isinstance(memory, SlidingMemory):
            memory.history.push(features)
            return
        memory.age = memory.age.to(features.device)
        state = self.recurrent.reset(memory.state, memory.age % self.horizon == 0)
        output, memory.state = self.recurrent(features.unsqueeze(1), state)
        memory.age, memory.output = memory.age + 1, output[:, 0]

    def predict(self, memory: SlidingMemory | FlushedMemory) -> Tensors:
        """The present action, (B, 1, ...), in the units of the spec."""
        if isinstance(memory, SlidingMemory):
            output = memory.history.last(self.recurrent(memory.history.window())[0])
        else:
            output = memory.output
        return self.actions.decode(self.head.act(self.mlp(output)).unsqueeze(1))


def build(config: TrainConfig, spec: Spec, statistics: Mapping[str, Statistics] | None) -> BCRNN:
    """The model of a training config, for the observations and actions of `spec`."""
    model = config.model
    encoder = build_observation_encoder(config, spec, statistics)
    actions = ActionCodec(spec.select(config.actions), statistics, model.normalization)
    mlp = MLP(model.hidden_size, model.mlp_sizes)
    return BCRNN(
        encoder,
        Recurrent(encoder.size, model.hidden_size, model.layers, model.cell),
        mlp,
        build_head(model.head, mlp.size, actions.size, actions.bounds()),
        actions,
        horizon=config.horizon,
        memory=model.memory,
    )
