"""The environment protocol: gymnasium's `reset` and `step`, with specs in place of spaces and dicts of arrays."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from muse_core.spec import Spec

Arrays = dict[str, np.ndarray]


class Environment(Protocol):
    """A world in discrete steps of ``1 / rate_hz`` seconds. The same seed and actions give the same episode."""

    observation_spec: Spec
    action_spec: Spec
    rate_hz: float

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Begin an episode: its first observation, and `info`. Without a seed, the last one's stream goes on."""

    def step(self, action: Arrays) -> tuple[Arrays, float, bool, bool, dict[str, Any]]:
        """Carry one action out: observation, reward, terminated, truncated, info (``info["success"]`` is a bool)."""

    def close(self) -> None:
        """Give renderers and processes back. Safe to call twice."""
