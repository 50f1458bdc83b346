"""Models as configs: one dataclass each, and what windows of data each learns from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from muse_core.configs.checks import check_types, require
from muse_core.configs.encoders import EncoderConfig, SmallEncoderConfig
from muse_core.configs.heads import DeterministicHeadConfig, HeadConfig, check_head
from muse_core.configs.model_settings import Execution, ModelSettings, WindowShape

Normalization = Literal["mean_std", "min_max"]


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
        _check_transformer(self.width, self.attention_heads, self.layers, self.dropout)

    def window(self, horizon: int) -> WindowShape:
        """A window begins at every step of an episode."""
        return WindowShape(observation_steps=horizon, pad_start=0, pad_end=horizon - 1)


@dataclass(frozen=True)
class HydraConfig(ModelSettings):
    """HYDRA: sparse waypoints far from contact, dense actions near it, and a mode that chooses between them."""

    kind: Literal["hydra"] = "hydra"
    """Which model this is."""
    encoder: EncoderConfig = field(default_factory=SmallEncoderConfig)
    head: HeadConfig = field(default_factory=DeterministicHeadConfig)
    normalization: Normalization = "mean_std"
    """Actions are scaled to zero mean and unit variance, or to -1 .. 1."""
    hidden_size: int = 256
    """Width of the recurrent network of the dense mode."""
    layers: int = 2
    """Depth of the recurrent network of the dense mode."""

    def __post_init__(self) -> None:
        check_types(self)
        check_head(self.head, self.normalization)
        require(self.hidden_size > 0, "model.hidden_size", "positive", self.hidden_size)
        require(self.layers > 0, "model.layers", "positive", self.layers)

    def window(self, horizon: int) -> WindowShape:
        """A window begins at every step of an episode."""
        return WindowShape(observation_steps=horizon, pad_start=0, pad_end=horizon - 1)


@dataclass(frozen=True)
class DiffusionConfig(ModelSettings):
    """Diffusion Policy: denoises a chunk of `horizon` actions, given the last observations."""

    kind: Literal["diffusion"] = "diffusion"
    """Which model this is."""
    encoder: EncoderConfig = field(default_factory=SmallEncoderConfig)
    normalization: Normalization = "min_max"
    """Actions are scaled to zero mean and unit variance, or to -1 .. 1."""
    observation_steps: int = 2
    """Observations that it sees, the present one among them."""
    execute: int = 8
    """Actions carried out before it plans again."""

    def __post_init__(self) -> None:
        check_types(self)
        require(self.observation_steps >= 1, "model.observation_steps", "at least 1", self.observation_steps)
        require(self.execute >= 1, "model.execute", "at least 1", self.execute)

    def window(self, horizon: int) -> WindowShape:
        """The present may be any step of an episode; what it does last may reach beyond the end."""
        longest = horizon - self.observation_steps + 1
        require(self.execute <= longest, "model.execute", f"at most horizon - observation_steps + 1 = {longest}",
                self.execute)  # fmt: skip
        return WindowShape(self.observation_steps, pad_start=self.observation_steps - 1, pad_end=self.execute - 1)

    @property
    def execution(self) -> Execution:
        """`execute` actions of each prediction are carried out."""
        return Execution(self.execute)


@dataclass(frozen=True)
class ACTConfig(ModelSettings):
    """ACT: a transformer that gives `horizon` actions at once, trained as a conditional variational autoencoder."""

    kind: Literal["act"] = "act"
    """Which model this is."""
    encoder: EncoderConfig = field(default_factory=SmallEncoderConfig)
    normalization: Normalization = "mean_std"
    """Actions are scaled to zero mean and unit variance, or to -1 .. 1."""
    width: int = 256
    """Width of the transformers."""
    layers: int = 4
    """Blocks of the encoder."""
    attention_heads: int = 8
    """Heads of each attention; they divide the width."""
    dropout: float = 0.1
    """Dropout in training."""
    kl_weight: float = 10.0
    """Weight of the divergence of the latent from a standard normal."""
    execute: int = 1
    """Actions carried out before it plans again."""
    ensemble: float | None = 0.01
    """Average what is planned for a step now with what was planned for it earlier, older plans weighted by
    exp(-ensemble * age order) as in ACT; with it `execute` must be 1. None turns it off."""

    def __post_init__(self) -> None:
        check_types(self)
        _check_transformer(self.width, self.attention_heads, self.layers, self.dropout)
        require(self.kl_weight >= 0, "model.kl_weight", "at least 0", self.kl_weight)
        require(self.execute >= 1, "model.execute", "at least 1", self.execute)
        require(self.ensemble is None or self.execute == 1, "model.execute", "1 with temporal ensembling", self.execute)

    def window(self, horizon: int) -> WindowShape:
        """The present may be any step of an episode; the chunk may reach beyond the end."""
        require(self.execute <= horizon, "model.execute", f"at most the horizon, {horizon}", self.execute)
        return WindowShape(observation_steps=1, pad_start=0, pad_end=horizon - 1)

    @property
    def execution(self) -> Execution:
        """`execute` actions of each prediction, or the average of all predictions for a step."""
        return Execution(self.execute, self.ensemble)


ModelConfig = BCConfig | BCRNNConfig | BCTransformerConfig | HydraConfig | DiffusionConfig | ACTConfig


def _check_transformer(width: int, heads: int, layers: int, dropout: float) -> None:
    require(width > 0 and heads > 0 and width % heads == 0, "model.width", f"a multiple of {heads} heads", width)
    require(layers > 0, "model.layers", "positive", layers)
    require(0 <= dropout < 1, "model.dropout", "in [0, 1)", dropout)
