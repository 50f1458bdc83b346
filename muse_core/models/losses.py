"""From errors at every step of a batch to the terms of a loss. Padded steps count in none."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from muse_core.models.model import Term, Terms


def step_term(error: Tensor, mask: Tensor, weight: float = 1.0) -> Term:
    """The mean of an error over real steps.

    Args:
        error: (B, H), one number a step, or (B, H, A), of which the mean over A counts.
        mask: (B, H) bool, True at real steps.
        weight: Of the term in the loss.
    """
    per_step = error.mean(dim=-1) if error.ndim == 3 else error
    return Term(per_step.masked_fill(~mask, 0.0).sum(), mask.sum(), weight)


def action_terms(error: Tensor, mask: Tensor, labels: Sequence[str]) -> Terms:
    """The term ``action``, and one for each dimension that is only logged, where errors are by dimension.

    Args:
        error: (B, H) or (B, H, A).
        mask: (B, H) bool.
        labels: A name for each of the A dimensions.
    """
    terms = {"action": step_term(error, mask)}
    if error.ndim == 3:
        # All dimensions at once: on a GPU, launching the same few operations for each would take longer than they do.
        totals = error.detach().masked_fill(~mask.unsqueeze(-1), 0.0).sum(dim=(0, 1))
        for label, total in zip(labels, totals.unbind(), strict=True):
            terms[f"action/{label}"] = Term(total, terms["action"].count, weight=0.0)
    return terms
