"""The learning rate as a pure function of how far training has come."""

from __future__ import annotations

import math


def share_done(step: int, max_steps: int, elapsed_s: float = 0.0, max_s: float | None = None) -> float:
    """How far training has come, from 0 to 1, by steps or by time: whichever limit is nearer."""
    by_steps = step / max_steps
    by_time = elapsed_s / max_s if max_s else 0.0
    return min(1.0, max(by_steps, by_time))


def learning_rate_factor(step: int, done: float, warmup_steps: int, final: float) -> float:
    """What the base learning rate is multiplied by.

    Args:
        step: Gradient steps done; the rate rises linearly over the first `warmup_steps`.
        done: How far training has come, from 0 to 1; the rate falls with it along half a cosine.
        warmup_steps: Length of the rise.
        final: What is left at the end.
    """
    rise = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
    fall = final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * done))
    return rise * fall
