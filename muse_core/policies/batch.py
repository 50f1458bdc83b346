"""Single policies as one policy of a batch of episodes, for environments that run side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from muse_core.policies.policy import Policy, has_terminated, label_of, seed_policy
from muse_core.spec import Arrays


class PolicyBatch:
    """One policy for each episode of a batch; what it takes and gives has a leading batch dimension B.

    Args:
        policies: B policies that share no memory.

    Raises:
        ValueError: when there is none, or one is in the list twice.
    """

    def __init__(self, policies: Sequence[Policy]) -> None:
        if not policies or len({id(policy) for policy in policies}) < len(policies):
            raise ValueError(f"a batch needs one policy of its own for each episode, got {len(policies)}")
        self._policies = tuple(policies)

    def __len__(self) -> int:
        return len(self._policies)

    @property
    def terminated(self) -> np.ndarray:
        """(B,) bool: which policies have nothing left to do."""
        return np.array([has_terminated(policy) for policy in self._policies])

    @property
    def labels(self) -> list[Arrays | None]:
        """The label of each episode's last action; None where the action itself is the label."""
        return [label_of(policy) for policy in self._policies]

    def seed(self, seeds: Sequence[int], which: Sequence[int] | np.ndarray | None = None) -> None:
        """Seed each policy that takes a seed; they apply from its next :meth:`reset` on.

        Args:
            seeds: One for each of the B policies.
            which: Numbers of those to seed, or a (B,) mask of them; all by default.
        """
        for policy, seed in zip(self._chosen(which), np.asarray(seeds)[self._numbers(which)], strict=True):
            seed_policy(policy, int(seed))

    def reset(self, which: Sequence[int] | np.ndarray | None = None) -> None:
        """Begin some episodes anew.

        Args:
            which: Their numbers, or a (B,) mask of them; all by default.
        """
        for policy in self._chosen(which):
            policy.reset()

    def act(self, observation: Arrays) -> Arrays:
        """Actions for (B, ...) observations, each as (B, ...).

        Raises:
            ValueError: when an observation's batch is of another size.
        """
        sizes = {key: len(array) for key, array in observation.items() if len(array) != len(self)}
        if sizes:
            raise ValueError(f"observations must have {len(self)} rows, one for each policy, got {sizes}")
        actions = [p.act({key: array[i] for key, array in observation.items()}) for i, p in enumerate(self._policies)]
        return {key: np.stack([action[key] for action in actions]) for key in actions[0]}

    def _numbers(self, which: Sequence[int] | np.ndarray | None) -> np.ndarray:
        every = np.arange(len(self))
        return every if which is None else every[which]

    def _chosen(self, which: Sequence[int] | np.ndarray | None) -> list[Policy]:
        return [self._policies[i] for i in self._numbers(which)]
