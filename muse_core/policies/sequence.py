"""Policies one after another in one episode: reach by waypoints, then insert by a learned policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from muse_core.policies.policy import Policy, has_terminated, label_of, seed_policy
from muse_core.spec import Arrays


@dataclass(frozen=True)
class Stage:
    """One part of a sequence.

    Attributes:
        policy: Who acts.
        max_steps: Steps after which the next one takes over, unless `policy` terminates before; None sets no cap.
        name: For people and for datasets.
    """

    policy: Policy
    max_steps: int | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if self.max_steps is not None and self.max_steps < 1:
            raise ValueError(f"max_steps of stage {self.name!r} must be at least 1, got {self.max_steps}")


class SequencePolicy:
    """Runs its stages in order; the next one acts on the step after the last one terminated or reached its cap.

    A stage's policy is reset once in an episode, right before its first action.

    Attributes:
        index: Number of the stage that acted last.
        policy_switch: Whether the last action was a stage's first, other than the episode's first.

    Args:
        stages: At least one.

    Raises:
        ValueError: when there is no stage.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        if not stages:
            raise ValueError("a sequence needs at least one stage")
        self._stages = tuple(stages)
        self._begun = False
        self._enter(0)

    @property
    def policy_name(self) -> str:
        """Name of the stage that acted last."""
        return self._stages[self.index].name

    @property
    def terminated(self) -> bool:
        """Whether the last stage has ended."""
        return self.index == len(self._stages) - 1 and self._over()

    @property
    def label(self) -> Arrays | None:
        """The label of the stage that acted last."""
        return label_of(self._stages[self.index].policy) if self._begun else None

    def seed(self, seed: int) -> None:
        """Seed every stage that takes a seed."""
        for stage in self._stages:
            seed_policy(stage.policy, seed)

    def reset(self) -> None:
        """Begin an episode, with the first stage."""
        self._enter(0)

    def act(self, observation: Arrays) -> Arrays:
        """The action of the stage whose turn it is."""
        if self._over() and self.index + 1 < len(self._stages):
            self._enter(self.index + 1)
        if not self._begun:
            self._stages[self.index].policy.reset()
            self._begun = True
        self.policy_switch = self.index > 0 and self._steps == 0
        self._steps += 1
        return self._stages[self.index].policy.act(observation)

    def _enter(self, index: int) -> None:
        self.index = index
        self._steps = 0
        self._begun = False
        self.policy_switch = False

    def _over(self) -> bool:
        stage = self._stages[self.index]
        capped = stage.max_steps is not None and self._steps >= stage.max_steps
        return self._begun and (capped or has_terminated(stage.policy))
