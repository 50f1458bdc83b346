"""What a task is: a model file, objects that are spread out by a seed, a test of success, and a goal for its expert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from muse_core.control.state import RobotState
from muse_core.environments.panda.scene import Pose, Scene

OPEN, CLOSED = 0.0, 1.0
Placement = tuple[np.ndarray, float]  # position (3,) in panda_link0 [m], and yaw [rad]
STEP_LIMIT_HZ = 10  # the rate at which step limits count


@dataclass(frozen=True)
class Spread:
    """The box and the yaw range over which one object is placed, uniformly.

    Attributes:
        x: Lowest and highest x in panda_link0 [m].
        y: Lowest and highest y in panda_link0 [m].
        z: Lowest and highest z in panda_link0 [m].
        yaw: Largest turn about z either way [rad].
    """

    x: tuple[float, float]
    y: tuple[float, float]
    z: tuple[float, float]
    yaw: float

    def sample(self, rng: np.random.Generator) -> Placement:
        """A position (3,) [m] and a yaw [rad]."""
        position = np.array([rng.uniform(*self.x), rng.uniform(*self.y), rng.uniform(*self.z)])
        return position, float(rng.uniform(-self.yaw, self.yaw))

    def as_dict(self) -> dict[str, Any]:
        """Plain data, lengths in metres and angles in degrees."""
        turn = round(float(np.degrees(self.yaw)), 3)
        return {"x_m": list(self.x), "y_m": list(self.y), "z_m": list(self.z), "yaw_deg": [-turn, turn]}


@dataclass(frozen=True)
class Goal:
    """Where a scripted expert wants the hand, as far as it can tell from what is measured now.

    Attributes:
        position: Of the tool in panda_link0 [m], shape (3,).
        yaw: Turn of the downward-pointing tool about z [rad].
        gripper: 0 open .. 1 closed.
        care: 1 in free space .. 0 where the hand must not shake; scales the noise of demonstrations.
        done: The task is finished and there is nothing left to do.
    """

    position: np.ndarray
    yaw: float
    gripper: float
    care: float = 1.0
    done: bool = False


@dataclass(frozen=True)
class TaskInfo:
    """What is known of a task before it runs.

    Attributes:
        name: Name in the table of tasks.
        model_file: MJCF file in `models/`.
        instruction: What to do, in a sentence.
        objects: Bodies whose poses are published, in this order.
        spread: Where each object is placed by default.
        wide_spread: Where each object is placed in the wide variant.
        step_limit: Steps at 10 Hz after which an episode is cut off.
        success: The test of success, in a sentence.
        notes: Further figures for a report, names with units.
    """

    name: str
    model_file: str
    instruction: str
    objects: tuple[str, ...]
    spread: Mapping[str, Spread]
    wide_spread: Mapping[str, Spread]
    step_limit: int
    success: str
    notes: Mapping[str, float] = field(default_factory=dict)

    def spreads(self, wide: bool) -> Mapping[str, Spread]:
        """Where each object is placed."""
        return self.wide_spread if wide else self.spread


def draw(
    spreads: Mapping[str, Spread], rng: np.random.Generator, given: Mapping[str, Placement]
) -> dict[str, Placement]:
    """Each object's placement: as given, else drawn. The others' draws are the same, whatever is given."""
    drawn = {name: spread.sample(rng) for name, spread in spreads.items()}
    return {name: given.get(name, placement) for name, placement in drawn.items()}


class Task(Protocol):
    """One task: stateless, so that everything an episode depends on lies in the physics."""

    info: TaskInfo

    def placements(self, rng: np.random.Generator, wide: bool, given: Mapping[str, Placement]) -> dict[str, Placement]:
        """Where the objects stand in a new episode: as given, else as drawn.

        Raises:
            ValueError: when what is given cannot stand together.
        """

    def arrange(self, scene: Scene, placements: Mapping[str, Placement]) -> None:
        """Place the objects."""

    def success(self, scene: Scene) -> bool:
        """Whether the physics says that the task is done at this instant."""

    def goal(self, state: RobotState, objects: Mapping[str, Pose]) -> Goal:
        """Where the expert wants the hand: a function of what is measured now, without memory."""
