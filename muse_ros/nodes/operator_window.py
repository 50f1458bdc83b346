"""The operator's window of the teleop node: what it shows comes in by topics, what is pressed goes out as verbs.

Everything runs in the thread that spins the node: where the window hangs, the heartbeat stops and the arm holds.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
from rcl_interfaces.msg import ParameterDescriptor
from sensor_msgs.msg import CompressedImage

from muse_core.images import decode_image
from muse_ros.bridge import SENSOR_QOS, STATUS_QOS
from muse_ros.display import display_named
from muse_ros.missing_package import explain
from muse_ros.msg import AppliedAction, EpisodeStatus
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.nodes.verbs import Verbs
from muse_ros.recording.session import State
from muse_ros.teleop.keyboard import help_lines, service_of
from muse_ros.window.events import WindowInput
from muse_ros.window.view import TeleopView, WindowView

DRAW_EVERY = 2
WANTED = ("auto", "true", "false")


class OperatorWindow:
    """Polled at every heartbeat, drawn at every second one."""

    def __init__(self, node: Any, verbs: Verbs, window: Any, cameras: list[str], gripper_half_open: float) -> None:
        """Listen to what an open window shows.

        Args:
            node: The teleop node.
            verbs: What keys and buttons call.
            window: The window (muse_ros.window.window.Window).
            cameras: Names of the cameras to show.
            gripper_half_open: The gripper counts as closed below this commanded width [m].
        """
        self._verbs, self._window, self._gripper_half_open = verbs, window, gripper_half_open
        self._pictures: dict[str, CompressedImage] = {}
        self._decoded: dict[str, tuple[CompressedImage, np.ndarray]] = {}
        self._status = EpisodeStatus()
        self._has_status = False
        self._gripper_closed = False
        self._stopped = False
        self._beats = 0
        self._focused = False
        for name in cameras:
            topic = f"cameras/{name}/image/compressed"
            node.create_subscription(CompressedImage, topic, partial(self._pictures.__setitem__, name), SENSOR_QOS)
        node.create_subscription(EpisodeStatus, "collect/status", self._take_status, STATUS_QOS)
        node.create_subscription(AppliedAction, "panda/applied_action", self._take_applied, SENSOR_QOS)

    def poll(self) -> WindowInput:
        """What the operator did since the last poll; keys that mean verbs have called them."""
        keys = self._window.poll()
        self._focused = keys.focused
        for key in keys.pressed:
            service = service_of(key, self._status.state == EpisodeStatus.RECORDING)
            if service is not None:
                self._verbs.call(service)
        return keys

    def draw(self, teleop: TeleopView) -> None:
        """Show what there is to show, at every second call."""
        self._beats += 1
        if self._beats % DRAW_EVERY == 0:
            self._window.draw(self._view(teleop))

    def close(self) -> None:
        """Close the window. Safe to call twice."""
        self._window.close()

    def _take_status(self, status: EpisodeStatus) -> None:
        if status.state != self._status.state:
            self._verbs.tell("")
        self._status, self._has_status = status, True

    def _take_applied(self, applied: AppliedAction) -> None:
        self._gripper_closed = applied.gripper_width < self._gripper_half_open
        self._stopped = bool(applied.limited_by & AppliedAction.STOPPED)

    def _view(self, teleop: TeleopView) -> WindowView:
        status = self._status
        return WindowView(
            cameras={name: self._picture(name, message) for name, message in sorted(self._pictures.items())},
            state=State(status.state).name if self._has_status else "no collect node",
            recording=status.state == EpisodeStatus.RECORDING,
            episode=_episode_lines(status) if self._has_status else (),
            message=self._verbs.answer or status.message,
            focused=self._focused,
            stopped=self._stopped,
            gripper_closed=self._gripper_closed,
            teleop=teleop,
            keys=tuple(help_lines()),
        )

    def _picture(self, name: str, message: CompressedImage) -> np.ndarray:
        """A camera's newest picture, decoded once."""
        if name not in self._decoded or self._decoded[name][0] is not message:
            self._decoded[name] = (message, decode_image(bytes(message.data), None, None))
        return self._decoded[name][1]


def open_operator_window(node: Any, verbs: Verbs, gripper_half_open: float) -> OperatorWindow | None:
    """The window that the parameter ``window`` asks for, or None.

    ``auto`` opens it where there is a display, and says once why not elsewhere.

    Raises:
        NodeFailure: for ``true`` where no window can be opened, and for a value that is none of the three.
    """
    wanted = _wanted(node)
    cameras = declare(node, "cameras", ["front", "wrist"], "names of the cameras that the window shows")
    headless = declare(node, "allow_headless", False, "for tests")
    if wanted == "false":
        return None
    why_not = ""
    try:
        from muse_ros.window.window import Window, WindowError

        if wanted == "true" or headless or display_named(os.environ):
            try:
                return OperatorWindow(node, verbs, Window(allow_headless=headless), cameras, gripper_half_open)
            except WindowError as error:
                why_not = str(error)
        else:
            why_not = "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    except ImportError as error:
        why_not = explain(error)
    if wanted == "true":
        raise NodeFailure(f"window:=true: {why_not}")
    node.get_logger().info(f"no window: {why_not}")
    return None


def _wanted(node: Any) -> str:
    """The parameter ``window``; ROS's tools make a truth value of a plain true or false."""
    descriptor = ParameterDescriptor(
        description=f"the operator's window: one of {', '.join(WANTED)}", read_only=True, dynamic_typing=True
    )
    value = str(node.declare_parameter("window", "auto", descriptor).value).lower()
    if value not in WANTED:
        raise NodeFailure(f"node {node.get_name()}: parameter window must be one of {', '.join(WANTED)}, got {value!r}")
    return value


def _episode_lines(status: EpisodeStatus) -> tuple[str, ...]:
    minutes, seconds = divmod(status.elapsed, 60.0)
    return (
        status.task or "no task",
        status.episode_id or "no episode yet",
        f"{int(minutes)}:{seconds:04.1f}",
        f"kept {status.kept}",
        f"discarded {status.discarded}",
        f"successes {status.successes}",
    )
