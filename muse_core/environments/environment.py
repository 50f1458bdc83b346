"""The environment protocol: gymnasium's `reset` and `step`, with specs in place of spaces and dicts of arrays."""

from __future__ import annotations

from typing import Any, Protocol

from muse_core.environments.presets import Presets
from muse_core.spec import Arrays, Spec


class EpisodeOverError(RuntimeError):
    """A step without an episode: the last one has ended, or none was begun."""

    def __init__(self) -> None:
        super().__init__("no episode is running: call reset() before the first step and after terminated or truncated")


class Environment(Protocol):
    """A world in discrete steps of ``1 / rate_hz`` seconds. The same seed and actions give the same episode.

    Attributes:
        observation_spec: Every array of an observation.
        action_spec: Every array of an action.
        rate_hz: Steps per second.
        presets: Initial conditions by name, for ``reset(options={"preset": name})``; empty where there are none.
    """

    observation_spec: Spec
    action_spec: Spec
    rate_hz: float

    @property
    def presets(self) -> Presets:
        """Initial conditions by name."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Begin an episode: its first observation, and `info`. Without a seed, the last one's stream goes on.

        Args:
            seed: Of all that is random in the episode.
            options: Nothing, or ``{"preset": name or {quantity: values}}``: how the episode begins.

        Raises:
            ValueError: on an unknown option, or a preset that does not exist or fit.
        """

    def step(self, action: Arrays) -> tuple[Arrays, float, bool, bool, dict[str, Any]]:
        """Carry one action out.

        Returns:
            Observation, in arrays that no later call writes to; reward; terminated (the task has ended); truncated (it
            was cut off); info, where ``info["success"]`` is a bool.

        Raises:
            SpecError: when the action is not as `action_spec` says.
            EpisodeOverError: before the first reset, and after terminated or truncated until the next one.
        """

    def close(self) -> None:
        """Give renderers and processes back. Safe to call twice."""
