"""Models as configs: one dataclass each, and what windows of data each learns from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from muse_core.configs.checks import check_transformer, check_types, require
from muse_core.configs.chunks import ACTConfig, DiffusionConfig
from muse_core.configs.encoders import EncoderConfig, SmallEncoderConfig
from muse_core.configs.heads import DeterministicHeadConfig, HeadConfig, check_head
from muse_core.configs.hydra import HydraConfig
from muse_core.configs.model_settings import ModelSettings, Normalization, WindowShape


@dataclass(frozen=True)
class BCConfig(ModelSettings):
    """Behaviour cloning: a multi-layer perceptron on the present observation."""

    kind: Literal["bc"] = "bc"
    """Which model this is."""
    encoder: EncoderConfig = field(default_factory=SmallEncoderConfig)
    head: HeadConfig = field(default_factory=DeterministicHeadConfig)
    normalization: Normalization = "mean_std"
    """Actions are scaled to zero mean and unit variance, or to -1 .. 1."""
    hidden_sizes: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers."""
    dropout: float = 0.0
    """Share of each hidden layer that is dropped in training."""

    def __post_init__(self) -> None:
        check_types(self)
        check_head(self.head, self.normalization)
        require(all(n > 0 for n in self.hidden_sizes), "model.hidden_sizes", "positive", self.hidden_sizes)
        require(0 <= self.dropout < 1, "model.dropout", "in [0, 1)", self.dropout)

    def window(self, horizon: int) -> WindowShape:
        """Each step on its own: the horizon must be 1."""
        require(horizon == 1, "horizon", "1 for model bc, which sees one step", horizon)
        return WindowShape(observation_steps=1, pad_start=0, pad_end=0)


@dataclass(frozen=True)
class BCRNNConfig(ModelSettings):
    """Behaviour cloning with a recurrent network over what the cameras and the proprioception say."""

    kind: Literal["bc_rnn"] = "bc_rnn"
    """Which model this is."""
    encoder: EncoderConfig = field(default_factory=SmallEncoderConfig)
    head: HeadConfig = field(default_factory=DeterministicHeadConfig)
    normalization: Normalization = "mean_std"
    """Actions are scaled to zero mean and unit variance, or to -1 .. 1."""
    cell: Literal["lstm", "gru"] = "lstm"
    """Which recurrent network."""
    hidden_size: int = 256
    """Width of the recurrent network."""
    layers: int = 2
    """Depth of the recurrent network."""
    mlp_sizes: tuple[int, ...] = ()
    """Widths of hidden layers between the recurrent network and the head."""
    memory: Literal["sliding", "flush"] = "sliding"
    """At run time: run over the last `horizon` steps at each step, or keep the state and set it to zero every `horizon`
    steps. Either way it never sees a history longer than in training."""

    def __post_init__(self) -> None:
        check_types(self)
        check_head(self.head, self.normalization)
        require(self.hidden_size > 0, "model.hidden_size", "positive", self.hidden_size)
        require(self.layers > 0, "model.layers", "positive", self.layers)
        require(all(n > 0 for n in self.mlp_sizes), "model.mlp_sizes", "positive", self.mlp_sizes)

    def window(self, horizon: int) -> WindowShape:
        """A window begins at every step of an episode."""
        return WindowShape(observation_steps=horizon, pad_start=0, pad_end=horizon - 1)


@dataclass(frozen=True)
class BCTransformerConfig(ModelSettings):
    """Behaviour cloning with a causal transformer over the last `horizon` steps."""

    kind: Literal["bc_transformer"] = "bc_transformer"
    """Which model this is."""
    encoder: EncoderConfig = field(default_factory=SmallEncoderConfig)
    head: HeadConfig = field(default_factory=DeterministicHeadConfig)
    normalization: Normalization = "mean_std"
    """Actions are scaled to zero mean and unit variance, or to -1 .. 1."""
    width: int = 256
    """Width of the transformer."""
    layers: int = 4
    """Blocks of the transformer."""
    attention_heads: int = 4
    """Heads of each attention; they divide the width."""
    dropout: float = 0.1
    """Dropout in training."""

    def __post_init__(self) -> None:
        check_types(self)
        check_head(self.head, self.normalization)
        check_transformer(self.width, self.attention_heads, self.layers, self.dropout)

    def window(self, horizon: int) -> WindowShape:
        """A window begins at every step of an episode."""
        return WindowShape(observation_steps=horizon, pad_start=0, pad_end=horizon - 1)


ModelConfig = BCConfig | BCRNNConfig | BCTransformerConfig | HydraConfig | DiffusionConfig | ACTConfig
