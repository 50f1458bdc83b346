"""BC-RNN: behaviour cloning with a recurrent network over keypoints and proprioception.

Mandlekar et al., "What Matters in Learning from Offline Human Demonstrations for Robot Manipulation", 2021; with a
mixture as its head it is their BC-RNN-GMM.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from muse_core.models.actions import ActionCodec
from muse_core.models.cloning import Cloning
from muse_core.models.heads import Head, build_head
from muse_core.models.model import Tensors
from muse_core.models.networks.mlp import MLP
from muse_core.models.networks.recurrent import Recurrent
from muse_core.models.observations import ObservationEncoder, build_observation_encoder
from muse_core.models.recurrent_trunk import RecurrentTrunk, TrunkMemory

if TYPE_CHECKING:
    from muse_core.configs import TrainConfig
    from muse_core.datasets.statistics import Statistics
    from muse_core.spec import Spec


class BCRNN(Cloning):
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
        super().__init__(encoder, head, actions)
        self.trunk, self.mlp = trunk, mlp

    def features(self, batch: Tensors) -> Tensor:
        """(B, H, ...) observations to (B, H, F)."""
        return self.mlp(self.trunk(self.encoder(batch)))

    def start(self, batch_size: int) -> TrunkMemory:
        """Memory for the beginning of `batch_size` episodes."""
        return self.trunk.start(batch_size)

    def observe(self, observation: Tensors, memory: TrunkMemory) -> None:
        """Take in one (B, ...) observation."""
        self.trunk.observe(self.encoder.step(observation), memory)

    def predict(self, memory: TrunkMemory) -> Tensors:
        """The present action, (B, 1, ...), in the units of the spec."""
        return self.action(self.mlp(self.trunk.present(memory)))


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
