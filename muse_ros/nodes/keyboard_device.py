"""The keyboard as a teleoperation device: a window that also shows the cameras and the episode, and drives it by keys.

Everything runs in the thread that spins the node: where the window hangs, the heartbeat stops and the arm holds.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger

from muse_core.images import decode_image
from muse_ros.bridge import SENSOR_QOS, STATUS_QOS
from muse_ros.msg import Action, AppliedAction, EpisodeStatus
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.nodes.scene_reset import SERVICE, SceneReset
from muse_ros.recording.episodes import State
from muse_ros.teleop.keyboard import START_STOP_KEY, VERBS, help_lines, sample_of, service_of
from muse_ros.teleop.keyboard_window import KeyboardWindow, WindowError, WindowInput, WindowView, motion_fractions
from muse_ros.teleop.mapper import SPEED_SCALES, TwistMapper, TwistSettings

PERIOD_S = 0.02
DRAW_EVERY = 2


class KeyboardDevice:
    """Polls the window at 50 Hz, draws it at 25 Hz."""

    def __init__(self, node: Any) -> None:
        """Open the window and listen to what it shows.

        Raises:
            NodeFailure: where there is no display.
        """
        self._node = node
        settings = TwistSettings(
            linear_speed=declare(node, "linear_speed", 0.2, "full speed of the tool [m/s]", (0.001, 1.0)),
            angular_speed=declare(node, "angular_speed", 0.5, "full rotation speed of the tool [rad/s]", (0.001, 3.0)),
            period_s=PERIOD_S,
            scale_index=declare(node, "speed_step", 2, f"first of the speeds {SPEED_SCALES}, from 0", (0, 3)),
        )
        self._mapper = TwistMapper(settings)
        self._gripper_half_open = declare(node, "gripper_half_open", 0.04, "closed below this width [m]", (0.0, 0.5))
        cameras = declare(node, "cameras", ["front", "wrist"], "names of the cameras that the window shows")
        try:
            self._window = KeyboardWindow(allow_headless=declare(node, "allow_headless", False, "for tests"))
        except WindowError as error:
            raise NodeFailure(str(error)) from error
        self._pictures: dict[str, CompressedImage] = {}
        self._decoded: dict[str, tuple[CompressedImage, np.ndarray]] = {}
        self._status = EpisodeStatus()
        self._has_status = False
        self._answer = ""
        self._gripper_closed: bool | None = None
        self._stopped = False
        self._beats = 0
        for name in cameras:
            topic = f"cameras/{name}/image/compressed"
            node.create_subscription(CompressedImage, topic, partial(self._pictures.__setitem__, name), SENSOR_QOS)
        node.create_subscription(EpisodeStatus, "collect/status", self._take_status, STATUS_QOS)
        node.create_subscription(AppliedAction, "panda/applied_action", self._take_applied, SENSOR_QOS)
        services = {verb.service for verb in VERBS} | {service_of(START_STOP_KEY, on) for on in (False, True)}
        self._clients = {s: node.create_client(Trigger, s) for s in sorted(services - {SERVICE})}
        self._scene = SceneReset(node, self._tell)

    def beat(self) -> Action:
        """What the keys ask of the arm now."""
        keys = self._window.poll()
        if keys.closed:
            self._node.finished.set()
        for key in keys.pressed:
            self._call(service_of(key, self._status.state == EpisodeStatus.RECORDING))
        sample = sample_of(keys.held)
        values = self._mapper.step(sample, self._gripper_closed)
        self._beats += 1
        if self._beats % DRAW_EVERY == 0:
            self._window.draw(self._view(keys, values))
        return self._node.action(values.tolist(), self._node.now_ns(), PERIOD_S, sample.deadman)

    def close(self) -> None:
        """Close the window."""
        self._window.close()

    def _take_status(self, status: EpisodeStatus) -> None:
        if status.state != self._status.state:
            self._answer = ""
        self._status, self._has_status = status, True

    def _take_applied(self, applied: AppliedAction) -> None:
        self._gripper_closed = applied.gripper_width < self._gripper_half_open
        self._stopped = bool(applied.limited_by & AppliedAction.STOPPED)

    def _call(self, service: str | None) -> None:
        if service is None:
            return
        if service == SERVICE:
            self._scene.call()
            return
        client = self._clients[service]
        if not client.service_is_ready():
            self._tell(f"{service} cannot be reached: is the {service.partition('/')[0]} node running?")
            return
        client.call_async(Trigger.Request()).add_done_callback(partial(self._take_answer, service))

    def _take_answer(self, service: str, future: Any) -> None:
        answer = future.result()
        if not answer.success:
            self._node.get_logger().warning(f"{service}: {answer.message}")
        if not answer.success or not service.startswith("collect/"):  # the episode's own state is shown anyway
            self._tell(answer.message or f"{service} was refused")

    def _tell(self, text: str) -> None:
        """Show a line until the episode's state changes."""
        self._answer = text

    def _view(self, keys: WindowInput, values: np.ndarray) -> WindowView:
        status, settings, deadman = self._status, self._mapper.settings, sample_of(keys.held).deadman
        return WindowView(
            cameras={name: self._picture(name, message) for name, message in sorted(self._pictures.items())},
            state=State(status.state).name if self._has_status else "no collect node",
            recording=status.state == EpisodeStatus.RECORDING,
            episode=_episode_lines(status) if self._has_status else (),
            message=self._answer or status.message,
            focused=keys.focused,
            deadman=deadman,
            stopped=self._stopped,
            gripper_closed=self._mapper.gripper_closed if deadman else bool(self._gripper_closed),
            speed_scale=self._mapper.speed_scale,
            motion=motion_fractions(
                values, settings.linear_speed * settings.period_s, settings.angular_speed * settings.period_s
            ),
            keys=tuple(help_lines()),
        )

    def _picture(self, name: str, message: CompressedImage) -> np.ndarray:
        """A camera's newest picture, decoded once."""
        if name not in self._decoded or self._decoded[name][0] is not message:
            self._decoded[name] = (message, decode_image(bytes(message.data), None, None))
        return self._decoded[name][1]


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
