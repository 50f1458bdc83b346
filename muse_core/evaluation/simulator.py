"""The simulated Panda as a checkpoint expects it: its rate, its cameras and their geometry, its action space."""

from __future__ import annotations

from typing import Any

from muse_core.checkpoints import Checkpoint
from muse_core.environments.environment import Environment

# Which simulated camera an image key shows where no contract says so.
CAMERAS = {"image": "front", "ego_image": "wrist"}
ACTION_SPACES = {7: "ee_delta", 8: "ee_pose"}


class EvaluationError(ValueError):
    """An evaluation that cannot be run; the message says why and what to do."""


def simulator_options(checkpoint: Checkpoint) -> dict[str, Any]:
    """Arguments of the simulator that follow from a checkpoint: ``rate_hz``, ``images``, ``action_space``.

    Raises:
        EvaluationError: when an image key cannot be matched with a camera.
    """
    spec = checkpoint.array_spec
    images = {}
    for name in checkpoint.train_config.observations:
        if not spec[name].is_image:
            continue
        stream = _stream(checkpoint, "observations", name)
        size = stream.get("size") or spec[name].shape[:2]
        images[name] = {"camera": _camera(name, stream), "size": list(size), "crop": stream.get("crop")}
    return {
        "rate_hz": checkpoint.rate_hz or 10.0,
        "images": images,
        "action_space": _action_space(checkpoint),
    }


def check_task(task: str) -> None:
    """Raise unless the simulator has this task.

    Raises:
        EvaluationError: listing those it has.
    """
    from muse_core.environments.panda.tasks import TASKS

    if task not in TASKS:
        named = f"the simulator has no task {task!r}" if task else "the checkpoint's config names no task"
        raise EvaluationError(f"{named}; choose one of {', '.join(TASKS)} with --task")


def make_simulator(task: str, checkpoint: Checkpoint, **overrides: Any) -> Environment:
    """The simulated Panda doing `task`, as the checkpoint expects it; `overrides` go to it as they are.

    Raises:
        EvaluationError: when the simulator cannot be what the checkpoint expects.
    """
    from muse_core.environments.simulated_panda import SimulatedPanda

    try:
        environment = SimulatedPanda(task=task, **{**simulator_options(checkpoint), **overrides})
    except ValueError as error:
        raise EvaluationError(f"the simulator cannot be what this checkpoint expects: {error}") from error
    offered = {**environment.observation_spec, **environment.action_spec}
    for name, array in checkpoint.array_spec.items():
        if name not in offered:
            raise EvaluationError(f"the checkpoint uses {name!r}; the simulator has {', '.join(offered)}")
        if offered[name].shape != array.shape:
            raise EvaluationError(f"{name!r}: the checkpoint's is {array.shape}, the simulator's {offered[name].shape}")
    return environment


def _stream(checkpoint: Checkpoint, group: str, name: str) -> dict[str, Any]:
    return ((checkpoint.contract or {}).get(group) or {}).get(name) or {}


def _camera(name: str, stream: dict[str, Any]) -> str:
    parts = str(stream.get("topic", "")).strip("/").split("/")
    if "cameras" in parts[:-1]:
        return parts[parts.index("cameras") + 1]
    if name in CAMERAS:
        return CAMERAS[name]
    raise EvaluationError(f"which camera of the simulator shows {name!r}? Known keys are {', '.join(CAMERAS)}")


def _action_space(checkpoint: Checkpoint) -> str:
    name = checkpoint.train_config.actions[0]
    space = _stream(checkpoint, "actions", name).get("space")
    size = checkpoint.array_spec[name].shape[0]
    if not space and size not in ACTION_SPACES:
        raise EvaluationError(f"{name!r} has {size} numbers and no contract says what they are")
    return space or ACTION_SPACES[size]
