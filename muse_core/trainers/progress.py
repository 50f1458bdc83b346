"""How far a run has come, and whether it still goes anywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass


class DivergedError(ArithmeticError):
    """The loss is no number any more."""


@dataclass
class Progress:
    """How far a run has come; saved in every checkpoint."""

    step: int = 0
    elapsed_s: float = 0.0
    train_loss: float | None = None
    validation_loss: float | None = None
    best_validation_loss: float | None = None
    success_rate: float | None = None
    best_success_rate: float | None = None


def check_finite(loss: float, step: int) -> None:
    """Raise where training has diverged, before a checkpoint of it replaces a good one.

    Raises:
        DivergedError: saying at which step, and what to change.
    """
    if not math.isfinite(loss):
        raise DivergedError(
            f"the loss is {loss} at step {step}: training has diverged. Lower --learning_rate or "
            "--max_gradient_norm, and look for extreme values in the dataset with `muse inspect`"
        )
