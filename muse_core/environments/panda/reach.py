"""Reach: bring the tool to a ball."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from muse_core.control.state import RobotState
from muse_core.environments.panda.scene import Pose, Scene
from muse_core.environments.panda.task import OPEN, Goal, Placement, Spread, TaskInfo, draw

TOUCH_M = 0.02


class Reach:
    """Bring the point between the fingertips into the yellow ball."""

    info = TaskInfo(
        name="reach",
        model_file="reach.xml",
        instruction="Bring the fingertips to the yellow ball.",
        objects=("target",),
        spread={"target": Spread((0.40, 0.56), (-0.14, 0.14), (0.06, 0.20), np.radians(30))},
        wide_spread={"target": Spread((0.36, 0.62), (-0.22, 0.22), (0.04, 0.26), np.radians(45))},
        step_limit=60,
        success="the point between the fingertips is within 2 cm of the ball's centre",
    )

    def placements(self, rng: np.random.Generator, wide: bool, given: Mapping[str, Placement]) -> dict[str, Placement]:
        """Somewhere over the table."""
        return draw(self.info.spreads(wide), rng, given)

    def arrange(self, scene: Scene, placements: Mapping[str, Placement]) -> None:
        """Put the ball there."""
        scene.move_fixed_body("target", *placements["target"])

    def success(self, scene: Scene) -> bool:
        """Whether the tool is in the ball."""
        return float(np.linalg.norm(scene.tool_position() - scene.pose("target")[0])) < TOUCH_M

    def goal(self, state: RobotState, objects: Mapping[str, Pose]) -> Goal:
        """Straight to the ball."""
        position, _ = objects["target"]
        distance = float(np.linalg.norm(state.ee_position - position))
        return Goal(position, 0.0, OPEN, care=float(np.clip(distance / 0.06, 0.4, 1.0)), done=distance < TOUCH_M / 2)
