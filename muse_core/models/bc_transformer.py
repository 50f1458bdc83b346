"""BC-Transformer: behaviour cloning with a causal Transformer over the last steps.

Mandlekar et al., "What Matters in Learning from Offline Human Demonstrations for Robot Manipulation", 2021, in the
variant of their robomimic: one token a step, and an action read off each. Its blocks are those of Vaswani et al.,
"Attention Is All You Need", 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn

from muse_core.models.actions import ActionCodec
from muse_core.models.cloning import Cloning
from muse_core.models.heads import Head, build_head
from muse_core.models.history import History
from muse_core.models.model import Tensors
from muse_core.models.networks.positions import LearnedPositions
from muse_core.models.networks.transformer import Transformer
from muse_core.models.observations import ObservationEncoder, build_observation_encoder

if TYPE_CHECKING:
    from muse_core.configs import TrainConfig
    from muse_core.datasets.statistics import Statistics
    from muse_core.spec import Spec


class BCTransformer(Cloning):
    """Encodes each step, lets it look at itself and earlier ones, and has a head act on each step.

    In training it acts at every step of a window, as it does at run time until an episode is a horizon old.
    """

    def __init__(
        self,
        encoder: ObservationEncoder,
        transformer: Transformer,
        head: Head,
        actions: ActionCodec,
        *,
        width: int,
        horizon: int,
        dropout: float = 0.0,
    ) -> None:
        """Put the parts together.

        Args:
            encoder: Observations to features.
            transformer: Over the steps; causal.
            head: Features to actions.
            actions: Between actions and what the head gives.
            width: Of the transformer.
            horizon: Longest history, in training and at run time.
            dropout: Share of the tokens' numbers that is dropped in training.
        """
        super().__init__(encoder, head, actions)
        self.transformer = transformer
        self.embed = nn.Sequential(
            nn.Linear(encoder.size, width), LearnedPositions(horizon, width), nn.Dropout(dropout)
        )
        self.horizon = horizon

    def features(self, batch: Tensors) -> Tensor:
        """(B, H, ...) observations to (B, H, F).

        Padding at the end of a window needs no mask: no real step looks that far ahead.
        """
        return self.transformer(self.embed(self.encoder(batch)))

    def start(self, batch_size: int) -> History:
        """Memory of the last `horizon` steps, encoded."""
        return History(batch_size, self.horizon)

    def observe(self, observation: Tensors, memory: History) -> None:
        """Take in one (B, ...) observation."""
        memory.push(self.encoder.step(observation))

    def predict(self, memory: History) -> Tensors:
        """The present action, (B, 1, ...), in the units of the spec."""
        return self.action(memory.last(self.transformer(self.embed(memory.window()))))


def build(config: TrainConfig, spec: Spec, statistics: Mapping[str, Statistics] | None) -> BCTransformer:
    """The model of a training config, for the observations and actions of `spec`."""
    model = config.model
    actions = ActionCodec(spec.select(config.actions), statistics, model.normalization)
    return BCTransformer(
        build_observation_encoder(config, spec, statistics),
        Transformer(model.width, model.attention_heads, model.layers, dropout=model.dropout, causal=True),
        build_head(model.head, model.width, actions.size, actions.bounds()),
        actions,
        width=model.width,
        horizon=config.horizon,
        dropout=model.dropout,
    )
