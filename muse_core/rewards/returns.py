"""Discounted returns: what a step is worth with all that follows it."""

from __future__ import annotations

import numpy as np


def discounted_returns(
    rewards: np.ndarray, dones: np.ndarray, gamma: float, last_value: np.ndarray | float = 0.0
) -> np.ndarray:
    """The sum of each step's reward and the discounted ones after it, up to the end of its episode.

    ``returns[t] = rewards[t] + gamma * returns[t + 1]``, without the second term where `dones[t]`. One pass over time
    for all sequences at once.

    Args:
        rewards: (..., T), time last; several episodes may follow each other in one sequence.
        dones: The same shape; True in the last step of an episode.
        gamma: Discount of one step, 0 to 1.
        last_value: (...) value of what follows the last step, where that is not done.

    Returns:
        (..., T) float64.

    Raises:
        ValueError: when the shapes differ, or gamma is not in 0 .. 1.
    """
    rewards, dones = np.asarray(rewards, np.float64), np.asarray(dones, bool)
    if rewards.shape != dones.shape or not rewards.ndim:
        raise ValueError(f"rewards and dones must have one shape (..., T), got {rewards.shape} and {dones.shape}")
    _check_gamma(gamma)
    returns = np.empty_like(rewards)
    following = np.broadcast_to(np.asarray(last_value, np.float64), rewards.shape[:-1])
    for t in range(rewards.shape[-1] - 1, -1, -1):
        following = rewards[..., t] + np.where(dones[..., t], 0.0, gamma * following)
        returns[..., t] = following
    return returns


class RunningReturn:
    """The discounted return of the episodes of a batch so far, seen from each one's first step.

    Args:
        gamma: Discount of one step, 0 to 1.
        batch_size: Episodes side by side.

    Attributes:
        value: (B,) returns so far.

    Raises:
        ValueError: when gamma is not in 0 .. 1.
    """

    def __init__(self, gamma: float, batch_size: int = 1) -> None:
        _check_gamma(gamma)
        self._gamma = gamma
        self.value = np.zeros(batch_size)
        self._discount = np.ones(batch_size)

    def reset(self, which: np.ndarray | None = None) -> None:
        """Begin some episodes anew: (B,) bool; all by default."""
        chosen = slice(None) if which is None else np.asarray(which, bool)
        self.value[chosen], self._discount[chosen] = 0.0, 1.0

    def update(self, rewards: np.ndarray | float) -> np.ndarray:
        """Take in the rewards of one step, (B,), and return the returns so far."""
        self.value += self._discount * rewards
        self._discount *= self._gamma
        return self.value.copy()


def _check_gamma(gamma: float) -> None:
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma must be in 0 .. 1, got {gamma}")
