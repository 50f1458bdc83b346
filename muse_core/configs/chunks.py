"""Configs of the models that give a chunk of actions at once: Diffusion Policy and ACT."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from muse_core.configs.checks import check_transformer, check_types, require
from muse_core.configs.encoders import EncoderConfig, SmallEncoderConfig
from muse_core.configs.model_settings import Execution, ModelSettings, Normalization, WindowShape


@dataclass(frozen=True)
class UnetConfig:
    """Convolutions over time, at several resolutions."""

    kind: Literal["unet"] = "unet"
    """Which denoiser this is."""
    channels: tuple[int, ...] = (128, 256, 512)
    """Channels at each level. Each after the first has half as many steps as the one before, so the horizon must be
    a multiple of 2 for each. The paper's have 256, 512, 1024 from the state and 512, 1024, 2048 from images."""
    kernel: int = 5
    """Kernel size in steps, odd."""
    groups: int = 8
    """Groups of the group norms; they divide the channels."""
    step_width: int = 128
    """Width of the embedding of how far the denoising has come."""
    condition_width: int = 256
    """Numbers that the observations become, by a linear layer, before they condition each convolution."""

    def __post_init__(self) -> None:
        check_types(self)
        require(self.condition_width >= 1, "model.denoiser.condition_width", "at least 1", self.condition_width)
        require(len(self.channels) > 0, "model.denoiser.channels", "at least one level", self.channels)
        require(self.groups > 0, "model.denoiser.groups", "positive", self.groups)
        divides = all(c > 0 and c % self.groups == 0 for c in self.channels)
        require(divides, "model.denoiser.channels", f"multiples of {self.groups} groups", self.channels)
        require(self.kernel > 0 and self.kernel % 2 == 1, "model.denoiser.kernel", "odd", self.kernel)
        _check_even("model.denoiser.step_width", self.step_width)


@dataclass(frozen=True)
class DenoisingTransformerConfig:
    """A transformer over the actions that looks at the observations."""

    kind: Literal["transformer"] = "transformer"
    """Which denoiser this is."""
    width: int = 256
    """Width of the transformer."""
    layers: int = 8
    """Blocks."""
    attention_heads: int = 4
    """Heads of each attention; they divide the width."""
    dropout: float = 0.1
    """Dropout in training."""
    causal: bool = False
    """Let an action see itself and earlier ones only, as in the paper. Chunks hold together better without."""

    def __post_init__(self) -> None:
        check_types(self)
        check_transformer(self.width, self.attention_heads, self.layers, self.dropout, "model.denoiser")
        _check_even("model.denoiser.width", self.width)


DenoiserConfig = UnetConfig | DenoisingTransformerConfig


@dataclass(frozen=True)
class DiffusionConfig(ModelSettings):
    """Diffusion Policy: denoises a chunk of `horizon` actions, given the last observations."""

    kind: Literal["diffusion"] = "diffusion"
    """Which model this is."""
    encoder: EncoderConfig = field(default_factory=SmallEncoderConfig)
    denoiser: DenoiserConfig = field(default_factory=UnetConfig)
    normalization: Normalization = "min_max"
    """Actions are scaled to zero mean and unit variance, or to -1 .. 1. Only with min_max are estimates clipped to the
    range of the data while denoising."""
    observation_steps: int = 2
    """Observations that it sees, the present one among them."""
    execute: int = 8
    """Actions carried out before it plans again."""
    noise_steps: int = 100
    """Steps of the diffusion process."""
    noise_schedule: Literal["squared_cosine", "linear"] = "squared_cosine"
    """How the noise grows over them. The linear one is made for 1000 steps: of 100 it leaves a third of the signal."""
    prediction: Literal["epsilon", "sample"] = "epsilon"
    """What the network is taught: the noise, or the actions without it."""
    sampling_steps: int = 10
    """Steps of the process that are visited when it acts: 10 are quick (DDIM), `noise_steps` are all (DDPM with eta 1).
    """
    eta: float = 0.0
    """Share of fresh noise when it acts: 0 is DDIM, 1 with all steps is DDPM."""
    sampling_seed: int = 0
    """Seed of the noise when it acts. The same observations give the same actions."""

    def __post_init__(self) -> None:
        check_types(self)
        require(self.observation_steps >= 1, "model.observation_steps", "at least 1", self.observation_steps)
        require(self.execute >= 1, "model.execute", "at least 1", self.execute)
        require(self.noise_steps >= 2, "model.noise_steps", "at least 2", self.noise_steps)
        few = 2 <= self.sampling_steps <= self.noise_steps
        require(few, "model.sampling_steps", f"from 2 to noise_steps = {self.noise_steps}", self.sampling_steps)
        require(0 <= self.eta <= 1, "model.eta", "in [0, 1]", self.eta)
        require(self.sampling_seed >= 0, "model.sampling_seed", "at least 0", self.sampling_seed)

    def window(self, horizon: int) -> WindowShape:
        """The present may be any step of an episode; the chunk may reach beyond the end."""
        longest = horizon - self.observation_steps + 1
        expected = f"at most horizon - observation_steps + 1 = {longest}"
        require(self.execute <= longest, "model.execute", expected, self.execute)
        if isinstance(self.denoiser, UnetConfig):
            factor = 2 ** (len(self.denoiser.channels) - 1)
            require(horizon % factor == 0, "horizon", f"a multiple of {factor} for a U-Net of this depth", horizon)
        return WindowShape(
            self.observation_steps, pad_start=self.observation_steps - 1, pad_end=horizon - self.observation_steps
        )

    @property
    def execution(self) -> Execution:
        """`execute` actions of each prediction are carried out."""
        return Execution(self.execute)


