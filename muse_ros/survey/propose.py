"""From what topics there are to the streams that a contract could have: keys, fields, sizes, limits. Imports no ROS.

A proposal is a beginning: it is meant to be right about what can be measured, and to ask about what cannot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from muse_core.control.state import ACTION_SIZES
from muse_core.images import image_size
from muse_ros.contract.stream import COMPRESSED_IMAGE, DELTA_SPACES, IMAGE_TYPES, RAW_IMAGE
from muse_ros.survey.survey import AHEAD_S, Survey, TopicSurvey

JOINT_STATE = "sensor_msgs/msg/JointState"
POSE = "geometry_msgs/msg/PoseStamped"
TWIST = "geometry_msgs/msg/TwistStamped"
WRENCH = "geometry_msgs/msg/WrenchStamped"
ACTION = "muse_ros/msg/Action"
USEFUL = (*IMAGE_TYPES, JOINT_STATE, POSE, TWIST, WRENCH, ACTION)
TALLEST = 240  # policies see pictures of this size and less; larger ones only fill the disk
LEAST_AGE_S, AGE_PERIODS = 0.1, 3.0
PANDA_HAND_M = 0.08
_FINGER = re.compile(r"finger|gripper", re.IGNORECASE)
_EGO = re.compile(r"wrist|hand|ego|gripper|eih", re.IGNORECASE)
_PLAIN = {"image", "image_raw", "image_rect", "compressed", "camera", "cameras", "color", "rgb"}
_PLAIN |= {"joint_states", "ee_pose", "pose", "ee_twist", "twist", "wrench", "robot", "arm"}


@dataclass
class Proposal:
    """A contract as it could be.

    Attributes:
        source: What it was made from.
        observations: Key to its fields, as a contract file has them.
        actions: The same of actions.
        comments: Key to what a person should know or decide, one sentence each.
        left_out: Topic to why it is no part of it.
        base_frame: Of poses and actions.
        settle_s: How late what was stamped in time arrives [s].
        gripper_max_width: Opening of the open gripper [m]; None where no stream needs it.
    """

    source: str
    observations: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: dict[str, list[str]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    base_frame: str = "panda_link0"
    settle_s: float = 0.02
    gripper_max_width: float | None = None


def propose(survey: Survey, namespace: str = "", rate_hz: float = 10.0) -> Proposal:
    """The contract that these topics could serve.

    Args:
        survey: What was seen.
        namespace: Left off the topics' names, so that the contract fits any robot of the kind.
        rate_hz: Ticks per second of the contract [Hz]; the settle time stays below half of one.
    """
    return _Proposer(survey, namespace, rate_hz).run()


class _Proposer:
    def __init__(self, survey: Survey, namespace: str, rate_hz: float) -> None:
        self._survey, self._rate_hz = survey, rate_hz
        self._prefix = f"/{namespace.strip('/')}/" if namespace.strip("/") else "/"
        self._made = Proposal(survey.source)

    def run(self) -> Proposal:
        makers = {
            JOINT_STATE: self._joints,
            POSE: self._pose,
            TWIST: self._six,
            WRENCH: self._six,
            COMPRESSED_IMAGE: self._picture,
            RAW_IMAGE: self._picture,
        }
        for type_name, make in makers.items():
            for topic in self._of(type_name):
                make(topic)
        self._action()
        used = [f"{self._prefix}{each['topic']}" for each in self._made.observations.values()]
        lags = [topic.lags_s for name, topic in self._survey.topics.items() if name in used and len(topic.lags_s)]
        if lags and not self._survey.simulated:
            late_s = max(float(np.percentile(lag, 95)) for lag in lags)
            settle_s = np.ceil(1e3 * max(0.02, late_s)) / 1e3
            self._made.settle_s = float(min(settle_s, 0.5 / self._rate_hz))
        return self._made

    def _of(self, type_name: str) -> list[TopicSurvey]:
        """The topics of a type that can be used, the most frequent first; why not is noted of the others."""
        found = []
        for name, topic in sorted(self._survey.topics.items()):
            if topic.type != type_name:
                continue
            reason = self._unusable(topic)
            if reason:
                self._made.left_out[name] = reason
            else:
                found.append(topic)
        return sorted(found, key=lambda topic: -round(topic.rate_hz))

    def _unusable(self, topic: TopicSurvey) -> str:
        if not topic.name.startswith(self._prefix):
            return f"not below the namespace {self._prefix}"
        if topic.name.startswith(f"{self._prefix}sim/"):
            return "only a simulation has it"
        if topic.unreadable:
            return topic.unreadable
        if topic.message is None:
            return "no message came"
        if topic.stamps_ns and topic.zero_stamps == topic.count:
            return "its header.stamp is always zero; its publisher must stamp it"
        if topic.type == RAW_IMAGE and self._compressed_beside(topic.name):
            return f"the same pictures are compressed on {self._compressed_beside(topic.name)}"
        return ""

    def _compressed_beside(self, name: str) -> str:
        beside = f"{name}/compressed"
        return beside if beside in self._survey.topics and self._survey.topics[beside].count else ""

    def _joints(self, topic: TopicSurvey) -> None:
        message = topic.message
        names = [str(name) for name in message.name]
        fingers = [name for name in names if _FINGER.search(name)]
        joints = [name for name in names if name not in fingers]
        if joints:
            note = f"{len(joints)} joints; take out those that are not the arm's, and keep their order for good"
            self._joint_array("q", topic, "position", joints, "rad", note)
            if len(message.velocity) == len(names):
                self._joint_array("qdot", topic, "velocity", joints, "rad/s")
        if fingers and len(message.position) == len(names):
            paths = [f"position.{name}" for name in fingers]
            note = "the sum of the fingers' positions is the opening; is that so of this gripper?"
            stream = {"fields": paths, "transform": "sum", "shape": [1], "unit": "m"}
            self._observe("gripper_width", topic, stream, note)
            self._gripper_pos(topic, paths, message)

    def _joint_array(
        self, key: str, topic: TopicSurvey, field_name: str, joints: list[str], unit: str, note: str = ""
    ) -> None:
        paths = [f"{field_name}.{joint}" for joint in joints]
        self._observe(key, topic, {"fields": paths, "shape": [len(joints)], "unit": unit}, note)

    def _gripper_pos(self, topic: TopicSurvey, paths: list[str], message: Any) -> None:
        if self._made.gripper_max_width is None:
            opening = sum(float(value) for name, value in zip(message.name, message.position, strict=True)
                          if f"position.{name}" in paths)  # fmt: skip
            self._made.gripper_max_width = max(PANDA_HAND_M, round(opening, 3))
        note = "1 minus the opening over gripper_max_width, which must be right for it"
        stream = {"fields": paths, "transform": "gripper_closed", "shape": [1], "unit": "0 open .. 1 closed"}
        self._observe("gripper_pos", topic, stream, note)

    def _pose(self, topic: TopicSurvey) -> None:
        frame = str(topic.message.header.frame_id)
        if frame and "ee_position" not in self._made.observations:
            self._made.base_frame = frame
        position = [f"pose.position.{axis}" for axis in "xyz"]
        orientation = [f"pose.orientation.{axis}" for axis in "xyzw"]
        note = f"a pose in {frame or 'a frame without a name'}; is it the tool's?"
        self._observe("ee_position", topic, {"fields": position, "shape": [3], "unit": "m"}, note)
        self._observe("ee_orientation", topic, {"fields": orientation, "shape": [4], "unit": "quaternion xyzw"})

    def _six(self, topic: TopicSurvey) -> None:
        if topic.type == TWIST:
            key, parts, unit = "ee_twist", ("twist.linear", "twist.angular"), "m/s, rad/s"
        else:
            key, parts, unit = "wrench", ("wrench.force", "wrench.torque"), "N, N m"
        paths = [f"{part}.{axis}" for part in parts for axis in "xyz"]
        self._observe(key, topic, {"fields": paths, "shape": [6], "unit": unit})

    def _picture(self, topic: TopicSurvey) -> None:
        message = topic.message
        if topic.type == RAW_IMAGE:
            height, width = int(message.height), int(message.width)
            if "8" not in str(message.encoding):
                self._made.left_out[topic.name] = f"its encoding is {message.encoding}; a contract takes 8-bit pictures"
                return
        else:
            if "depth" in topic.name or "compressedDepth" in str(message.format):
                self._made.left_out[topic.name] = "a depth picture; a contract takes colour ones"
                return
            try:
                height, width = image_size(bytes(message.data))
            except ValueError as error:
                self._made.left_out[topic.name] = f"its pictures cannot be read: {error}"
                return
        shrink = min(1.0, TALLEST / height)
        size = [round(height * shrink), round(width * shrink)]
        key = "ego_image" if _EGO.search(topic.name) else "image"
        note = f"sent as {width}x{height}; size is [height, width] as the policy sees it, crop cuts before that"
        self._observe(key, topic, {"size": size, "unit": "rgb"}, note)

    def _observe(self, key: str, topic: TopicSurvey, stream: dict[str, Any], note: str = "") -> None:
        key = self._free(key, topic.name)
        rate = topic.rate_hz
        age_s = max(LEAST_AGE_S, AGE_PERIODS / rate) if rate else 1.0
        known = any(each["topic"] == self._relative(topic.name) for each in self._made.observations.values())
        entry = {"topic": self._relative(topic.name), "type": topic.type, **stream, "max_age_s": _rounded_up(age_s)}
        if rate >= 5.0 and not known:
            entry["rate_hz"] = float(round(rate))
        self._made.observations[key] = entry
        comments = [note] if note else []
        if known:
            self._made.comments[key] = comments
            return
        if topic.longest_s > entry["max_age_s"]:
            comments.append(
                f"the longest gap seen was {topic.longest_s:.2f} s: longer than max_age_s, and rows are lost there"
            )
        if not self._survey.simulated and len(topic.lags_s) and float(np.median(topic.lags_s)) < AHEAD_S:
            comments.append("its stamps lie ahead of their reception: are the computers' clocks in step?")
        self._made.comments[key] = comments

    def _free(self, key: str, topic: str) -> str:
        """The key, or one with what tells this topic apart, where it is taken."""
        taken = self._made.observations
        if key not in taken:
            return key
        words = [word for word in self._relative(topic).split("/") if word not in _PLAIN]
        named = re.sub(r"\W+", "_", "_".join([*words, key])).strip("_")
        number = 2
        while named in taken:
            named, number = f"{key}_{number}", number + 1
        return named

    def _relative(self, name: str) -> str:
        return name[len(self._prefix) :]

    def _action(self) -> None:
        topics = {self._relative(topic.name): topic for topic in self._of(ACTION)}
        usable = {name: topic for name, topic in topics.items() if topic.message.action_space in ACTION_SIZES}
        chosen = "action" if "action" in usable else next(iter(usable), "")
        for name, topic in topics.items():
            if name not in (chosen, "action/teleop_label"):
                self._made.left_out[topic.name] = "one source's actions; the contract takes the arbiter's choice"
        silent = f"{self._prefix}action" in self._made.left_out and not chosen  # the arm is there, and nobody leads it
        if not chosen and not silent:
            return
        chosen = chosen or "action"
        space = "ee_delta" if silent else str(usable[chosen].message.action_space)
        entry: dict[str, Any] = {"topic": chosen, "type": ACTION, "fields": ["values"], "shape": [ACTION_SIZES[space]]}
        entry |= {"unit": _UNITS[space], "align": "sum" if space in DELTA_SPACES else "next", "space": space}
        if "action/teleop_label" in usable:
            entry["label_topic"] = "action/teleop_label"
        self._made.actions["action"] = entry
        self._made.comments["action"] = [
            "sum adds up the deltas of a row (a keyboard sends 50 a second); next takes the first action of it"
        ]
        if silent:
            del self._made.left_out[f"{self._prefix}action"]
            self._made.comments["action"].append("nobody acted meanwhile: is it ee_delta?")


_UNITS = {
    "ee_delta": "m, rad (extrinsic xyz Euler), 0 open .. 1 closed",
    "ee_pose": "m, quaternion xyzw, 0 open .. 1 closed",
    "joint_position": "rad, 0 open .. 1 closed",
    "joint_delta": "rad, 0 open .. 1 closed",
}


def _rounded_up(seconds: float) -> float:
    """Two digits, never less."""
    digits = 1 - int(np.floor(np.log10(seconds)))
    return float(round(np.ceil(round(seconds * 10**digits, 6)) / 10**digits, digits))
