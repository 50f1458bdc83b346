"""How an episode of the simulated Panda begins: the arm's joints and the objects' places, from a preset or a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from muse_core.environments.panda.task import Placement, Spread, Task
from muse_core.environments.panda.task_settings import READY_Q, START_NOISE_RAD
from muse_core.environments.presets import START_COUNT, Preset, check_names, numbers, spread_evenly

ARM = "q"  # what a preset calls the arm's joints
_TRIES = 1000


@dataclass(frozen=True)
class Start:
    """What is given of an episode's beginning; the seed decides the rest.

    Attributes:
        q: The arm's joints, shape (7,) [rad].
        placements: Objects by name.
    """

    q: np.ndarray | None = None
    placements: Mapping[str, Placement] = field(default_factory=dict)


def read_preset(preset: Preset, task: Task, wide: bool) -> Start:
    """A preset, checked against a task's ranges.

    Args:
        preset: Object to ``[x, y, yaw]``, or ``[x, y, z, yaw]`` where its height varies [m, rad], in panda_link0; and
            ``q`` to the arm's seven joints [rad], near the ready pose.
        task: Whose objects they are.
        wide: Whether objects may stand in the wide ranges.

    Raises:
        ValueError: on an unknown object, or a number outside its range; the message names the range.
    """
    spreads = task.info.spreads(wide)
    check_names(preset, [*spreads, ARM])
    arm = {f"joint {i + 1} [rad]": (q - START_NOISE_RAD, q + START_NOISE_RAD) for i, q in enumerate(READY_Q)}
    q = numbers(ARM, preset[ARM], arm) if ARM in preset else None
    placed = {name: _placement(name, preset[name], spread) for name, spread in spreads.items() if name in preset}
    return Start(q, placed)


def evenly_spread_presets(task: Task, wide: bool) -> dict[str, Preset]:
    """Starting states for a sweep, ``start_00`` and on: the arm at its ready pose, objects evenly over their ranges.

    They are complete, so that an episode from one of them is the same whatever the seed.
    """
    return {f"start_{index:02d}": _standing(index, task, wide) for index in range(START_COUNT)}


def _standing(index: int, task: Task, wide: bool) -> Preset:
    """The first object at its own point of the sequence, the others at the first point where all can stand."""
    ranges = {name: _ranges(spread) for name, spread in task.info.spreads(wide).items()}
    low, high = np.array([limits for parts in ranges.values() for limits in parts.values()]).T
    first = len(next(iter(ranges.values())))
    for further in range(index, START_COUNT * _TRIES, START_COUNT):
        point = spread_evenly(further, low, high)
        point[:first] = spread_evenly(index, low, high)[:first]
        ends = np.cumsum([len(parts) for parts in ranges.values()])[:-1]
        placed = {name: part.tolist() for name, part in zip(ranges, np.split(point, ends), strict=True)}
        preset: Preset = {**placed, ARM: READY_Q.tolist()}
        if _stands(preset, task, wide):
            return preset
    raise ValueError(f"{task.info.name}: nowhere in {_TRIES} tries can its objects stand together")


def _stands(preset: Preset, task: Task, wide: bool) -> bool:
    """Whether the objects of a complete preset can stand together."""
    try:
        task.placements(np.random.default_rng(0), wide, read_preset(preset, task, wide).placements)
    except ValueError:
        return False
    return True


def _ranges(spread: Spread) -> dict[str, tuple[float, float]]:
    height = {"z [m]": spread.z} if spread.z[0] < spread.z[1] else {}
    return {"x [m]": spread.x, "y [m]": spread.y, **height, "yaw [rad]": (-spread.yaw, spread.yaw)}


def _placement(name: str, values: object, spread: Spread) -> Placement:
    x, y, *z, yaw = numbers(name, values, _ranges(spread))
    return np.array([x, y, z[0] if z else spread.z[0]]), float(yaw)
