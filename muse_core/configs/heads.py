"""Action heads as configs: how features become a distribution over actions, and with it the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from muse_core.configs.checks import check_types, require


@dataclass(frozen=True)
class DeterministicHeadConfig:
    """One action, no distribution."""

    kind: Literal["deterministic"] = "deterministic"
    """Which head this is."""
    loss: Literal["mse", "l1", "smooth_l1"] = "smooth_l1"
    """Error on normalised actions. Smooth L1 is quadratic within one standard deviation and linear beyond."""

    def __post_init__(self) -> None:
        check_types(self)


@dataclass(frozen=True)
class GaussianHeadConfig:
    """A Gaussian with diagonal covariance; acts by its mean."""

    kind: Literal["gaussian"] = "gaussian"
    """Which head this is."""
    min_std: float = 1e-3
    """Smallest standard deviation, of normalised actions."""
    max_std: float = 10.0
    """Largest standard deviation, of normalised actions."""

    def __post_init__(self) -> None:
        check_types(self)
        require(0 < self.min_std < self.max_std, "head.min_std", f"between 0 and {self.max_std}", self.min_std)


@dataclass(frozen=True)
class MixtureHeadConfig:
    """A mixture of Gaussians; acts by the mean of the most likely one."""

    kind: Literal["mixture"] = "mixture"
    """Which head this is."""
    components: int = 5
    """Gaussians in the mixture."""
    min_std: float = 1e-3
    """Smallest standard deviation, of normalised actions."""
    bounded: bool = False
    """A tanh keeps the means in -1 .. 1, as robomimic does; for actions with min_max normalisation."""

    def __post_init__(self) -> None:
        check_types(self)
        require(self.components >= 1, "head.components", "at least 1", self.components)
        require(self.min_std > 0, "head.min_std", "positive", self.min_std)


@dataclass(frozen=True)
class DiscretizedHeadConfig:
    """A categorical distribution over bins, for each dimension of the action."""

    kind: Literal["discretized"] = "discretized"
    """Which head this is."""
    bins: int = 64
    """Bins of each dimension, over the range of the training data."""
    act_by: Literal["likeliest", "mean"] = "likeliest"
    """Acts by the centre of the most likely bin, or by the mean over all bins, which moves more smoothly."""

    def __post_init__(self) -> None:
        check_types(self)
        require(self.bins >= 2, "head.bins", "at least 2", self.bins)


HeadConfig = DeterministicHeadConfig | GaussianHeadConfig | MixtureHeadConfig | DiscretizedHeadConfig


def check_head(head: HeadConfig, normalization: str) -> None:
    """Raise unless a head can give actions that are normalised so.

    Raises:
        ConfigError: for means within -1 .. 1 and actions that go beyond.
    """
    bounded = head.kind == "mixture" and head.bounded
    require(not bounded or normalization == "min_max", "model.normalization", "min_max with a bounded mixture head",
            normalization)  # fmt: skip
