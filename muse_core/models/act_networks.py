"""The two networks of ACT: one that reads a style off a demonstrated chunk, one that gives a chunk for an observation.

Zhao et al., "Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware", 2023, section IV and appendix C. The
blocks normalise before they attend, and positions are added once, where the authors' (those of DETR, Carion et al.,
2020) normalise after and add them in every layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from muse_core.models.networks.positions import LearnedPositions, SinusoidalEmbedding
from muse_core.models.networks.transformer import Transformer


class StyleEncoder(nn.Module):
    """The posterior of the latent: what of a demonstrated chunk the observation does not explain."""

    def __init__(
        self, state_size: int, action_size: int, horizon: int, latent_size: int, *, width: int, heads: int, layers: int,
        dropout: float, feedforward: int,
    ) -> None:  # fmt: skip
        """For states (B, S) and chunks (B, H, A), with a Transformer of `layers` blocks of `width`."""
        super().__init__()
        self.summary = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.state = nn.Linear(state_size, width)
        self.action = nn.Linear(action_size, width)
        self.positions = LearnedPositions(horizon + 2, width)
        self.net = Transformer(width, heads, layers, feedforward=feedforward, dropout=dropout)
        self.output = nn.Linear(width, 2 * latent_size)

    def forward(self, state: Tensor, actions: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latent, (B, Z) each.

        Args:
            state: (B, S), what is observed besides images.
            actions: (B, H, A), normalised.
            mask: (B, H) bool; no step sees an action where it is False.
        """
        batch = len(state)
        tokens = (self.summary.expand(batch, -1, -1), self.state(state).unsqueeze(1), self.action(actions))
        real = torch.cat((mask.new_ones(batch, 2), mask), dim=1)
        summary = self.net(self.positions(torch.cat(tokens, dim=1)), real)[:, 0]
        # In half precision the divergence, a difference of small numbers, would lose its digits.
        return self.output(summary).float().chunk(2, dim=-1)


class ChunkDecoder(nn.Module):
    """Encodes the observation and the latent as a set of tokens, and reads a chunk off them by one query for each step.

    The authors' code builds seven decoder layers and then takes the output of the first, so that the other six are
    never used. Here the last layer's output is taken; one layer is what they evaluated.
    """

    def __init__(
        self, state_size: int, camera_sizes: Sequence[int], action_size: int, horizon: int, latent_size: int, *,
        width: int, heads: int, layers: int, decoder_layers: int, dropout: float, feedforward: int,
    ) -> None:  # fmt: skip
        """Make the Transformers.

        Args:
            state_size: S.
            camera_sizes: C of each camera's features.
            action_size: A.
            horizon: H.
            latent_size: Z.
            width: Size of a token, a multiple of 4.
            heads: Attention heads.
            layers: Blocks over the observation.
            decoder_layers: Blocks over the chunk.
            dropout: Share dropped in training.
            feedforward: Width inside the MLPs.
        """
        super().__init__()
        self.latent = nn.Linear(latent_size, width)
        self.state = nn.Linear(state_size, width)
        self.positions = LearnedPositions(2 + len(camera_sizes), width)  # of latent, state and each camera
        self.cameras = nn.ModuleList(nn.Linear(size, width) for size in camera_sizes)
        self.grid = SinusoidalEmbedding(width // 2)
        self.encoder = Transformer(width, heads, layers, feedforward=feedforward, dropout=dropout)
        self.queries = nn.Parameter(torch.randn(horizon, width) * 0.02)
        self.decoder = Transformer(width, heads, decoder_layers, feedforward=feedforward, dropout=dropout, cross=True)
        self.output = nn.Linear(width, action_size)

    def forward(self, latent: Tensor, state: Tensor, cameras: Sequence[Tensor]) -> Tensor:
        """The chunk, (B, H, A), normalised.

        Args:
            latent: (B, Z).
            state: (B, S).
            cameras: Features of each: a map (B, C, height, width), each place of which becomes a token, or a vector
                (B, C), which becomes one.
        """
        table = self.positions.table
        tokens = [self.latent(latent).unsqueeze(1) + table[0], self.state(state).unsqueeze(1) + table[1]]
        for features, project, which in zip(cameras, self.cameras, table[2:], strict=True):
            if features.ndim == 2:
                tokens.append(project(features).unsqueeze(1) + which)
            else:
                places = grid_positions(self.grid, *features.shape[2:])
                tokens.append(project(features.flatten(2).transpose(1, 2)) + places + which)
        observed = self.encoder(torch.cat(tokens, dim=1))
        return self.output(self.decoder(self.queries.expand(len(state), -1, -1), context=observed))


def grid_positions(embedding: SinusoidalEmbedding, height: int, width: int) -> Tensor:
    """Where each place of a map lies: (height * width, 2 * the embedding's width), rows first, then columns.

    Rows and columns run from just above 0 to 2 pi, as in DETR, so that maps of any size span the same range.
    """
    device = embedding.frequencies.device
    rows, columns = ((torch.arange(n, device=device) + 1) * (2 * math.pi / n) for n in (height, width))
    y = embedding(rows).unsqueeze(1).expand(-1, width, -1)
    x = embedding(columns).unsqueeze(0).expand(height, -1, -1)
    return torch.cat((y, x), dim=-1).flatten(0, 1)
