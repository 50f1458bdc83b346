"""ACT: a Transformer gives a whole chunk of actions at once, trained as a conditional variational autoencoder.

Zhao et al., "Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware", 2023. In training a latent carries
the style in which the demonstrator acted, so that the decoder need not average over styles; when it acts the latent is
zero, the mean of its prior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from muse_core.models.act_networks import ChunkDecoder, StyleEncoder
from muse_core.models.actions import ActionCodec
from muse_core.models.losses import action_terms
from muse_core.models.model import Tensors, Term, Terms
from muse_core.models.observations import ObservationEncoder, build_observation_encoder, window_of_one
from muse_core.models.vision import build_camera_encoder

if TYPE_CHECKING:
    from muse_core.configs import EncoderConfig, TrainConfig
    from muse_core.datasets.statistics import Statistics
    from muse_core.models.resnet_encoder import ResNetEncoder
    from muse_core.spec import Spec


@dataclass
class ACTMemory:
    """The present observation, encoded: all that ACT looks at.

    Attributes:
        state: (B, S).
        cameras: Features of each camera.
    """

    state: Tensor | None = None
    cameras: tuple[Tensor, ...] = ()

    def forget(self, which: Tensor) -> None:
        """Begin these episodes anew: the next observation replaces this one in any case."""


class ACT(nn.Module):
    """Style encoder and chunk decoder on encoded observations."""

    def __init__(
        self,
        encoder: ObservationEncoder,
        actions: ActionCodec,
        style: StyleEncoder,
        decoder: ChunkDecoder,
        *,
        latent_size: int,
        kl_weight: float,
    ) -> None:
        """Put the parts together.

        Args:
            encoder: Observations to features.
            actions: Between actions and what the network gives.
            style: Posterior of the latent; used in training only.
            decoder: Latent and features to a chunk.
            latent_size: Z.
            kl_weight: Weight of the latent's divergence from its prior.
        """
        super().__init__()
        self.encoder, self.actions, self.style, self.decoder = encoder, actions, style, decoder
        self.latent_size, self.kl_weight = latent_size, kl_weight

    def loss(self, batch: Tensors) -> Terms:
        """L1 on normalised actions, and the divergence of the latent.

        In evaluation mode the latent is zero, as when it acts: what is validated is then what will be deployed.
        """
        state, cameras = self._encode(batch)
        target, mask = self.actions.encode(batch), batch["mask"]
        mean, log_variance = self.style(state, target, mask)
        latent = torch.zeros_like(mean)
        if self.training:
            latent = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        error = (self.decoder(latent, state, cameras) - target).abs()
        divergence = gaussian_divergence(mean, log_variance)
        count = torch.tensor(len(divergence), device=divergence.device)
        return action_terms(error, mask, self.actions.labels()) | {
            "divergence": Term(divergence.sum(), count, self.kl_weight)
        }

    def start(self, batch_size: int) -> ACTMemory:
        """An empty memory; it fits any batch size."""
        return ACTMemory()

    def observe(self, observation: Tensors, memory: ACTMemory) -> None:
        """Take in one (B, ...) observation."""
        memory.state, memory.cameras = self._encode(window_of_one(observation))

    def predict(self, memory: ACTMemory) -> Tensors:
        """Actions from the present on, (B, H, ...), in the units of the spec."""
        latent = memory.state.new_zeros(len(memory.state), self.latent_size)
        return self.actions.decode(self.decoder(latent, memory.state, memory.cameras))

    def _encode(self, batch: Tensors) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The present observation's (B, S) state, and each camera's features."""
        state, cameras = self.encoder.separate(batch)
        return state[:, 0], tuple(each[:, 0] for each in cameras)


def gaussian_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of diagonal Gaussians (B, Z) from the standard normal, summed over Z: (B,) nats."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=-1)


class FeatureMap(nn.Module):
    """A ResNet encoder up to its feature map: (N, height, width, 3) bytes to (N, size, height / 32, width / 32)."""

    def __init__(self, encoder: ResNetEncoder) -> None:
        """Leave out what comes after the map."""
        super().__init__()
        self.encoder, self.size = encoder, encoder.trunk.channels

    def forward(self, images: Tensor) -> Tensor:
        """As the class says."""
        return self.encoder.features(images)


def build_token_encoder(config: EncoderConfig, *, fresh: bool = True) -> nn.Module:
    """The camera encoder of a config, up to its feature map where that is small enough to attend to.

    Args:
        config: Which encoder. A ResNet's keypoints are left out, since nothing would use them.
        fresh: As for `build_camera_encoder`.
    """
    if config.kind != "resnet":
        return build_camera_encoder(config, fresh=fresh)
    return FeatureMap(build_camera_encoder(replace(config, keypoints=0), fresh=fresh))


def build(config: TrainConfig, spec: Spec, statistics: Mapping[str, Statistics] | None) -> ACT:
    """The model of a training config, for the observations and actions of `spec`."""
    model = config.model
    encoder = build_observation_encoder(config, spec, statistics, build_token_encoder)
    actions = ActionCodec(spec.select(config.actions), statistics, model.normalization)
    sizes = {
        "state_size": encoder.state_size,
        "action_size": actions.size,
        "horizon": config.horizon,
        "latent_size": model.latent_size,
        "width": model.width,
        "heads": model.attention_heads,
        "layers": model.layers,
        "dropout": model.dropout,
        "feedforward": model.feedforward,
    }
    style = StyleEncoder(**sizes)
    decoder = ChunkDecoder(camera_sizes=encoder.camera_sizes, decoder_layers=model.decoder_layers, **sizes)
    return ACT(encoder, actions, style, decoder, latent_size=model.latent_size, kl_weight=model.kl_weight)
