"""An environment as a checkpoint expects it: its rate, its cameras and their geometry, its action space."""

from __future__ import annotations

from typing import Any

from muse_core.checkpoints import Checkpoint
from muse_core.environments.environment import Environment
from muse_core.environments.registry import ENVIRONMENTS, PANDA_TASKS, find_environment, make_environment
from muse_core.evaluation.config import EvaluationError

# Which simulated camera an image key shows where no contract says so.
CAMERAS = {"image": "front", "ego_image": "wrist"}
ACTION_SPACES = {7: "ee_delta", 8: "ee_pose"}


def check_task(task: str) -> None:
    """Raise unless there is an environment of this name.

    Raises:
        EvaluationError: with a suggestion, or listing those there are.
    """
    if not task:
        raise EvaluationError(
            f"the checkpoint's config names no task; choose one of {', '.join(ENVIRONMENTS)} by --task"
        )
    try:
        find_environment(task)
    except ValueError as error:
        raise EvaluationError(f"--task: {error}") from error


def environment_for(task: str, checkpoint: Checkpoint, **overrides: Any) -> Environment:
    """The environment of this name as the checkpoint expects it; `overrides` go to it as they are.

    Raises:
        EvaluationError: when it cannot be what the checkpoint expects.
    """
    try:
        environment = make_environment(task, **{**environment_options(task, checkpoint), **overrides})
    except ValueError as error:
        raise EvaluationError(f"{task!r} cannot be what this checkpoint expects: {error}") from error
    offered = {**environment.observation_spec, **environment.action_spec}
    for name, array in checkpoint.array_spec.items():
        if name not in offered:
            environment.close()
            raise EvaluationError(f"the checkpoint uses {name!r}; {task!r} has {', '.join(offered)}")
        if offered[name].shape != array.shape:
            environment.close()
            raise EvaluationError(
                f"{name!r}: the checkpoint's is {array.shape}, that of {task!r} {offered[name].shape}"
            )
    return environment


def environment_options(task: str, checkpoint: Checkpoint) -> dict[str, Any]:
    """Arguments of an environment that follow from a checkpoint.

    Raises:
        EvaluationError: when an image key cannot be matched with a camera.
    """
    if task in PANDA_TASKS:
        return _panda_options(checkpoint)
    options: dict[str, Any] = {"rate_hz": checkpoint.rate_hz} if checkpoint.rate_hz else {}
    if task == "point_mass":
        options |= _point_mass_options(checkpoint)
    return options


def _panda_options(checkpoint: Checkpoint) -> dict[str, Any]:
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


def _point_mass_options(checkpoint: Checkpoint) -> dict[str, Any]:
    spec = checkpoint.array_spec
    dynamics = "acceleration" if "action" in spec and spec["action"].unit == "m/s^2" else "velocity"
    return {"dynamics": dynamics, "image_size": spec["image"].shape[:2] if "image" in spec else None}


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
