"""What the trainer and the policy know about a model, whatever its kind."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

Tensors = dict[str, Tensor]


class Model(Protocol):
    """A torch module that learns actions from windows and gives them step by step.

    Normalisation lives inside: what goes in and comes out is in the units of the spec, images as uint8.
    """

    def loss(self, batch: Tensors) -> Tensors:
        """Scalars to log over a batch of windows, among them ``loss``, the one to minimise.

        Args:
            batch: Every key as (B, H, ...), and ``mask`` (B, H): steps where it is False change no scalar.
        """

    def start(self, batch_size: int) -> Any:
        """Memory for the beginning of `batch_size` episodes."""

    def step(self, observation: Tensors, memory: Any) -> tuple[Tensors, Any]:
        """Actions for one (B, ...) observation, as action key to (B, ...), and the memory that goes on."""
