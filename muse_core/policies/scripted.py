"""Policies that somebody wrote: any function, and an expert that looks at the world rather than at observations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from muse_core.spec import Arrays


class ScriptedPolicy:
    """A function as a policy.

    Args:
        function: From an observation to the action, both as arrays by key.
        on_reset: Called at the beginning of every episode, for a function with memory.
    """

    def __init__(self, function: Callable[[Arrays], Arrays], on_reset: Callable[[], None] | None = None) -> None:
        self._function = function
        self._on_reset = on_reset

    def reset(self) -> None:
        """Let the function forget the last episode."""
        if self._on_reset is not None:
            self._on_reset()

    def act(self, observation: Arrays) -> Arrays:
        """What the function says."""
        return self._function(observation)


class LabelledAction(Protocol):
    """An expert's action: what is carried out, and what it meant."""

    executed: np.ndarray
    label: np.ndarray


class Expert(Protocol):
    """What :class:`muse_core.environments.panda.expert.Expert` offers."""

    def reset(self, seed: int | None = None) -> None:
        """Begin an episode; the same seed gives the same noise."""

    def act(self, *measured: Any) -> LabelledAction:
        """The action for what is measured now."""


class ExpertPolicy:
    """A scripted expert that measures the world itself, such as that of the simulated Panda.

    ``ExpertPolicy(make_expert("lift", noise_m=0.006), lambda: (env.state(), env.world.objects()))`` lifts.

    Args:
        expert: Who acts.
        measure: Gives the expert's arguments, measured now.
        key: Name of the action.
    """

    def __init__(self, expert: Expert, measure: Callable[[], tuple[Any, ...]], key: str = "action") -> None:
        self._expert = expert
        self._measure = measure
        self._key = key
        self._seed: int | None = None
        self._label: Arrays | None = None

    @property
    def label(self) -> Arrays | None:
        """What the expert meant by its last action: the same without noise."""
        return self._label

    def seed(self, seed: int) -> None:
        """Let the noise from the next :meth:`reset` on follow from `seed`."""
        self._seed = int(seed)

    def reset(self) -> None:
        """Begin an episode."""
        self._expert.reset(self._seed)
        self._label = None

    def act(self, observation: Arrays) -> Arrays:
        """The action that is to be carried out now, noise included; the observation is not looked at."""
        action = self._expert.act(*self._measure())
        self._label = {self._key: action.label}
        return {self._key: action.executed}
