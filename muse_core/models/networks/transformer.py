"""A Transformer of pre-norm blocks on torch's fused attention, causal or not, with or without a context to look at.

Vaswani et al., "Attention Is All You Need", 2017; norms before each part as in Xiong et al., "On Layer Normalization in
the Transformer Architecture", 2020, which trains without a warm-up. Positions are not its business: add them before
(see :mod:`muse_core.models.networks.positions`).

A mask here is boolean and True where a step may look; it broadcasts to (B, heads, T, S).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def attention_mask(length: int, real: Tensor | None, causal: bool, device: torch.device | None = None) -> Tensor | None:
    """What each of `length` steps may look at: real steps, no later ones if `causal`, and always itself.

    A padded step sees itself although nobody reads it: with nothing to look at, its softmax is NaN in some versions of
    torch, and NaN spreads through gradients even where the loss is masked.

    Args:
        length: Steps T.
        real: (B, T) bool, False for padding; None where all are real.
        causal: Whether a step may see earlier steps and itself only.
        device: Where to make it.

    Returns:
        (B or 1, 1, T, T) bool, or None where everything may see everything.
    """
    if real is None and not causal:
        return None
    device = real.device if real is not None else device
    mask = torch.ones(1, 1, length, length, dtype=torch.bool, device=device)
    if causal:
        mask = mask.tril()
    if real is not None:
        itself = torch.eye(length, dtype=torch.bool, device=device)
        mask = mask & (real[:, None, None, :] | itself)
    return mask


class Attention(nn.Module):
    """Multi-head attention of a sequence on itself or on a context."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        """Attention between vectors of `width`, split among `heads`.

        Raises:
            ValueError: when the heads do not divide the width.
        """
        super().__init__()
        if width % heads:
            raise ValueError(f"a width of {width} cannot be split among {heads} heads")
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """Queries from `x` (B, T, width), keys and values from `context` (B, S, width), to (B, T, width)."""
        query = self._split(self.query(x))
        key, value = (self._split(part) for part in self.key_value(context).chunk(2, dim=-1))
        dropout = self.dropout if self.training else 0.0
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
        return self.output(attended.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class TransformerBlock(nn.Module):
    """Self-attention, then attention on a context if `cross`, then an MLP; each adds to its input what it finds."""

    def __init__(
        self, width: int, heads: int, *, feedforward: int | None = None, dropout: float = 0.0, cross: bool = False
    ) -> None:
        """Make the parts.

        Args:
            width: Size of each step's vector.
            heads: Attention heads.
            feedforward: Width inside the MLP; four times `width` where left out.
            dropout: Share of attention weights, and of what each part adds, that is dropped in training.
            cross: Whether there is a context to look at.
        """
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.cross_norm = nn.LayerNorm(width) if cross else None
        self.cross_attention = Attention(width, heads, dropout) if cross else None
        self.mlp_norm = nn.LayerNorm(width)
        inner = 4 * width if feedforward is None else feedforward
        self.mlp = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Dropout(dropout), nn.Linear(inner, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None, context: Tensor | None = None) -> Tensor:
        """(B, T, width) to the same shape.

        Args:
            x: The sequence.
            mask: What its steps may look at of itself, to broadcast to (B, heads, T, T); everything where left out.
            context: (B, S, width), needed if the block was made with `cross`.
        """
        normed = self.attention_norm(x)
        x = x + self.dropout(self.attention(normed, normed, mask))
        if self.cross_attention is not None:
            x = x + self.dropout(self.cross_attention(self.cross_norm(x), context))
        return x + self.dropout(self.mlp(self.mlp_norm(x)))


class Transformer(nn.Module):
    """A stack of blocks and a last norm."""

    def __init__(
        self,
        width: int,
        heads: int,
        layers: int,
        *,
        feedforward: int | None = None,
        dropout: float = 0.0,
        causal: bool = False,
        cross: bool = False,
    ) -> None:
        """Make the blocks.

        Weights begin as in GPT-2 (Radford et al., 2019): normal with deviation 0.02, smaller where a block adds to its
        input, so that the sum does not grow with the depth.

        Args:
            width: Size of each step's vector.
            heads: Attention heads.
            layers: Blocks.
            feedforward: Width inside the MLPs; four times `width` where left out.
            dropout: Share dropped in training; nothing is dropped in evaluation.
            causal: Whether a step sees earlier steps and itself only.
            cross: Whether there is a context to look at.
        """
        super().__init__()
        self.causal = causal
        blocks = (
            TransformerBlock(width, heads, feedforward=feedforward, dropout=dropout, cross=cross) for _ in range(layers)
        )
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                adds = name.endswith(("output.weight", "mlp.3.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * layers) if adds else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(
        self,
        x: Tensor,
        real: Tensor | None = None,
        context: Tensor | None = None,
    ) -> Tensor:
        """(B, T, width) to the same shape.

        Args:
            x: The sequence, positions added.
            real: (B, T) bool: steps where it is False are padding, which no other step sees; what comes out there
                means nothing.
            context: (B, S, width), needed if made with `cross`.
        """
        mask = attention_mask(x.shape[1], real, self.causal, x.device)
        for block in self.blocks:
            x = block(x, mask, context)
        return self.norm(x)
