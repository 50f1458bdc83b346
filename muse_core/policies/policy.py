"""The policy protocol: the one thing a rollout, the live policy node and the evaluator know about a policy."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Policy(Protocol):
    """Turns observations into actions, remembering what it needs within one episode."""

    def reset(self) -> None:
        """Forget the last episode. Called before the first :meth:`act` of every episode."""

    def act(self, observation: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The action for one observation.

        Args:
            observation: key to array of one time step, without batch dimension, as the environment's or the
                contract's spec describes it. Keys that the policy does not use are ignored.

        Returns:
            Action key to array, such as ``{"action": (7,) float32}``.
        """
