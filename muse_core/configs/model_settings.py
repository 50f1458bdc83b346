"""What every model's config says beside its fields: its windows of data, its labels, how its predictions are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# How actions are scaled inside a model.
Normalization = Literal["mean_std", "min_max"]


@dataclass(frozen=True)
class WindowShape:
    """Which part of a window of `horizon` steps a model sees, and how far windows reach beyond their episode.

    Attributes:
        observation_steps: Observations are the window's first steps, this many; the present is the last of them.
        pad_start: Steps that a window may begin before its episode.
        pad_end: Steps that a window may end after its episode.
    """

    observation_steps: int
    pad_start: int
    pad_end: int


@dataclass(frozen=True)
class Execution:
    """How a policy carries out what its model predicts; see :class:`muse_core.policies.chunking.ChunkExecutor`.

    Attributes:
        execute: Actions carried out before the model is asked again.
        ensemble: Decay of the weights by which predictions for one step are averaged; None averages nothing.
    """

    execute: int = 1
    ensemble: float | None = None


class ModelSettings:
    """What a model's config answers unless it says otherwise."""

    @property
    def execution(self) -> Execution:
        """How a policy carries out what the model predicts: each action as it comes."""
        return Execution()

    @property
    def labels(self) -> tuple[str, ...]:
        """Arrays that the model learns from beside observations and actions, and does not give."""
        return ()
