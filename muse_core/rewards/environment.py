"""An environment whose reward is another one than its own."""

from __future__ import annotations

from typing import Any

from muse_core.environments.environment import Environment
from muse_core.rewards.reward import Reward
from muse_core.spec import Arrays


class RewardedEnvironment:
    """Steps as another environment does, and pays what `reward` says; its own reward is in ``info["own_reward"]``.

    Whatever else the environment offers (`render`, `presets`, ...) is its own.

    Args:
        environment: Where to act.
        reward: What a step is worth.
    """

    def __init__(self, environment: Environment, reward: Reward) -> None:
        self._environment = environment
        self._reward = reward
        self._observation: Arrays | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # asked for before __init__ has run, as when it is unpickled
            raise AttributeError(name)
        return getattr(self._environment, name)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Begin an episode of both."""
        observation, info = self._environment.reset(seed=seed, options=options)
        self._reward.reset()
        self._observation = _copied(observation)
        return observation, info

    def step(self, action: Arrays) -> tuple[Arrays, float, bool, bool, dict[str, Any]]:
        """Carry one action out; the reward is that of `reward`."""
        observation, own, terminated, truncated, info = self._environment.step(action)
        value = float(self._reward(self._observation, action, observation, info))
        self._observation = _copied(observation)
        return observation, value, terminated, truncated, {**info, "own_reward": own}

    def close(self) -> None:
        """Close the environment."""
        self._environment.close()


def _copied(observation: Arrays) -> Arrays:
    """Arrays of its own: an environment may write the next observation into the same ones."""
    return {key: array.copy() for key, array in observation.items()}
