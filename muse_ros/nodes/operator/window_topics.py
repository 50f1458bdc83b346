"""What the operator's window hears: newest messages with the instant at which they came, as what the window shows.

No message wakes the executor: at 50 Hz all that has come is taken at once, which costs a tenth of it. Pictures stay
serialised until they are drawn: the window draws less often than cameras publish.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage

from muse_core.control.kinematics import PandaKinematics
from muse_ros.bridge import ACTION_QOS, SENSOR_QOS, STATUS_QOS, TICK_QOS
from muse_ros.msg import Action, AppliedAction, EpisodeStatus, PolicyStatus
from muse_ros.nodes.polled_topic import PolledTopic
from muse_ros.window.from_messages import (
    LIMITS,
    episode_view,
    finite,
    limit_words,
    makes_sense,
    policy_view,
    stream_views,
    texts_of,
    too_old,
    twist_of,
)
from muse_ros.window.view import ArmView, CameraView, EpisodeView, PolicyView, StreamView

COLLECT_SILENT_S = 1.0  # it speaks twice a second at least
ARM_SILENT_S = 0.5
CAMERA_STALE_S = 0.5
POLICY_SILENT_S = 1.0
LIMIT_SHOWN_S = 0.4
ASKED_S = 0.25
TICKING = (PolicyStatus.ACTING, PolicyStatus.SHADOW, PolicyStatus.HOLDING, PolicyStatus.TAKEN_OVER)
"""States of a policy that speaks at every tick of an episode; in the others it has nothing to say."""
ARM_STATUS = "panda: arm control"
HOME = "home"  # source of what the arm applies on its way home
STATE_QOS = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)  # half a second of the arm's set-points
BITS = {name: getattr(AppliedAction, name) for name in LIMITS}


class WindowTopics:
    """Listens, and remembers of each topic the newest message."""

    def __init__(self, node: Any, cameras: list[str], gripper_half_open: float) -> None:
        """Subscribe.

        Args:
            node: The node that the subscriptions belong to.
            cameras: Names of the cameras.
            gripper_half_open: The gripper counts as closed below this commanded width [m].
        """
        self.status = EpisodeStatus()
        self._gripper_half_open = gripper_half_open
        self._kinematics = PandaKinematics()
        self._heard: dict[str, float] = {}
        self._messages: dict[str, Any] = {}
        self._pictures: dict[str, bytes | None] = dict.fromkeys(cameras)
        self._raw: dict[str, bytes] = {}
        self._starts: dict[str, bytes] = {}
        self._awaiting_start: set[str] = set()
        self._limits_seen: dict[str, float] = {}
        self._arm_values: dict[str, str] = {}
        self._topics: list[tuple[PolledTopic, Callable[[Any], None]]] = []
        for kind, topic, take, qos in (
            (EpisodeStatus, "collect/status", self._take_status, STATUS_QOS),
            (AppliedAction, "panda/applied_action", self._take_applied, STATE_QOS),
            (Action, "action", partial(self._keep, "action"), ACTION_QOS),
            (PolicyStatus, "policy/status", partial(self._keep, "policy"), TICK_QOS),
            (DiagnosticArray, "diagnostics", self._take_diagnostics, 10),
            *(
                (CompressedImage, f"cameras/{name}/image/compressed", partial(self._take_picture, name), SENSOR_QOS)
                for name in cameras
            ),
        ):
            self._topics.append((PolledTopic(node, kind, topic, qos, raw=kind is CompressedImage), take))

    def drain(self) -> None:
        """Take all that has come."""
        for topic, take in self._topics:
            for message in topic.take():
                take(message)

    @property
    def texts(self) -> dict[str, str]:
        """The texts that can be typed in, as the collect node has them."""
        return texts_of(self.status)

    @property
    def simulated(self) -> bool:
        """The arm is known to be a simulated one."""
        return self._arm_values.get("robot") == "sim"

    def episode(self) -> tuple[EpisodeView, tuple[StreamView, ...]]:
        """The collect node and its streams."""
        if "status" not in self._heard:
            return EpisodeView(), ()
        return episode_view(self.status, self._silent("status", COLLECT_SILENT_S)), stream_views(self.status)

    def arm(self) -> ArmView:
        """The panda node."""
        applied = self._messages.get("applied")
        if applied is None:
            return ArmView()
        now = time.monotonic()
        twist = self._kinematics.jacobian(np.asarray(applied.position)) @ np.asarray(applied.velocity)
        chosen = self._messages.get("action")
        led = chosen is not None and applied.source not in ("", Action.TELEOP) and self._age("action") < ASKED_S
        return ArmView(
            known=True,
            silent_s=self._silent("applied", ARM_SILENT_S),
            robot=self._arm_values.get("robot", ""),
            enabled=self._arm_values.get("enabled") != "False",
            to_be_released=self._arm_values.get("to be released") == "True",
            recorder_lost=self._arm_values.get("recorder lost") == "True",
            source=applied.source,
            takeover=chosen is not None and chosen.takeover and applied.source == Action.TELEOP,
            stopped=bool(applied.limited_by & AppliedAction.STOPPED),
            homing=applied.source == HOME,
            gripper_closed=applied.gripper_width < self._gripper_half_open,
            twist=tuple(finite(value) for value in twist.tolist()),
            limits=tuple(words for words, seen in self._limits_seen.items() if now - seen < LIMIT_SHOWN_S),
            asked=twist_of(chosen) if led else None,
        )

    def policy(self) -> PolicyView | None:
        """The policy node, where one has been heard."""
        if "policy" not in self._messages:
            return None
        ticks = self.status.state == EpisodeStatus.RECORDING and self._messages["policy"].state in TICKING
        return policy_view(self._messages["policy"], self._silent("policy", POLICY_SILENT_S) if ticks else None)

    def cameras(self, with_start: bool) -> tuple[CameraView, ...]:
        """The cameras.

        Args:
            with_start: Their first pictures of the last episode are to be laid over them.
        """
        for name, raw in self._raw.items():
            self._pictures[name] = _picture(raw)
        self._raw.clear()
        return tuple(
            CameraView(
                name,
                data,
                None if data is None else self._silent(f"camera {name}", CAMERA_STALE_S),
                self._starts.get(name) if with_start else None,
            )
            for name, data in self._pictures.items()
        )

    def _take_picture(self, name: str, raw: bytes) -> None:
        self._raw[name] = raw
        self._heard[f"camera {name}"] = time.monotonic()
        if name in self._awaiting_start:
            self._awaiting_start.discard(name)
            self._starts[name] = _picture(raw)

    def _take_status(self, status: EpisodeStatus) -> None:
        if not makes_sense(status):
            return
        recording = status.state == EpisodeStatus.RECORDING
        if recording and (self.status.state != status.state or self.status.episode_id != status.episode_id):
            self._starts.clear()
            self._awaiting_start = set(self._pictures)
        self.status = status
        self._heard["status"] = time.monotonic()

    def _take_applied(self, applied: AppliedAction) -> None:
        self._keep("applied", applied)
        if applied.limited_by:
            now = self._heard["applied"]
            self._limits_seen.update(dict.fromkeys(limit_words(applied.limited_by, BITS), now))

    def _take_diagnostics(self, array: DiagnosticArray) -> None:
        for status in array.status:
            if status.name == ARM_STATUS:
                self._arm_values = {pair.key: pair.value for pair in status.values}

    def _keep(self, name: str, message: Any) -> None:
        self._messages[name] = message
        self._heard[name] = time.monotonic()

    def _age(self, name: str) -> float:
        return time.monotonic() - self._heard[name]

    def _silent(self, name: str, allowed_s: float) -> float | None:
        return too_old(self._age(name), allowed_s)


def _picture(raw: bytes) -> bytes:
    """The JPEG or PNG of a serialised CompressedImage; no bytes, which are shown as no picture, where it is none."""
    try:
        return bytes(deserialize_message(raw, CompressedImage).data)
    except RuntimeError:  # rclpy's word for bytes of another type
        return b""