@dataclass(frozen=True)
class ACTConfig(ModelSettings):
    """ACT: a transformer gives `horizon` actions at once, trained as a conditional variational autoencoder."""

    kind: Literal["act"] = "act"
    """Which model this is."""
    encoder: EncoderConfig = field(default_factory=SmallEncoderConfig)
    """With a ResNet each place of its feature map becomes a token; with the small encoder a camera's keypoints do."""
    normalization: Normalization = "mean_std"
    """Actions are scaled to zero mean and unit variance, or to -1 .. 1."""
    width: int = 256
    """Width of the transformers, a multiple of 4; 512 in the paper."""
    feedforward: int = 1024
    """Width inside their MLPs; 3200 in the paper."""
    layers: int = 4
    """Blocks of the encoders, of the observation and of the style."""
    decoder_layers: int = 1
    """Blocks of the decoder. The paper says 7, of which its code uses the first."""
    attention_heads: int = 8
    """Heads of each attention; they divide the width."""
    dropout: float = 0.1
    """Dropout in training."""
    latent_size: int = 32
    """Numbers in the style."""
    kl_weight: float = 10.0
    """Weight of the divergence of the style from a standard normal."""
    execute: int = 1
    """Actions carried out before it plans again."""
    ensemble: float | None = 0.01
    """Average what is planned for a step now with what was planned for it earlier, weighted by exp(-ensemble * i) where
    the oldest plan is i = 0. None takes the newest plan alone."""

    def __post_init__(self) -> None:
        check_types(self)
        check_transformer(self.width, self.attention_heads, self.layers, self.dropout)
        require(self.width % 4 == 0 and self.width >= 8, "model.width", "a multiple of 4, at least 8", self.width)
        for name in ("feedforward", "decoder_layers", "latent_size"):
            require(getattr(self, name) >= 1, f"model.{name}", "at least 1", getattr(self, name))
        require(self.kl_weight >= 0, "model.kl_weight", "at least 0", self.kl_weight)
        require(self.execute >= 1, "model.execute", "at least 1", self.execute)
        usable = self.ensemble is None or self.ensemble >= 0
        require(usable, "model.ensemble", "at least 0 or None", self.ensemble)

    def window(self, horizon: int) -> WindowShape:
        """The present may be any step of an episode; the chunk may reach beyond the end."""
        require(self.execute <= horizon, "model.execute", f"at most the horizon, {horizon}", self.execute)
        return WindowShape(observation_steps=1, pad_start=0, pad_end=horizon - 1)

    @property
    def execution(self) -> Execution:
        """`execute` actions of each prediction, or the average of all predictions for a step."""
        return Execution(self.execute, self.ensemble)


def _check_even(name: str, width: int) -> None:
    require(width >= 4 and width % 2 == 0, name, "even, at least 4", width)
