"""Any gymnasium environment as an :class:`~muse_core.environments.environment.Environment`.

Needs the extra `gym`. Imported by :func:`muse_core.environments.registry.make_environment` when one is asked for.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import load_env_creator

from muse_core.environments.environment import EpisodeOverError
from muse_core.environments.gymnasium_spaces import find_leaves, put_together, spec_of, take_apart
from muse_core.environments.presets import Preset, check_names, chosen_preset
from muse_core.spec import Arrays

SUCCESS_KEYS = ("is_success", "success")


class GymnasiumEnvironment:
    """A gymnasium environment in our terms.

    Its spaces become specs: an observation that is no Dict is named ``observation``, an action that is no Dict
    ``action``, nested names are joined by ``/``, and single numbers have shape (1,). An episode succeeds when ``info``
    says so under ``is_success`` or ``success``; where it has neither, when the sum of rewards reaches `success_reward`.

    Args:
        environment: Id that gymnasium knows, such as ``CartPole-v1``, or an environment that is already made.
        rate_hz: Steps per second; the environment's own `dt` or frame rate by default.
        success_reward: Sum of rewards that counts as success; by default the threshold that is registered with the id.
            Where there is none either, no episode succeeds.
        max_steps: Truncate episodes after this many steps; the environment's own limit by default.
        make_options: Go to ``gymnasium.make`` as they are. Pictures are on where the environment can give them.

    Raises:
        ValueError: on an unknown id or option, a space without fixed shape, or an environment whose rate is not known.
    """

    def __init__(
        self,
        environment: str | gymnasium.Env,
        rate_hz: float | None = None,
        success_reward: float | None = None,
        max_steps: int | None = None,
        **make_options: Any,
    ) -> None:
        self._environment = _made(environment, max_steps, make_options)
        self._observations = find_leaves(self._environment.observation_space, "observation")
        self._actions = find_leaves(self._environment.action_space, "action", "action")
        both = sorted(set(self._observations) & set(self._actions))
        if both:
            raise ValueError(f"{both[0]!r} names an observation and an action; rename one with a gymnasium wrapper")
        self.observation_spec = spec_of(self._observations)
        self.action_spec = spec_of(self._actions)
        self.rate_hz = float(rate_hz or _own_rate_hz(self._environment))
        registered = self._environment.spec.reward_threshold if self._environment.spec else None
        self._success_reward = registered if success_reward is None else success_reward
        self._total = 0.0
        self._running = False

    @property
    def presets(self) -> dict[str, Preset]:
        """None: gymnasium has no such notion. Reset options of the environment's own are handed on."""
        return {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Begin an episode; `options` go to the environment, which may ignore what it does not know.

        Raises:
            ValueError: when a preset is asked for.
        """
        own = {key: value for key, value in (options or {}).items() if key != "preset"}
        check_names(chosen_preset({"preset": (options or {}).get("preset")}, {}), ())
        observation, info = self._environment.reset(seed=seed, options=own or None)
        self._total = 0.0
        self._running = True
        return take_apart(self._observations, observation), self._info(info, ended=False)

    def step(self, action: Arrays) -> tuple[Arrays, float, bool, bool, dict[str, Any]]:
        """Carry one action out.

        Raises:
            SpecError: when the action is not as `action_spec` says, or not in the action space.
            EpisodeOverError: when no episode is running.
        """
        if not self._running:
            raise EpisodeOverError
        self.action_spec.check(action)
        native = put_together(self._environment.action_space, self._actions, action)
        observation, reward, terminated, truncated, info = self._environment.step(native)
        self._total += float(reward)
        self._running = not (terminated or truncated)
        info = self._info(info, ended=not self._running)
        return take_apart(self._observations, observation), float(reward), bool(terminated), bool(truncated), info

    def render(self) -> np.ndarray:
        """The environment's own picture: (H, W, 3) uint8 RGB.

        Raises:
            ValueError: when it has none, or was made with another render mode.
        """
        if self._environment.render_mode != "rgb_array":
            mode = self._environment.render_mode
            raise ValueError(f"{self._environment} gives no pictures: its render_mode is {mode!r}, not 'rgb_array'")
        return np.asarray(self._environment.render(), np.uint8)

    def close(self) -> None:
        """Close the environment. Safe to call twice."""
        self._environment.close()
        self._running = False

    def _info(self, info: dict[str, Any], ended: bool) -> dict[str, Any]:
        said = next((info[key] for key in SUCCESS_KEYS if key in info), None)
        if said is not None:
            success = bool(said)
        else:
            success = ended and self._success_reward is not None and self._total >= self._success_reward
        return {**info, "success": success}


def _made(environment: str | gymnasium.Env, max_steps: int | None, options: dict[str, Any]) -> gymnasium.Env:
    if not isinstance(environment, str):
        if options:
            raise ValueError(f"{', '.join(options)}: only for an environment that is made here from its id")
        return environment if max_steps is None else gymnasium.wrappers.TimeLimit(environment, max_steps)
    if max_steps is not None:
        options = {**options, "max_episode_steps": max_steps}
    try:
        return gymnasium.make(environment, **{"render_mode": _picture_mode(environment), **options})
    except (gymnasium.error.Error, TypeError) as error:
        raise ValueError(f"gymnasium cannot make {environment!r}: {error}") from error


def _picture_mode(name: str) -> str | None:
    """The render mode that gives arrays, where the environment of this id says that it has one."""
    creator = load_env_creator(gymnasium.spec(name).entry_point)
    modes = getattr(creator, "metadata", {}).get("render_modes", ())
    return "rgb_array" if "rgb_array" in modes else None


def _own_rate_hz(environment: gymnasium.Env) -> float:
    dt_s = getattr(environment.unwrapped, "dt", None)
    if dt_s:
        return 1.0 / float(dt_s)
    rate_hz = environment.metadata.get("render_fps")
    if not rate_hz:
        raise ValueError(f"{environment} says neither dt nor render_fps: give its rate_hz")
    return float(rate_hz)
