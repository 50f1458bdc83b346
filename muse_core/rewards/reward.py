"""The reward protocol, and the rewards that need no model: distance and success."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from muse_core.spec import Arrays


class Reward(Protocol):
    """What one step is worth. It may remember the episode, and may ask a model."""

    def reset(self) -> None:
        """Forget the last episode. Called before the first step of every episode."""

    def __call__(self, observation: Arrays, action: Arrays, next_observation: Arrays, info: dict[str, Any]) -> float:
        """The reward of one step.

        Args:
            observation: What was seen, arrays of one time step.
            action: What was done.
            next_observation: What came of it.
            info: What the environment said with it.
        """


class DistanceReward:
    """The negative distance to a goal after the step: 0 is there.

    Args:
        key: Of the observation that is to come near.
        goal: Key of the observation to come near to, or that place itself.
        scale: Reward lost for each unit of distance.
        reached: Within this distance ...
        bonus: ... this much is added.
        distance: Of two arrays; the Euclidean one by default.

    Raises:
        ValueError: when `scale` or `reached` is negative.
    """

    def __init__(
        self,
        key: str,
        goal: str | np.ndarray,
        scale: float = 1.0,
        reached: float = 0.0,
        bonus: float = 0.0,
        distance: Callable[[np.ndarray, np.ndarray], float] | None = None,
    ) -> None:
        if scale < 0 or reached < 0:
            raise ValueError(f"scale and reached must be at least 0, got {scale} and {reached}")
        self._key = key
        self._goal = goal if isinstance(goal, str) else np.array(goal, np.float64)
        self._scale, self._reached, self._bonus = scale, reached, bonus
        self._distance = distance or euclidean

    def reset(self) -> None:
        """Nothing is remembered."""

    def __call__(self, observation: Arrays, action: Arrays, next_observation: Arrays, info: dict[str, Any]) -> float:
        """See :meth:`Reward.__call__`.

        Raises:
            KeyError: naming what the observation lacks.
        """
        goal = _array(next_observation, self._goal) if isinstance(self._goal, str) else self._goal
        distance = self._distance(_array(next_observation, self._key), goal)
        return -self._scale * distance + (self._bonus if distance <= self._reached else 0.0)


class SuccessReward:
    """Pays once in an episode, at the first step after which ``info["success"]`` holds.

    Args:
        value: The reward of success.
        step_cost: Taken off at every step, success or not.
    """

    def __init__(self, value: float = 1.0, step_cost: float = 0.0) -> None:
        self._value, self._step_cost = value, step_cost
        self.reset()

    def reset(self) -> None:
        """Success may be paid for again."""
        self._paid = False

    def __call__(self, observation: Arrays, action: Arrays, next_observation: Arrays, info: dict[str, Any]) -> float:
        """See :meth:`Reward.__call__`."""
        pays = bool(info.get("success", False)) and not self._paid
        self._paid = self._paid or pays
        return (self._value if pays else 0.0) - self._step_cost


def euclidean(a: np.ndarray, b: np.ndarray) -> float:
    """The Euclidean distance of two arrays of one shape.

    Raises:
        ValueError: when their shapes differ: broadcasting would make it another distance.
    """
    if np.shape(a) != np.shape(b):
        raise ValueError(f"a distance is between arrays of one shape, got {np.shape(a)} and {np.shape(b)}")
    return float(np.linalg.norm(np.asarray(a, np.float64) - np.asarray(b, np.float64)))


def _array(observation: Arrays, key: str) -> np.ndarray:
    if key not in observation:
        raise KeyError(f"no {key!r} in the observation; it has {', '.join(observation)}")
    return observation[key]
