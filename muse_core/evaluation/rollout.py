"""One episode of a policy in an environment. What else should happen on the way, an observer does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from muse_core.environments.environment import Environment
from muse_core.policies.policy import Policy, has_terminated, seed_policy
from muse_core.spec import Arrays


class Observer:
    """Sees an episode: makes a video, records data, prints. What a subclass does not define does nothing."""

    def on_begin(self, environment: Environment, policy: Policy, seed: int) -> None:
        """Called after the environment and the policy were reset."""

    def on_step(self, environment: Environment, observation: Arrays, action: Arrays) -> None:
        """Called with each observation and the action it led to, before the action is carried out."""

    def on_outcome(self, reward: float, info: dict[str, Any]) -> None:
        """Called with what came of the last step's action."""

    def on_end(self, result: EpisodeResult) -> None:
        """Called after the last step."""


@dataclass(frozen=True)
class EpisodeResult:
    """How one episode went.

    Attributes:
        seed: Seed of the environment.
        success: The environment's own verdict at the end.
        steps: Actions carried out.
        total_reward: Sum of the rewards.
        inference_ms: What each action took the policy, in milliseconds.
        info: What the environment said at the end.
        preset: The environment's preset that it began at; None where the seed alone decided.
        ended: ``terminated`` or ``truncated``, as the environment said, or ``policy`` where that had no more to do.
    """

    seed: int
    success: bool
    steps: int
    total_reward: float
    inference_ms: tuple[float, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)
    preset: str | None = None
    ended: str = "terminated"


def run_episode(
    environment: Environment,
    policy: Policy,
    seed: int,
    observers: Sequence[Observer] = (),
    preset: str | None = None,
) -> EpisodeResult:
    """Reset both, act until the environment or the policy says that the episode is over, and report.

    Args:
        environment: Where to act.
        policy: Who acts. One that takes a seed gets the episode's, so that the episode repeats exactly.
        seed: Of the environment.
        observers: Who looks on.
        preset: Name of the environment's preset to begin at.
    """
    observation, info = environment.reset(seed=seed, options=None if preset is None else {"preset": preset})
    seed_policy(policy, seed)
    policy.reset()
    for observer in observers:
        observer.on_begin(environment, policy, seed)
    times: list[float] = []
    total = 0.0
    ended = ""
    while not ended:
        asked = time.perf_counter()
        action = policy.act(observation)
        times.append((time.perf_counter() - asked) * 1e3)
        for observer in observers:
            observer.on_step(environment, observation, action)
        observation, reward, terminated, truncated, info = environment.step(action)
        total += float(reward)
        for observer in observers:
            observer.on_outcome(float(reward), info)
        if terminated or truncated:
            ended = "terminated" if terminated else "truncated"
        elif has_terminated(policy):
            ended = "policy"
    success = bool(info.get("success", False))
    result = EpisodeResult(seed, success, len(times), total, tuple(times), info, preset, ended)
    for observer in observers:
        observer.on_end(result)
    return result


class FrameCollector(Observer):
    """An observer that keeps what the environment's cameras show, for a video.

    The environment's own `render()` is used where it has one, else the images of the observation side by side.
    """

    def __init__(self) -> None:
        """No frame yet."""
        self.frames: list[np.ndarray] = []

    def on_step(self, environment: Environment, observation: Arrays, action: Arrays) -> None:
        """Keep one (height, width, 3) uint8 RGB frame."""
        render = getattr(environment, "render", None)
        self.frames.append(tile_images({"view": render()} if callable(render) else observation))


def tile_images(observation: Arrays, height: int = 256) -> np.ndarray:
    """The images of an observation side by side, enlarged by whole factors to about `height`.

    Raises:
        ValueError: when the observation holds no image.
    """
    images = [array for array in observation.values() if array.ndim == 3 and array.dtype == np.uint8]
    if not images:
        raise ValueError(f"no image among {', '.join(observation)} to make a video of")
    factors = [max(1, height // image.shape[0]) for image in images]
    large = [image.repeat(f, axis=0).repeat(f, axis=1) for image, f in zip(images, factors, strict=True)]
    tallest = max(image.shape[0] for image in large)
    padded = [np.pad(image, ((0, tallest - image.shape[0]), (0, 0), (0, 0))) for image in large]
    return np.concatenate(padded, axis=1)
