"""Heads: how the features of a step become an action, and what the error of one is.

All work on actions as the network sees them, (..., A), normalised; who uses a head masks and reduces its loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from muse_core.models.heads.deterministic import DeterministicHead
from muse_core.models.heads.discretized import DiscretizedHead
from muse_core.models.heads.gaussian import GaussianHead
from muse_core.models.heads.head import Head
from muse_core.models.heads.mixture import MixtureHead

if TYPE_CHECKING:
    from muse_core.configs import HeadConfig

__all__ = ["DeterministicHead", "DiscretizedHead", "GaussianHead", "Head", "MixtureHead", "build_head"]


def build_head(config: HeadConfig, features: int, size: int, bounds: tuple[Tensor, Tensor] | None = None) -> Head:
    """The head of a config.

    Args:
        config: Which head.
        features: Numbers that come in for a step.
        size: Numbers in an action, A.
        bounds: Smallest and largest of each in the training data, normalised, (A,) each; needed to discretise.

    Raises:
        ValueError: when bounds are needed and missing.
    """
    if config.kind == "deterministic":
        return DeterministicHead(features, size, config.loss)
    if config.kind == "gaussian":
        return GaussianHead(features, size, min_std=config.min_std, max_std=config.max_std)
    if config.kind == "mixture":
        return MixtureHead(features, size, config.components, min_std=config.min_std, bounded=config.bounded)
    if bounds is None:
        raise ValueError("a discretized head needs the bounds of the actions")
    return DiscretizedHead(features, *bounds, config.bins, act_by=config.act_by)
