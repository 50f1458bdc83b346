"""BC: behaviour cloning from the present observation alone.

Pomerleau, "ALVINN: An Autonomous Land Vehicle in a Neural Network", 1989; the baseline BC of Mandlekar et al., "What
Matters in Learning from Offline Human Demonstrations for Robot Manipulation", 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from muse_core.models.actions import ActionCodec
from muse_core.models.cloning import Cloning
from muse_core.models.heads import Head, build_head
from muse_core.models.history import History
from muse_core.models.model import Tensors
from muse_core.models.networks.mlp import MLP
from muse_core.models.observations import ObservationEncoder, build_observation_encoder

if TYPE_CHECKING:
    from muse_core.configs import TrainConfig
    from muse_core.datasets.statistics import Statistics
    from muse_core.spec import Spec


class BC(Cloning):
    """Encodes the present step, and has a head act on what a multi-layer perceptron makes of it."""

    def __init__(self, encoder: ObservationEncoder, mlp: MLP, head: Head, actions: ActionCodec) -> None:
        """Put the parts together.

        Args:
            encoder: Observations to features.
            mlp: Between the encoder and the head.
            head: Features to actions.
            actions: Between actions and what the head gives.
        """
        super().__init__(encoder, head, actions)
        self.mlp = mlp

    def features(self, batch: Tensors) -> Tensor:
        """(B, H, ...) observations to (B, H, F), each step on its own."""
        return self.mlp(self.encoder(batch))

    def start(self, batch_size: int) -> History:
        """Memory of the present step only."""
        return History(batch_size, steps=1)

    def observe(self, observation: Tensors, memory: History) -> None:
        """Take in one (B, ...) observation."""
        memory.push(self.encoder.step(observation))

    def predict(self, memory: History) -> Tensors:
        """The present action, (B, 1, ...), in the units of the spec."""
        return self.action(self.mlp(memory.window()[:, 0]))


def build(config: TrainConfig, spec: Spec, statistics: Mapping[str, Statistics] | None) -> BC:
    """The model of a training config, for the observations and actions of `spec`."""
    model = config.model
    encoder = build_observation_encoder(config, spec, statistics)
    actions = ActionCodec(spec.select(config.actions), statistics, model.normalization)
    mlp = MLP(encoder.size, model.hidden_sizes, dropout=model.dropout)
    return BC(encoder, mlp, build_head(model.head, mlp.size, actions.size, actions.bounds()), actions)
