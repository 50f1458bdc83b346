"""Place: put the cube on the pad."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from muse_core.control.state import RobotState
from muse_core.environments.panda.approach import carry_goal, cube_yaw, grasp_goal, holds, release_goal
from muse_core.environments.panda.lift import CUBE_M, GRASP_HEIGHT_M
from muse_core.environments.panda.scene import Pose, Scene
from muse_core.environments.panda.task import Goal, Placement, Spread, TaskInfo, draw

PAD_M = 0.003
ON_PAD_M = 0.035  # the cube's centre this near to the pad's counts as placed
APART_M = 0.11  # least distance from cube to pad at the start
_REST = (CUBE_M / 2, CUBE_M / 2)


class Place:
    """Take the cube and put it on the pad."""

    info = TaskInfo(
        name="place",
        model_file="place.xml",
        instruction="Put the red cube on the green pad.",
        objects=("cube", "pad"),
        spread={
            "cube": Spread((0.40, 0.56), (-0.14, 0.14), _REST, np.radians(30)),
            "pad": Spread((0.40, 0.56), (-0.14, 0.14), (0.0, 0.0), 0.0),
        },
        wide_spread={
            "cube": Spread((0.36, 0.62), (-0.20, 0.20), _REST, np.radians(45)),
            "pad": Spread((0.36, 0.62), (-0.20, 0.20), (0.0, 0.0), 0.0),
        },
        step_limit=150,
        success="the cube lies still and flat on the pad, centre within 3.5 cm, and the hand does not touch it",
        notes={"least_distance_cube_to_pad_m": APART_M},
    )

    def placements(self, rng: np.random.Generator, wide: bool, given: Mapping[str, Placement]) -> dict[str, Placement]:
        """Cube and pad apart from each other."""
        spreads = self.info.spreads(wide)
        found = draw(spreads, rng, given)
        redrawn = "cube" if "pad" in given else "pad"
        while (distance := _apart(found)) < APART_M:
            if redrawn in given:
                raise ValueError(f"preset: cube and pad must be {APART_M} m apart or more, got {distance:.4g}")
            found[redrawn] = spreads[redrawn].sample(rng)
        return found

    def arrange(self, scene: Scene, placements: Mapping[str, Placement]) -> None:
        """Put cube and pad there."""
        scene.set_free_body("cube", *placements["cube"])
        scene.move_fixed_body("pad", *placements["pad"])

    def success(self, scene: Scene) -> bool:
        """Whether the cube rests on the pad, let go."""
        (cube, _), (pad, _) = scene.pose("cube"), scene.pose("pad")
        linear, angular = scene.speed("cube")
        on_pad = np.linalg.norm((cube - pad)[:2]) < ON_PAD_M and abs(cube[2] - PAD_M - CUBE_M / 2) < 0.004
        still = linear < 0.02 and angular < 0.2
        return bool(on_pad and still and not scene.touches_hand("cube"))

    def goal(self, state: RobotState, objects: Mapping[str, Pose]) -> Goal:
        """Take the cube, carry it over the pad, set it down, and leave."""
        (cube, quaternion), (pad, _) = objects["cube"], objects["pad"]
        seat = pad + np.array([0.0, 0.0, PAD_M + CUBE_M / 2])
        grasp = cube + np.array([0.0, 0.0, GRASP_HEIGHT_M])
        yaw = cube_yaw(quaternion)
        if np.linalg.norm((cube - seat)[:2]) < 0.8 * ON_PAD_M and cube[2] - seat[2] < 0.008:
            return release_goal(state, CUBE_M, yaw)
        if holds(state, grasp, CUBE_M):
            return carry_goal(state, cube, seat, yaw)
        return grasp_goal(state, grasp, yaw)


def _apart(placements: Mapping[str, Placement]) -> float:
    """Distance from cube to pad over the table [m]."""
    (cube, _), (pad, _) = placements["cube"], placements["pad"]
    return float(np.linalg.norm((pad - cube)[:2]))
