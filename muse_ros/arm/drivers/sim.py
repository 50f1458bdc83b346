"""The simulated Panda as a driver: each set-point advances the world by one control period. Must not import rclpy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from muse_core.control.state import RobotState, SetPoint
from muse_core.environments.panda.cameras import CAMERAS
from muse_core.environments.panda.world import PandaWorld
from muse_ros.arm.drivers.driver import DriverError, DriverSettings, Pose


class SimDriver:
    """The world of one simulated task.

    Args:
        settings: Task, cameras and seed.

    Raises:
        DriverError: if there is no such task.
    """

    def __init__(self, settings: DriverSettings) -> None:
        try:
            self._world = PandaWorld(settings.task, settings.camera_size, settings.wide)
        except ValueError as error:
            raise DriverError(str(error)) from error
        cameras = self._world.describe()["cameras"]
        self.camera_size = self._world.camera_size
        self.camera_fovy_deg = {name: float(cameras[name]["fovy_deg"]) for name in CAMERAS}
        self.reset(settings.seed)

    def reset(self, seed: int) -> None:
        """Begin the scene of `seed`."""
        self._world.reset(seed)

    def start(self) -> None:
        """Nothing: the simulated arm stands."""

    def stop(self) -> None:
        """Nothing: between set-points no time passes."""

    def read(self) -> RobotState:
        """What the simulated arm measures now; its stamp is the time since the reset."""
        return self._world.state()

    def measured(self) -> list[RobotState]:
        """Nothing beside what `read` says."""
        return []

    def send(self, set_point: SetPoint, period_s: float) -> None:
        """Advance the world by one control period."""
        self._world.advance(set_point, period_s)

    def guide(self, on: bool) -> None:
        """Refuse: nobody can touch it."""
        if on:
            raise DriverError("the simulated arm cannot be led by hand; use a teleop device")

    def recover(self) -> None:
        """Nothing: the simulated arm does not fail."""

    def report(self) -> dict[str, str]:
        """Nothing: what there is to know is published."""
        return {}

    def objects(self) -> Mapping[str, Pose]:
        """Poses of the task's objects."""
        return self._world.objects()

    def success(self) -> bool:
        """Whether the task is done at this instant."""
        return self._world.success()

    def render(self, camera: str) -> np.ndarray:
        """The view of a camera, (H, W, 3) uint8, RGB."""
        return self._world.render(camera)

    def close(self) -> None:
        """Free the GL context, in the thread that rendered."""
        self._world.close()
