"""The protocol of a driver: the only thing below the safety filter, and the only thing that knows what arm it is.

A driver is made in the node's main thread and used in the control loop's thread alone, except for its `report`. Made,
it may look at the arm but leaves it alone; between `start` and `stop` it leads it. What a simulator adds, a world that
can be reset and looked at, is in :class:`SimulatedDriver`. To add an arm, write a driver and name it in
:data:`DRIVERS`. Must not import rclpy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from muse_core.control.state import RobotState, SetPoint
from muse_ros.arm.drivers.joint_settings import JointSettings
from muse_ros.arm.drivers.polymetis_settings import PolymetisSettings
from muse_ros.missing_package import explain

Pose = tuple[np.ndarray, np.ndarray]

DRIVERS = {
    "sim": "muse_ros.arm.drivers.sim:SimDriver",
    "polymetis": "muse_ros.arm.drivers.polymetis:PolymetisDriver",
    "ros2_control": "muse_ros.nodes.arm.joint_topics:open_ros2_control",
}
"""Values of the panda node's parameter `robot`; imported when chosen, since each needs packages of its own."""


class DriverError(RuntimeError):
    """The arm cannot be reached, or does not do what it is told; the message says what to do about it."""


class StaleState(DriverError):
    """The arm has not been heard for longer than it may move on its last state; it is not given up yet."""


@dataclass(frozen=True)
class DriverSettings:
    """What a driver may need to know; each takes what concerns it.

    Attributes:
        task: Simulated task.
        wide: Spread the simulated objects wider.
        camera_size: (height, width) of the simulated cameras [px].
        seed: Of the first simulated scene.
        hold_after_s: A real arm's state that is older than this is stale [s].
        stop_after_s: A real arm whose newest state is older than this is lost [s].
        set_point_rate_hz: Set-points that a real arm is sent per second [Hz].
        joints: Of an arm behind ros2_control.
        polymetis: Of an arm behind a Polymetis server.
    """

    task: str = "lift"
    wide: bool = False
    camera_size: tuple[int, int] = (128, 128)
    seed: int = 0
    hold_after_s: float = 0.1
    stop_after_s: float = 0.5
    set_point_rate_hz: float = 50.0
    joints: JointSettings = field(default_factory=JointSettings)
    polymetis: PolymetisSettings = field(default_factory=PolymetisSettings)


class Driver(Protocol):
    """One arm with its hand. Whatever fails is a :class:`DriverError`, and a fault of the arm until it is recovered."""

    def start(self) -> None:
        """Begin to lead the arm: it stands where it is measured, until the first set-point is sent.

        Raises:
            DriverError: where it cannot be led; it may be asked again, or recovered.
        """

    def stop(self) -> None:
        """Leave the arm standing under what holds it without us. Safe to call twice, and where `start` failed."""

    def read(self) -> RobotState:
        """What the arm measures now. A real arm's stamp is by this computer's clock; the same stamp: nothing is new.

        Raises:
            StaleState: where the newest state is too old to move on; the arm is to be brought to a standstill.
            DriverError: where the arm is lost, or stopped itself.
        """

    def measured(self) -> list[RobotState]:
        """What a real arm measured since this was last asked, oldest first: what is published and recorded.

        100 states a second or more, where the arm tells as many, however the control loop is held up. A simulated arm
        has nothing beside what `read` says.
        """

    def send(self, set_point: SetPoint, period_s: float) -> None:
        """Have the arm go to a set-point; does not wait for it.

        Args:
            set_point: Where to be at the end of the period that it is for.
            period_s: Length of that period: from the set-point before to this one, along the motion [s]. A real arm's
                set-point may come up to one such period early, where an action has just come.

        Raises:
            DriverError: where the arm is lost, or refuses set-points.
        """

    def guide(self, on: bool) -> None:
        """Let the arm float so that a person may lead it by hand, or have it stand again where it then is measured.

        Raises:
            DriverError: where the arm cannot do that.
        """

    def recover(self) -> None:
        """Bring the arm back after a :class:`DriverError`: connect again, release its reflex; as after `start`.

        Raises:
            DriverError: where that cannot be done; it may be asked again.
        """

    def report(self) -> dict[str, str]:
        """What the operator may want to know of arm and connection, by name with its unit; from any thread."""

    def close(self) -> None:
        """Let go of the arm. Safe to call twice."""


class SimulatedDriver(Driver, Protocol):
    """A driver whose world the node can reset and publish."""

    camera_size: tuple[int, int]
    camera_fovy_deg: Mapping[str, float]

    def reset(self, seed: int) -> None:
        """Begin a new scene."""

    def objects(self) -> Mapping[str, Pose]:
        """Name to (position [m], quaternion xyzw), always in the same order."""

    def success(self) -> bool:
        """Whether the task is done at this instant."""

    def render(self, camera: str) -> np.ndarray:
        """The view of a camera of `camera_fovy_deg`: (H, W, 3) uint8, RGB."""


def open_driver(robot: str, settings: DriverSettings) -> Driver:
    """The driver of `robot`.

    Raises:
        DriverError: if there is none of that name, its packages are missing, or the arm cannot be reached.
    """
    if robot not in DRIVERS:
        raise DriverError(f"no driver for robot {robot!r}; there are {', '.join(DRIVERS)}")
    module, _, name = DRIVERS[robot].partition(":")
    try:
        make: Callable[[DriverSettings], Any] = getattr(import_module(module), name)
    except ImportError as error:
        raise DriverError(f"robot {robot!r} cannot be had: {explain(error)}") from error
    return make(settings)
