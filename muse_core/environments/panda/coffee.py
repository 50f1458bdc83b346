"""Coffee: set the pod in the machine's holder and close the hinged lid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from muse_core.control.state import RobotState
from muse_core.environments.panda.approach import carry_goal, grasp_goal, holds, release_goal, tilt_of, yaw_of
from muse_core.environments.panda.closing import Lid, close_goal
from muse_core.environments.panda.scene import Pose, Scene
from muse_core.environments.panda.task import OPEN, Goal, Placement, Spread, TaskInfo, draw
from muse_core.geometry import matrix_from_quaternion

POD_WIDTH_M, POD_HEIGHT_M = 0.042, 0.045
GRASP_HEIGHT_M = 0.010  # the fingers close this far above the pod's centre, to stay clear of the holder
SEAT = np.array([0.0, 0.0, 0.0604 + POD_HEIGHT_M / 2])  # of the pod's centre, in the machine's frame [m]
SEATED_M, SEATED_RAD = 0.008, np.radians(10)
CLOSED_RAD = np.radians(10)
OPEN_RAD = 1.9
BESIDE_M = 0.16  # from the holder's axis: half the machine and half the hand
_REST = (POD_HEIGHT_M / 2, POD_HEIGHT_M / 2)


class Coffee:
    """Put the pod in the holder, then close the lid over it."""

    info = TaskInfo(
        name="coffee",
        model_file="coffee.xml",
        instruction="Put the pod in the coffee machine and close the lid.",
        objects=("pod", "machine", "lid"),
        spread={
            "pod": Spread((0.40, 0.56), (-0.26, -0.02), _REST, np.radians(30)),
            "machine": Spread((0.53, 0.57), (0.17, 0.21), (0.0, 0.0), np.radians(15)),
        },
        wide_spread={
            "pod": Spread((0.38, 0.60), (-0.28, 0.0), _REST, np.radians(45)),
            "machine": Spread((0.51, 0.59), (0.16, 0.22), (0.0, 0.0), np.radians(20)),
        },
        step_limit=250,
        success=(
            "the pod is within 8 mm and 10 degrees of its seat, the lid within 10 degrees of closed, "
            "and the hand touches neither"
        ),
        notes={"lid_open_deg": round(float(np.degrees(OPEN_RAD)), 1)},
    )

    def placements(self, rng: np.random.Generator, wide: bool, given: Mapping[str, Placement]) -> dict[str, Placement]:
        """Pod and machine, each on its own side."""
        return draw(self.info.spreads(wide), rng, given)

    def arrange(self, scene: Scene, placements: Mapping[str, Placement]) -> None:
        """Place pod and machine; open the lid."""
        scene.set_free_body("pod", *placements["pod"])
        scene.move_fixed_body("machine", *placements["machine"])
        scene.set_joint("lid", OPEN_RAD)

    def success(self, scene: Scene) -> bool:
        """Whether the pod sits, the lid is closed, and the hand is away."""
        if abs(scene.joint("lid")) >= CLOSED_RAD or not _seated(scene.pose("pod"), scene.pose("machine")):
            return False
        return not scene.touches_hand("pod") and not scene.touches_hand("machine")

    def goal(self, state: RobotState, objects: Mapping[str, Pose]) -> Goal:
        """Take the pod, set it in the holder, go round behind the lid and push it closed."""
        pod, machine = objects["pod"], objects["machine"]
        lid = Lid.measured(machine, objects["lid"])
        yaw = yaw_of(machine[1])
        seat = machine[0] + matrix_from_quaternion(machine[1]) @ SEAT
        way = pod[0] - seat
        grasp = pod[0] + np.array([0.0, 0.0, GRASP_HEIGHT_M])
        held = holds(state, grasp, POD_WIDTH_M)
        if np.linalg.norm(way[:2]) < (0.007 if held else 0.014) and way[2] < (0.006 if held else 0.012):
            beside = np.linalg.norm((state.ee_position - pod[0])[:2]) < 0.03 and state.ee_position[2] < pod[0][2] + 0.06
            if beside and lid.angle > np.radians(90):
                return release_goal(state, POD_WIDTH_M, yaw, leave_m=0.26)
            return close_goal(state, machine, lid)
        if held:
            return carry_goal(state, pod[0], seat, yaw, _past_the_lid(pod[0], machine, seat), top_m=0.05, free_m=0.006)
        if state.ee_position[2] < seat[2] + 0.05 and np.linalg.norm((state.ee_position - seat)[:2]) < 0.06:
            return Goal(state.ee_position + np.array([0.0, 0.0, 0.05]), yaw, OPEN)
        return grasp_goal(state, grasp, 0.0)


def _past_the_lid(pod: np.ndarray, machine: Pose, seat: np.ndarray) -> np.ndarray:
    """Where to pass with the pod: beside the machine until the wide hand has room between lid and holder."""
    rotation = matrix_from_quaternion(machine[1])
    behind = -(rotation.T @ (pod - seat))[0]
    beside = BESIDE_M * float(np.clip((behind - 0.004) / 0.02, 0.0, 1.0))
    return seat + rotation @ np.array([0.0, -beside, 0.0])


def _seated(pod: Pose, machine: Pose) -> bool:
    seat = machine[0] + matrix_from_quaternion(machine[1]) @ SEAT
    return bool(np.linalg.norm(pod[0] - seat) < SEATED_M and tilt_of(pod[1]) < SEATED_RAD)
