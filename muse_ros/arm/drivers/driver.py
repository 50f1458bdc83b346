"""The protocol of a driver: the only thing below the safety filter, and the only thing that knows what arm it is.

A driver is made in the node's main thread and used in the control loop's thread alone. What a simulator adds, a world
that can be reset and looked at, is in :class:`SimulatedDriver`. To add an arm, write a driver and name it in
:data:`DRIVERS`. Must not import rclpy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from muse_core.control.state import RobotState, SetPoint
from muse_ros.missing_package import explain

Pose = tuple[np.ndarray, np.ndarray]

DRIVERS = {"sim": "muse_ros.arm.drivers.sim:SimDriver"}
"""Values of the panda node's parameter `robot`; imported when chosen, since each needs packages of its own."""


class DriverError(RuntimeError):
    """The arm cannot be reached, or does not do what it is told; the message says what to do about it."""


@dataclass(frozen=True)
class DriverSettings:
    """What a driver may need to know; each takes what concerns it.

    Attributes:
        task: Simulated task.
        wide: Spread the simulated objects wider.
        camera_size: (height, width) of the simulated cameras [px].
        seed: Of the first simulated scene.
    """

    task: str = "lift"
    wide: bool = False
    camera_size: tuple[int, int] = (128, 128)
    seed: int = 0


class Driver(Protocol):
    """One arm with its hand. `read` and `send` raise :class:`DriverError` where the arm is lost or stopped itself."""

    def read(self) -> RobotState:
        """What the arm measures now."""

    def send(self, set_point: SetPoint, period_s: float) -> None:
        """Have the arm go to a set-point over the next control period [s]."""

    def recover(self) -> None:
        """Bring the arm back after a :class:`DriverError`: connect again, release its reflex; it stands afterwards.

        Raises:
            DriverError: where that cannot be done; it may be asked again.
        """

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
