"""The operator's window of the teleop node: what is heard is shown, what is pressed, clicked or typed is done.

Everything runs in the thread that spins the node: where the window hangs, the heartbeat stops and the arm holds.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor

from muse_ros.display import display_named
from muse_ros.missing_package import explain
from muse_ros.msg import EpisodeStatus
from muse_ros.nodes.operator.verbs import Verbs
from muse_ros.nodes.operator.window_topics import WindowTopics
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.recording.session import RESET_RUNS
from muse_ros.teleop.keyboard import service_of
from muse_ros.window import entry
from muse_ros.window.buttons import OVERLAY, OVERLAY_KEY, STOP, TYPE, TYPE_KEY, overlay_allowed
from muse_ros.window.events import WindowInput
from muse_ros.window.view import TeleopView, WindowView

DRAW_PAUSE_S = 0.03  # with beats of 20 ms: every second one draws
DRAW_SHARE = 3.0  # a slow screen gets at most every third part of the time: the heartbeat goes first
WANTED = ("auto", "true", "false")


class OperatorWindow:
    """Polled at every heartbeat, drawn at every second one, or as often as the screen is fast."""

    def __init__(self, verbs: Verbs, window: Any, topics: WindowTopics) -> None:
        """Take an open window.

        Args:
            verbs: What keys and buttons call.
            window: The window (muse_ros.window.window.Window).
            topics: What the window shows.
        """
        self._verbs, self._window, self._topics = verbs, window, topics
        self._typing = entry.NOT_TYPING
        self._overlay = False
        self._focused = False
        self._state = EpisodeStatus.IDLE
        self._resetting = False
        self._draw_after_s = 0.0

    def poll(self) -> WindowInput:
        """What the operator did since the last poll, after doing it; without the keys where a text is typed."""
        self._topics.drain()
        found = self._window.poll()
        self._focused = found.focused
        self._follow_state()
        typing = bool(self._typing.field)
        for action in found.clicked:
            self._do(action)
        if typing:
            self._type(found)
        else:
            for key in found.pressed:
                self._do({OVERLAY_KEY: OVERLAY, TYPE_KEY: TYPE}.get(key) or service_of(key, self._recording) or "")
        self._window.type_text(bool(self._typing.field))
        if typing or self._typing.field:
            return WindowInput(focused=found.focused, closed=found.closed)
        return found

    def draw(self, teleop: TeleopView) -> None:
        """Show what there is to show; most calls draw nothing."""
        began_s = time.monotonic()
        if began_s >= self._draw_after_s:
            self._window.draw(self.view(teleop))
            took_s = time.monotonic() - began_s
            self._draw_after_s = began_s + max(DRAW_PAUSE_S, DRAW_SHARE * took_s)

    def close(self) -> None:
        """Close the window. Safe to call twice."""
        self._window.close()

    def view(self, teleop: TeleopView) -> WindowView:
        """All that the window shows now."""
        episode, streams = self._topics.episode()
        view = WindowView(
            episode=episode,
            arm=self._topics.arm(),
            teleop=teleop,
            streams=streams,
            policy=self._topics.policy(),
            typing=self._typing,
            calls=self._verbs.calls(),
            focused=self._focused,
        )
        overlay = self._overlay and overlay_allowed(view)
        return replace(view, overlay=overlay, cameras=self._topics.cameras(overlay))

    @property
    def _recording(self) -> bool:
        return self._topics.status.state == EpisodeStatus.RECORDING

    def _follow_state(self) -> None:
        state = self._topics.status.state
        if state != self._state:
            self._state = state
            self._verbs.forget()
            self._overlay = self._overlay and not self._recording
        resetting = RESET_RUNS in self._topics.status.message
        if resetting and not self._resetting and not self._topics.simulated:
            self._overlay = True  # a real table has no seed: the picture of the last start shows where things were
        self._resetting = resetting

    def _do(self, action: str) -> None:
        """Do what a button or a key stands for."""
        if action == OVERLAY:
            self._overlay = not self._overlay
        elif action == TYPE:
            self._typing = entry.begin(entry.FIELDS[0], self._topics.texts[entry.FIELDS[0]])
        elif action.startswith("type/"):
            self._open_field(action.removeprefix("type/"))
        elif action:
            self._verbs.call(action)

    def _open_field(self, field: str) -> None:
        """Open a field, after saving the one that is open."""
        if self._typing.field:
            self._press(entry.SAVE_KEY)
        if not self._typing.field:
            self._typing = entry.begin(field, self._topics.texts[field])

    def _type(self, found: WindowInput) -> None:
        for kind, what in found.typed:
            if (kind, what) == ("key", entry.LEAVE_KEY) and self._recording:
                self._verbs.call(STOP)  # while something may move, the stop needs no second press
            if not self._typing.field:
                continue
            if kind == "key":
                self._press(what)
            else:
                self._typing = entry.insert(self._typing, what)

    def _press(self, key: str) -> None:
        self._typing, saved = entry.press(self._typing, key, self._topics.texts)
        if saved is not None:
            self._verbs.set_text(saved.field, saved.text)


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
    try:
        from muse_ros.window.window import Window, WindowError

        if wanted == "auto" and not headless and not display_named(os.environ):
            why_not = "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
        else:
            window = Window(allow_headless=headless)
            return OperatorWindow(verbs, window, WindowTopics(node, list(cameras), gripper_half_open))
    except ImportError as error:
        why_not = explain(error)
    except WindowError as error:
        why_not = str(error)
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
