"""BC-RNN: behaviour cloning with a recurrent network over keypoints and proprioception.

Mandlekar et al., "What Matters in Learning from Offline Human Demonstrations for Robot Manipulation", 2021; with a
mixture as its head it is their BC-RNN-GMM.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn

from muse_core.models.actions import ActionCodec
from muse_core.models.heads import Head, build_head
from muse_core.models.losses import action_terms
from muse_core.models.model import Tensors, Terms
from muse_core.models.networks.mlp import MLP
from muse_core.models.networks.recurrent import Recurrent
from muse_core.models.observations import ObservationEncoder, build_observation_encoder
from muse_core.models.recurrent_trunk import RecurrentTrunk, TrunkMemory

if TYPE_CHECKING:
    from muse_core.configs import TrainConfig
    from muse_core.datasets.statistics import Statistics
    from muse_core.spec import Spec


class BCRNN(nn.Module):
    """Encodes each step, runs a recurrent network over the window from zero, and has a head act on each step."""

    def __init__(
        self, encoder: ObservationEncoder, trunk: RecurrentTrunk, mlp: MLP, head: Head, actions: ActionCodec
    ) -> None:
        """Put the parts together.

        Args:
            encoder: Observations to features.
            trunk: Over the steps.
            mlp: Between the recurrent network and the head.
            head: Features to actions.
            actions: Between actions and what the head gives.
        """
        super().__init__()
        self.encoder, self.trunk, self.mlp, self.head, self.actions = encoder, trunk, mlp, head, actions

    def features(self, batch: Tensors) -> Tensor:
        """What the head sees: (B, H, ...) observations to (B, H, F)."""
        return self.mlp(self.trunk(self.encoder(batch)))

    def forward(self, batch: Tensors) -> Tensor:
        """Normalised actions: (B, H, ...) observations to (B, H, A)."""
        return self.head.act(self.features(batch))

    def loss(self, batch: Tensors) -> Terms:
        """The head's loss on normalised actions, over the real steps."""
        error = self.head.loss(self.features(batch), self.actions.encode(batch))
        return action_terms(error, batch["mask"], self.actions.labels())

    def start(self, batch_size: int) -> TrunkMemory:
        """Memory for the beginning of `batch_size` episodes."""
        return self.trunk.start(batch_size)

    def observe(self, observation: Tensors, memory: TrunkMemory) -> None:
        """Take in one (B, ...) observation."""
        self.trunk.observe(self.encoder.step(observation), memory)

    def predict(self, memory: TrunkMemory) -> Tensors:
        """The present action, (B, 1, ...), in the units of the spec."""
        return self.actions.decode(self.head.act(self.mlp(self.trunk.present(memory))).unsqueeze(1))


def build(config: TrainConfig, spec: Spec, statistics: Mapping[str, Statistics] | None) -> BCRNN:
    """The model of a training config, for the observations and actions of `spec`."""
    model = config.model
    encoder = build_observation_encoder(config, spec, statistics)
    actions = ActionCodec(spec.select(config.actions), statistics, model.normalization)
    recurrent = Recurrent(encoder.size, model.hidden_size, model.layers, model.cell)
    mlp = MLP(recurrent.size, model.mlp_sizes)
    return BCRNN(
        encoder,
        RecurrentTrunk(recurrent, horizon=config.horizon, memory=model.memory),
        mlp,
        build_head(model.head, mlp.size, actions.size, actions.bounds()),
        actions,
    )
