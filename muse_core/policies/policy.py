"""The policy protocol: the one thing a rollout, the live policy node and the evaluator know about a policy.

What only some policies can do is a protocol of its own, asked for with ``isinstance``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from muse_core.configs.model_settings import Execution
from muse_core.spec import Arrays


class Policy(Protocol):
    """Turns observations into actions, remembering what it needs within one episode."""

    def reset(self) -> None:
        """Forget the last episode. Called before the first :meth:`act` of every episode."""

    def act(self, observation: Arrays) -> Arrays:
        """The action for one observation.

        Args:
            observation: key to array of one time step, without batch dimension, as the environment's or the
                contract's spec describes it. Keys that the policy does not use are ignored.

        Returns:
            Action key to array, such as ``{"action": (7,) float32}``.
        """


@runtime_checkable
class TerminatingPolicy(Protocol):
    """A policy that can say that it has nothing left to do; a rollout then carries its last action out and ends."""

    @property
    def terminated(self) -> bool:
        """Whether the last action was the episode's last; False after :meth:`Policy.reset`."""


@runtime_checkable
class SeededPolicy(Protocol):
    """A policy with randomness, which a rollout seeds as it seeds the environment: episodes then repeat exactly."""

    def seed(self, seed: int) -> None:
        """Let all randomness from the next :meth:`Policy.reset` on follow from `seed`."""


@runtime_checkable
class LabellingPolicy(Protocol):
    """A policy whose executed action may differ from the one to learn: an expert that is shaken on its way."""

    @property
    def label(self) -> Arrays | None:
        """What the last action should have been, by key; None where the action itself is to be learnt."""


@dataclass(frozen=True)
class Readiness:
    """What a policy has shown of itself while it was warmed up.

    Attributes:
        chunk: Actions that it plans at once.
        inference_s: What taking an observation in and planning takes [s].
    """

    chunk: int
    inference_s: float


@runtime_checkable
class PlanningPolicy(Protocol):
    """A policy that can look on without acting, and say all that it plans: for a caller who keeps the schedule.

    :meth:`Policy.act` is the same with a schedule of its own: observe, plan where the last plan is used up, carry on.
    """

    @property
    def execution(self) -> Execution:
        """How its plans are meant to be carried out."""

    def reset(self) -> None:
        """Forget the last episode."""

    def observe(self, observation: Arrays) -> None:
        """Take one observation in, without acting on it."""

    def plan(self) -> Arrays:
        """Actions from the last observation on: key to (T, ...), T always the same."""

    def replan(self) -> None:
        """Forget what was planned, but not what was observed: :meth:`Policy.act` then plans anew."""


def has_terminated(policy: Policy) -> bool:
    """Whether a policy says that it has nothing left to do; one that cannot say so has not."""
    return isinstance(policy, TerminatingPolicy) and bool(policy.terminated)


def label_of(policy: Policy) -> Arrays | None:
    """The label of a policy's last action; None where the action itself is the label."""
    return policy.label if isinstance(policy, LabellingPolicy) else None


def seed_policy(policy: Policy, seed: int) -> None:
    """Seed a policy, where it takes a seed."""
    if isinstance(policy, SeededPolicy):
        policy.seed(seed)
