"""Lift: take the cube and raise it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from muse_core.control.state import RobotState
from muse_core.environments.panda.approach import cube_yaw, grasp_goal, holds
from muse_core.environments.panda.scene import Pose, Scene
from muse_core.environments.panda.task import CLOSED, Goal, Placement, Spread, TaskInfo, draw

CUBE_M = 0.044
RAISED_M = 0.08  # height of the cube's centre over the table that counts as lifted
GRASP_HEIGHT_M = 0.004  # the fingers close this far above the cube's centre, to keep off the table
_REST = (CUBE_M / 2, CUBE_M / 2)


class Lift:
    """Take the cube and raise it clear of the table."""

    info = TaskInfo(
        name="lift",
        model_file="lift.xml",
        instruction="Pick up the red cube.",
        objects=("cube",),
        spread={"cube": Spread((0.40, 0.56), (-0.12, 0.12), _REST, np.radians(30))},
        wide_spread={"cube": Spread((0.36, 0.62), (-0.20, 0.20), _REST, np.radians(45))},
        step_limit=80,
        success="the cube's centre is 8 cm or more over the table, and the hand touches it",
    )

    def placements(self, rng: np.random.Generator, wide: bool, given: Mapping[str, Placement]) -> dict[str, Placement]:
        """Somewhere on the table."""
        return draw(self.info.spreads(wide), rng, given)

    def arrange(self, scene: Scene, placements: Mapping[str, Placement]) -> None:
        """Put the cube there."""
        scene.set_free_body("cube", *placements["cube"])

    def success(self, scene: Scene) -> bool:
        """Whether the cube is up and in the hand."""
        return scene.pose("cube")[0][2] >= RAISED_M and scene.touches_hand("cube")

    def goal(self, state: RobotState, objects: Mapping[str, Pose]) -> Goal:
        """Over the cube, down, close, and up once the fingers have stopped on it."""
        position, quaternion = objects["cube"]
        yaw = cube_yaw(quaternion)
        grasp = position + np.array([0.0, 0.0, GRASP_HEIGHT_M])
        if holds(state, grasp, CUBE_M):
            up = np.array([*state.ee_position[:2], RAISED_M + 0.05])
            return Goal(up, yaw, CLOSED, done=position[2] > RAISED_M + 0.02)
        return grasp_goal(state, grasp, yaw)
