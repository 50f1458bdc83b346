"""A point mass in the plane that is to stop at a target: small enough for tests, and to try a policy in seconds.

Its observation names the target ``goal/position``, so that goal-conditioned policies run in it as they are. A picture
from above is there for vision models, drawn without any renderer. Imports numpy alone.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from muse_core.environments.environment import EpisodeOverError
from muse_core.environments.presets import START_COUNT, Preset, check_names, chosen_preset, numbers, spread_evenly
from muse_core.spec import Arrays, ArraySpec, Spec

Dynamics = Literal["velocity", "acceleration"]
ARENA_M = 1.0  # the walls stand this far from the origin
MAX_SPEED_M_S = 0.5
MAX_ACCELERATION_M_S2 = 1.0
AT_TARGET_M, STILL_M_S = 0.05, 0.2  # nearer and slower than this is success
APART_M = 0.4  # least distance from start to target when a seed draws them
SPREAD_M = 0.9  # starts and targets lie within this far from the origin
TARGET_M, MASS_M = 0.08, 0.05  # radii in the picture
BACKGROUND, TARGET_COLOR, MASS_COLOR = (235, 235, 235), (40, 160, 60), (200, 40, 40)
_PART = {"x [m]": (-ARENA_M, ARENA_M), "y [m]": (-ARENA_M, ARENA_M)}


class PointMass:
    """Move to the target and stop there.

    Args:
        dynamics: What an action is: ``velocity`` [m/s], reached at once, or ``acceleration`` [m/s^2], of a double
            integrator.
        image_size: (height, width) of the picture ``image`` in the observation [px]; none by default.
        rate_hz: Steps per second.
        max_steps: Steps after which an episode is truncated; 10 s by default.

    Raises:
        ValueError: on unknown dynamics, or a rate, size or limit that is not positive.
    """

    def __init__(
        self,
        dynamics: Dynamics = "velocity",
        image_size: tuple[int, int] | None = None,
        rate_hz: float = 10.0,
        max_steps: int | None = None,
    ) -> None:
        if dynamics not in get_args(Dynamics):
            raise ValueError(f"no dynamics {dynamics!r}; there are {', '.join(get_args(Dynamics))}")
        if rate_hz <= 0:
            raise ValueError(f"rate_hz must be positive, got {rate_hz}")
        self.dynamics = dynamics
        self.rate_hz = float(rate_hz)
        self.max_steps = round(10 * rate_hz) if max_steps is None else int(max_steps)
        if self.max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {max_steps}")
        self._image_size = None if image_size is None else (int(image_size[0]), int(image_size[1]))
        arrays = {
            "position": ArraySpec((2,), unit="m", low=-ARENA_M, high=ARENA_M),
            "velocity": ArraySpec((2,), unit="m/s", low=-MAX_SPEED_M_S, high=MAX_SPEED_M_S),
            "goal/position": ArraySpec((2,), unit="m", low=-ARENA_M, high=ARENA_M, role="goal"),
        }
        if self._image_size is not None:
            arrays["image"] = ArraySpec((*self._image_size, 3), "uint8", "rgb")
        self.observation_spec = Spec(arrays)
        limit, unit = (MAX_SPEED_M_S, "m/s") if dynamics == "velocity" else (MAX_ACCELERATION_M_S2, "m/s^2")
        self.action_spec = Spec({"action": ArraySpec((2,), unit=unit, low=-limit, high=limit, role="action")})
        self._stream = np.random.default_rng(0)
        self._running = False

    @cached_property
    def presets(self) -> dict[str, Preset]:
        """36 pairs of start and target, spread evenly, for evaluation sweeps."""
        found: dict[str, Preset] = {}
        index = 0
        while len(found) < START_COUNT:
            point = spread_evenly(index, [-SPREAD_M] * 4, [SPREAD_M] * 4)
            if np.linalg.norm(point[2:] - point[:2]) >= APART_M:
                found[f"start_{len(found):02d}"] = {"start": point[:2].tolist(), "target": point[2:].tolist()}
            index += 1
        return found

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Arrays, dict[str, Any]]:
        """Begin an episode at rest; without a seed, the next of the stream that the last given seed began.

        Args:
            seed: Of start and target.
            options: ``{"preset": name}``, or ``{"preset": {"start": [x, y], "target": [x, y]}}`` [m], either or both.

        Returns:
            The first observation, and info with ``success`` and ``seed``.

        Raises:
            ValueError: on an unknown option or preset, or a place outside the arena.
        """
        preset = chosen_preset(options, self.presets)
        check_names(preset, ("start", "target"))
        given = {name: numbers(name, values, _PART) for name, values in preset.items()}
        if seed is not None:
            self._stream = np.random.default_rng(seed)
            self._seed = int(seed)
        else:
            self._seed = int(self._stream.integers(2**31))
        start, target = _draw(np.random.default_rng(self._seed))
        self._position, self._target = given.get("start", start), given.get("target", target)
        self._velocity = np.zeros(2)
        self._steps = 0
        self._running = True
        return self._observation(), self._info()

    def step(self, action: Arrays) -> tuple[Arrays, float, bool, bool, dict[str, Any]]:
        """Carry out one action, held for the whole step. Walls stop what runs into them.

        Args:
            action: ``{"action": (2,) float32}``, a velocity [m/s] or an acceleration [m/s^2].

        Returns:
            Observation; reward, 1.0 at the target; terminated (the same); truncated at the step limit; info.

        Raises:
            SpecError: when the action is missing, of another shape or dtype, not finite or beyond its limits.
            EpisodeOverError: when no episode is running.
        """
        if not self._running:
            raise EpisodeOverError
        self.action_spec.check(action)
        self._move(action["action"].astype(np.float64), 1.0 / self.rate_hz)
        self._steps += 1
        succeeded = self._succeeded()
        truncated = self._steps >= self.max_steps and not succeeded
        self._running = not (succeeded or truncated)
        return self._observation(), float(succeeded), succeeded, truncated, self._info()

    def render(self) -> np.ndarray:
        """The arena from above for people to look at: (256, 256, 3) uint8 RGB."""
        return self._draw_picture((256, 256))

    def close(self) -> None:
        """Nothing is held."""

    def _move(self, action: np.ndarray, dt_s: float) -> None:
        if self.dynamics == "velocity":
            velocity = action
            moved = velocity * dt_s
        else:
            velocity = np.clip(self._velocity + action * dt_s, -MAX_SPEED_M_S, MAX_SPEED_M_S)
            moved = 0.5 * (self._velocity + velocity) * dt_s
        free = self._position + moved
        self._position = np.clip(free, -ARENA_M, ARENA_M)
        self._velocity = np.where(free == self._position, velocity, 0.0)

    def _succeeded(self) -> bool:
        distance = float(np.linalg.norm(self._target - self._position))
        return distance < AT_TARGET_M and float(np.linalg.norm(self._velocity)) < STILL_M_S

    def _info(self) -> dict[str, Any]:
        return {"success": self._succeeded(), "seed": self._seed}

    def _observation(self) -> Arrays:
        values = {"position": self._position, "velocity": self._velocity, "goal/position": self._target}
        observation = {key: value.astype(np.float32) for key, value in values.items()}
        if self._image_size is not None:
            observation["image"] = self._draw_picture(self._image_size)
        return observation

    def _draw_picture(self, size: tuple[int, int]) -> np.ndarray:
        """The target as a disc, the mass as a smaller one over it; x to the right, y up."""
        picture = np.full((*size, 3), BACKGROUND, np.uint8)
        y, x = (ARENA_M * ((2 * np.arange(n) + 1) / n - 1) for n in size)
        for centre, radius, color in ((self._target, TARGET_M, TARGET_COLOR), (self._position, MASS_M, MASS_COLOR)):
            inside = (x[None, :] - centre[0]) ** 2 + (-y[:, None] - centre[1]) ** 2 < radius**2
            picture[inside] = color
        return picture


def _draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A start and a target (2,) [m], apart from each other."""
    start, target = rng.uniform(-SPREAD_M, SPREAD_M, (2, 2))
    while np.linalg.norm(target - start) < APART_M:
        target = rng.uniform(-SPREAD_M, SPREAD_M, 2)
    return start, target
