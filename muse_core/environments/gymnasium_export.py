"""Our environments as gymnasium environments, for whatever speaks that: an RL trainer, a wrapper, a checker.

Needs the extra `gym`.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from muse_core.environments.environment import Environment
from muse_core.environments.gymnasium_spaces import space_of
from muse_core.spec import Arrays


class ExportedEnvironment(gymnasium.Env):
    """One of our environments with gymnasium's spaces.

    Args:
        environment: The environment; closed with this one.
        render_mode: ``rgb_array`` for pictures, where the environment has a `render`.
        bare_action: Take the one array of the action alone rather than in a Dict, as many trainers want it.

    Raises:
        ValueError: on another render mode, or a bare action where there are several arrays.
    """

    def __init__(self, environment: Environment, render_mode: str | None = None, bare_action: bool = False) -> None:
        modes = ["rgb_array"] if callable(getattr(environment, "render", None)) else []
        if render_mode is not None and render_mode not in modes:
            raise ValueError(f"no render mode {render_mode!r}; there is {', '.join(modes) or 'none'}")
        if bare_action and len(environment.action_spec) != 1:
            raise ValueError(f"bare_action needs one array, the action has {', '.join(environment.action_spec)}")
        self.environment = environment
        self.metadata = {"render_modes": modes, "render_fps": environment.rate_hz}
        self.render_mode = render_mode
        self._bare_action = bare_action
        self.observation_space = gymnasium.spaces.Dict(
            {name: space_of(array) for name, array in environment.observation_spec.items()}
        )
        actions = {name: space_of(array) for name, array in environment.action_spec.items()}
        self.action_space = next(iter(actions.values())) if bare_action else gymnasium.spaces.Dict(actions)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Begin an episode; `options` may name a preset."""
        super().reset(seed=seed)
        return self.environment.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Arrays, float, bool, bool, dict[str, Any]]:
        """Carry one action out.

        Raises:
            SpecError: when the action is not in the action space.
            EpisodeOverError: when no episode is running.
        """
        spec = self.environment.action_spec
        given = {next(iter(spec)): action} if self._bare_action else action
        arrays = {name: np.asarray(given[name], array.dtype) for name, array in spec.items() if name in given}
        return self.environment.step(arrays)

    def render(self) -> np.ndarray | None:
        """A picture (H, W, 3) uint8 RGB; nothing without a render mode."""
        return self.environment.render() if self.render_mode else None

    def close(self) -> None:
        """Close the environment."""
        self.environment.close()
