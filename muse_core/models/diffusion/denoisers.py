"""The two denoisers of Diffusion Policy: from noisy actions and observations to what the noise schedule asks for.

Chi et al., "Diffusion Policy: Visuomotor Policy Learning via Action Diffusion", 2023, section 3.2. Both take

- actions (B, H, A), normalised and noisy,
- step (B,) int64, the step of the diffusion process that each is at,
- features (B, O, F), the encoded observations,

and give (B, H, A).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from muse_core.models.networks.positions import LearnedPositions, SinusoidalEmbedding
from muse_core.models.networks.transformer import Transformer
from muse_core.models.networks.unet import TemporalUnet


def step_embedding(width: int) -> nn.Sequential:
    """From (B,) steps of the process to (B, width), through an MLP on sines and cosines."""
    return nn.Sequential(
        SinusoidalEmbedding(width), nn.Linear(width, 4 * width), nn.Mish(), nn.Linear(4 * width, width)
    )


class UnetDenoiser(nn.Module):
    """Convolutions over time; each layer is scaled and shifted by the observations and the step of the process."""

    def __init__(
        self,
        action_size: int,
        feature_size: int,
        observation_steps: int,
        *,
        channels: Sequence[int],
        kernel: int,
        groups: int,
        step_width: int,
        condition_width: int,
    ) -> None:
        """Make the U-Net.

        The authors' blocks see the observations as they are, through a Mish each: -0.70 and -1.85 are then one number,
        and of a place that is normalised, half the range is all but lost. So a linear layer spreads them out before:
        a point mass that is to stop at one of many goals reaches all of 100 with it, and 64 without.

        Args:
            action_size: A.
            feature_size: F.
            observation_steps: O; all go into one condition, side by side.
            channels: Channels at each level.
            kernel: Kernel size in steps.
            groups: Groups of the group norms.
            step_width: Width of the embedding of the process's step.
            condition_width: Numbers that the observations become before they condition each block.
        """
        super().__init__()
        self.step = step_embedding(step_width)
        self.observe = nn.Linear(observation_steps * feature_size, condition_width)
        condition_size = step_width + condition_width
        self.net = TemporalUnet(action_size, condition_size, channels=channels, kernel=kernel, groups=groups)

    def forward(self, actions: Tensor, step: Tensor, features: Tensor) -> Tensor:
        """As the module says."""
        return self.net(actions, torch.cat((self.step(step), self.observe(features.flatten(1))), dim=-1))


class TransformerDenoiser(nn.Module):
    """A Transformer over the actions that looks at tokens of the step and of each observation.

    The authors' actions see themselves and earlier ones only, and observations up to their own time. But what is noise
    in an action depends on the later ones too: where all four actions of a chunk go one of two ways together, causal
    chunks of a small network are torn in 5 to 7 cases of 100 and others in none. So masking is a choice here, and every
    action sees all observations: all of them were made before the chunk is carried out.
    """

    def __init__(
        self,
        action_size: int,
        feature_size: int,
        observation_steps: int,
        *,
        horizon: int,
        width: int,
        heads: int,
        layers: int,
        dropout: float,
        causal: bool = False,
    ) -> None:
        """Make the Transformer.

        Args:
            action_size: A.
            feature_size: F.
            observation_steps: O.
            horizon: H.
            width: Size of a token.
            heads: Attention heads.
            layers: Blocks.
            dropout: Share dropped in training.
            causal: Whether an action sees itself and earlier ones only.
        """
        super().__init__()
        self.step = SinusoidalEmbedding(width)
        self.observe = nn.Linear(feature_size, width)
        self.context_positions = LearnedPositions(1 + observation_steps, width)
        self.context = nn.Sequential(nn.Linear(width, 4 * width), nn.Mish(), nn.Linear(4 * width, width))
        self.embed = nn.Linear(action_size, width)
        self.positions = LearnedPositions(horizon, width)
        self.net = Transformer(width, heads, layers, dropout=dropout, causal=causal, cross=True)
        self.output = nn.Linear(width, action_size)

    def forward(self, actions: Tensor, step: Tensor, features: Tensor) -> Tensor:
        """As the module says."""
        tokens = torch.cat((self.step(step).unsqueeze(1), self.observe(features)), dim=1)
        context = self.context(self.context_positions(tokens))
        return self.output(self.net(self.positions(self.embed(actions)), context=context))
