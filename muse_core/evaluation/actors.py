"""Who acts in an evaluation, and where: a checkpoint in the environment that it expects, or a scripted policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muse_core.checkpoints import load_checkpoint
from muse_core.environments.environment import Environment
from muse_core.environments.registry import PANDA_TASKS, make_environment
from muse_core.evaluation.checkpoint_environment import CAMERAS, environment_for
from muse_core.evaluation.config import EXPERT, REPLAY, EvaluateConfig, EvaluationError
from muse_core.policies.policy import Policy
from muse_core.policies.random import EE_DELTA_LIMITS, RANDOM, RandomPolicy
from muse_core.policies.replay import ReplayPolicy
from muse_core.policies.scripted import ExpertPolicy
from muse_core.processors import choose_device


def make_actor(config: EvaluateConfig, task: str) -> tuple[Environment, Policy]:
    """An environment for this process, and the policy that acts in it.

    Raises:
        EvaluationError: when the two do not go together; the message says why.
    """
    if config.scripted:
        environment = _environment(config, task)
        try:
            return environment, _scripted(config, task, environment)
        except BaseException:
            environment.close()
            raise
    import torch

    from muse_core.policies.learned import LearnedPolicy

    torch.set_num_threads(config.threads)
    policy = LearnedPolicy.from_checkpoint(config.checkpoint_path, str(choose_device(config.device)))
    environment = environment_for(task, policy.checkpoint, **_options(config, task))
    policy.warm_up()
    return environment, policy


@dataclass(frozen=True)
class ActorFacts:
    """What is known of who acts, before anything is built.

    Attributes:
        name: For people and datasets: ``expert``, or the checkpoint's path.
        task: The environment's name: the one that was asked for, or the one that the checkpoint was trained for.
        step: Gradient steps behind a checkpoint; None where there is none.
        rate_hz: Rate at which it is to act, where a checkpoint says so.
        contract: The contract that a checkpoint carries.
    """

    name: str
    task: str
    step: int | None = None
    rate_hz: float | None = None
    contract: dict[str, Any] | None = None


def describe_actor(config: EvaluateConfig) -> ActorFacts:
    """Read what is known of who acts.

    Raises:
        FileNotFoundError: when there is no such checkpoint.
        CheckpointError: when the file is none.
    """
    if config.scripted:
        return ActorFacts(config.actor_name, config.task)
    found = load_checkpoint(config.checkpoint_path)
    task = config.task or found.train_config.task
    return ActorFacts(config.actor_name, task, found.step, found.rate_hz, found.contract)


def _options(config: EvaluateConfig, task: str) -> dict[str, Any]:
    """Arguments of the environment that the command line decides."""
    options: dict[str, Any] = {}
    if task in PANDA_TASKS:
        options = {"wide": config.wide, "camera_size": config.camera_size}
    if config.max_steps is not None:
        options["max_steps"] = config.max_steps
    return options


def _environment(config: EvaluateConfig, task: str) -> Environment:
    options = _options(config, task)
    if task in PANDA_TASKS:
        images = {key: {"camera": camera, "size": config.image_size} for key, camera in CAMERAS.items()}
        seen = config.record is not None or config.videos
        options["images"] = images if seen else {}
    try:
        return make_environment(task, **options)
    except ValueError as error:
        raise EvaluationError(str(error)) from error


def _scripted(config: EvaluateConfig, task: str, environment: Environment) -> Policy:
    if config.policy == EXPERT:
        return _expert(config, task, environment)
    if config.policy == RANDOM:
        limits = {"action": EE_DELTA_LIMITS} if task in PANDA_TASKS else None
        try:
            return RandomPolicy(environment.action_spec, limits=limits)
        except ValueError as error:
            raise EvaluationError(f"--policy random: {error}") from error
    return _replay(config.policy.removeprefix(REPLAY), config.seeds, environment)


def _expert(config: EvaluateConfig, task: str, environment: Any) -> Policy:
    if task in PANDA_TASKS:
        from muse_core.environments.panda.expert import make_expert

        expert = make_expert(task, config.expert_noise_m, config.noise_rad)
        return ExpertPolicy(expert, lambda: (environment.state(), environment.world.objects()))
    if task in _EXPERTS:
        return _EXPERTS[task]()
    raise EvaluationError(f"{task!r} has no scripted expert; these have: {', '.join((*PANDA_TASKS, *_EXPERTS))}")


def _point_mass_expert() -> Policy:
    from muse_core.environments.point_mass_expert import PointMassExpert

    return PointMassExpert()


_EXPERTS: dict[str, Callable[[], Policy]] = {"point_mass": _point_mass_expert}


def _replay(name: str, seeds: range, environment: Environment) -> Policy:
    from muse_core.datasets.opening import find_dataset, open_dataset

    store = open_dataset(name if Path(name).exists() else find_dataset("data", name))
    for key, array in environment.action_spec.items():
        found = store.spec[key].shape if key in store.spec else None
        if found != array.shape:
            raise EvaluationError(f"{name}: its {key!r} has shape {found}, the environment's {array.shape}")
    recorded = {store.metadata(id_).get("seed") for id_ in store.ids}
    missing = [seed for seed in seeds if seed not in recorded]
    if missing:
        first = min((seed for seed in recorded if seed is not None), default="none")
        raise EvaluationError(
            f"{name} has no episode of seed {missing[0]}, as of {len(missing)} of {len(seeds)} seeds asked for; "
            f"choose --seed and --episodes among those recorded, which begin at {first}"
        )
    return ReplayPolicy(store, keys=list(environment.action_spec))
