"""A policy that ends after a number of steps."""

from __future__ import annotations

from muse_core.policies.policy import Policy, has_terminated, label_of, seed_policy
from muse_core.spec import Arrays


class TimeoutPolicy:
    """Acts as another policy does, for at most `max_steps` steps of an episode.

    Args:
        policy: Who acts.
        max_steps: Actions after which it terminates, unless `policy` does so before.

    Raises:
        ValueError: when `max_steps` is below 1.
    """

    def __init__(self, policy: Policy, max_steps: int) -> None:
        if max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {max_steps}")
        self._policy = policy
        self._max_steps = max_steps
        self._steps = 0

    @property
    def terminated(self) -> bool:
        """Whether the time is up, or the policy itself has ended."""
        return self._steps >= self._max_steps or has_terminated(self._policy)

    @property
    def label(self) -> Arrays | None:
        """The policy's own label."""
        return label_of(self._policy)

    def seed(self, seed: int) -> None:
        """Seed the policy, where it takes a seed."""
        seed_policy(self._policy, seed)

    def reset(self) -> None:
        """Begin an episode."""
        self._steps = 0
        self._policy.reset()

    def act(self, observation: Arrays) -> Arrays:
        """The policy's action."""
        self._steps += 1
        return self._policy.act(observation)
