"""A camera node: one camera's pictures, as JPEG, stamped when they were taken, with its calibration and its health.

A lifecycle node: configuring checks the parameters and the calibration, activating opens the camera. The capture has a
thread in ``muse_ros.cameras.capture_thread``, encoding and publishing another; here are parameters and transitions.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

from muse_ros.cameras.calibration import read_calibration
from muse_ros.cameras.capture_thread import CaptureThread
from muse_ros.cameras.opening import OpenCamera, open_camera
from muse_ros.cameras.settings import PARAMETERS, CameraSettingError, CameraSettings
from muse_ros.nodes.cameras.topics import CameraTopics
from muse_ros.nodes.managed_node import ManagedNode, started
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import run_node

WATCH_S = 0.1
DIAGNOSTICS_S = 1.0


class CameraNode(ManagedNode):
    """Wires a :class:`CaptureThread` to topics and the lifecycle."""

    def __init__(self, open_source: Callable[[CameraSettings], OpenCamera] = open_camera, **options: Any) -> None:
        """Declare the parameters; nothing is opened before the node is activated.

        Args:
            open_source: Opens the camera; tests pass their own.
            options: What rclpy's Node takes.
        """
        super().__init__("camera", **options)
        self.finished = threading.Event()
        self.failure = ""
        self._open_source = open_source
        self._values = {
            each.name: declare(self, each.name, each.default, each.description, each.limits, each.choices)
            for each in PARAMETERS
        }
        self._topics: CameraTopics | None = None
        self._capture: CaptureThread | None = None
        self._said = ""
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(WATCH_S, self._watch, clock=steady)
        self.create_timer(DIAGNOSTICS_S, self._report, clock=steady)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Check the parameters, read the calibration, offer the topics."""
        try:
            settings = CameraSettings.of({**self._values, "crop": list(self._values["crop"])})
            calibration = read_calibration(settings.calibration_file) if settings.calibration_file else None
        except CameraSettingError as error:
            return self.refuse(f"node {self.get_name()}: {error}")
        self.settings = settings
        self._topics = CameraTopics(self, settings, calibration)
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open the camera, in its thread: it may be plugged in later."""
        now_ns = self._now_ns
        self._capture = CaptureThread(
            self.settings, lambda: self._open_source(self.settings), now_ns, time.monotonic_ns
        )
        self._topics.begin(self._capture)
        self._capture.start()
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let go of the camera."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take the topics back."""
        self._unwire()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Let go of everything. Safe to call twice."""
        self._stop()
        self._unwire()

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds

    def _stop(self) -> None:
        if self._capture is None:
            return
        capture, self._capture = self._capture, None
        if not capture.close():
            self.get_logger().warning("the driver still holds the capture; it ends when the driver lets go")
        self._topics.end()

    def _unwire(self) -> None:
        if self._topics is not None:
            self._topics.close()
            self._topics = None

    def _watch(self) -> None:
        """Say once what has changed, and end where the camera can never do what was asked for."""
        if self._capture is None:
            return
        status = self._capture.status()
        said = self._topics.failure or self._capture.refused
        if said:
            self.failure = f"node {self.get_name()}: {said}"
            self.finished.set()
            return
        warnings = "; ".join(status.warnings)
        now = f"{status.problem}{warnings}{status.opened}{status.is_open}"
        if now == self._said:
            return
        self._said = now
        if status.is_open:
            self.get_logger().info(f"{self.settings.name}: {describe(status.camera)} from {self.settings.source}")
            if warnings:
                self.get_logger().warning(f"{self.settings.name}: {warnings}")
        elif status.problem:
            self.get_logger().error(f"{self.settings.name}: {status.problem}; trying again")

    def _report(self) -> None:
        if self._capture is not None:
            self._topics.report(self._capture.status())


def describe(camera: OpenCamera) -> str:
    """What a camera gives, in words."""
    rate = f" at {camera.rate_hz:g} Hz" if camera.rate_hz else ""
    return f"{camera.size[1]}x{camera.size[0]}{rate}{f' {camera.fourcc}' if camera.fourcc else ''}"


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal; exit code 1 where the camera can never give what was asked for."""
    return run_node(lambda: started(CameraNode), args)
