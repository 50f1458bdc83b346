"""What the trainer and the policy know about a model, whatever its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

Tensors = dict[str, Tensor]


@dataclass
class Term:
    """One term of a loss: a mean that can still be taken over more data.

    A padded step counts in neither part, so that adding up totals and counts over batches or processes gives exactly
    the mean over all their real steps.

    Attributes:
        total: Sum over what is counted; carries gradients.
        count: How many things were summed.
        weight: What the mean is multiplied by in the loss; 0 where it is only logged.
    """

    total: Tensor
    count: Tensor
    weight: float = 1.0

    @property
    def mean(self) -> Tensor:
        """The mean over this batch alone; 0 where nothing was counted."""
        return self.total / self.count.clamp(min=1)


Terms = dict[str, Term]


def weighted_loss(terms: Terms, counts: Mapping[str, Tensor] | None = None) -> Tensor:
    """What to minimise: the weighted sum of the means.

    Args:
        terms: Of one batch.
        counts: By term, the counts to divide by where this batch is a part of a larger one.
    """
    counts = {} if counts is None else counts
    parts = [t.weight * t.total / counts.get(n, t.count).clamp(min=1) for n, t in terms.items() if t.weight]
    return torch.stack(parts).sum()


class Memory(Protocol):
    """What a model remembers of the episodes of a batch."""

    def forget(self, which: Tensor) -> None:
        """Begin the episodes anew where `which`, (B,) bool, is True."""


class Model(Protocol):
    """A torch module that learns actions from windows and gives them step by step.

    Normalisation lives inside: what goes in and comes out is in the units of the spec, images as uint8.
    """

    def loss(self, batch: Tensors) -> Terms:
        """The terms of the loss over a batch of windows.

        Args:
            batch: Observations as (B, O, ...), the first O steps of the window, and ``observation_mask`` (B, O);
                actions as (B, H, ...), and ``mask`` (B, H); goals ``goal/<key>`` as (B, ...). Where a mask is False the
                step is padding, and changes no term.
        """

    def start(self, batch_size: int) -> Memory:
        """Memory for the beginning of `batch_size` episodes."""

    def observe(self, observation: Tensors, memory: Memory) -> None:
        """Take in one (B, ...) observation. Called at every step."""

    def predict(self, memory: Memory) -> Tensors:
        """Actions from the present step on: action key to (B, T, ...), T = 1 where the model gives no chunk.

        The same observations give the same actions: a model that samples draws from a generator in its memory, and no
        episode of a batch influences another.
        """
