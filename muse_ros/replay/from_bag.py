"""Reads what a replay plays from the bag of a kept episode. Needs no ROS.

Either the actions that the arbiter chose (``action``), or the joint set-points that left the safety filter
(``panda/applied_action``), played as joint positions: the first repeats what was asked for, the second what was done.
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

import numpy as np

from muse_core.control.kinematics import BASE_FRAME, FINGER_NAMES, JOINT_NAMES
from muse_core.control.limits import default_limits
from muse_ros.bags.bags import Bag, open_bag
from muse_ros.contract.audit import absolute
from muse_ros.contract.message_fields import DecodeError, field_value, stamp_ns, time_ns
from muse_ros.conversion.recordings import Recording, find_recordings
from muse_ros.replay.motion import NS_PER_S, Motion, MotionError, Path, RecordedAction, in_order, refuse_gaps

ACTION, APPLIED, JOINTS, POSE, EVENTS, OBJECTS = (
    "action",
    "panda/applied_action",
    "panda/joint_states",
    "panda/ee_pose",
    "collect/events",
    "sim/objects",
)
SOURCES = ("teleop", "policy", "replay")
SET_POINT_PERIOD_S = 0.05
LONGEST_SET_POINT_GAP_S = 0.25
_LONGEST_START_AGE_S = 0.5


def read_bag_motion(path: FilePath, set_points: bool = False) -> Motion:
    """The motion of an episode's bag.

    Args:
        path: The bag's folder or file.
        set_points: Take the joint set-points in place of the actions.

    Raises:
        MotionError: naming what is missing or lost.
        BagError: if the bag cannot be read.
    """
    recording = find_recordings([path])[0]
    messages = _Messages(open_bag(recording.path), recording)
    start_ns, stop_ns = messages.span()
    applied = [each for each in messages.of(APPLIED) if start_ns <= stamp_ns(each) <= stop_ns]
    notes = list(messages.notes)
    if set_points:
        actions = _of_set_points(messages, applied)
    else:
        actions = _of_actions(messages, start_ns, stop_ns)
        _refuse_lost_actions(messages, actions, applied, start_ns, stop_ns)
    if not actions:
        topic = messages.name(APPLIED if set_points else ACTION)
        raise MotionError(f"{recording.path}: {topic} moved nothing in this episode; {messages.alternatives()}")
    start_q, gripper = _start(messages, actions[0].stamp_ns)
    seed = recording.info.get("seed")
    return Motion(
        name=str(path),
        actions=actions,
        stop_ns=stop_ns,
        start_q=start_q,
        start_gripper_m=gripper,
        path=_path(messages, actions[0].stamp_ns, stop_ns),
        objects=_objects(messages, actions[0].stamp_ns),
        seed=seed if isinstance(seed, int) else None,
        task=str(recording.info.get("task") or ""),
        notes=tuple(notes),
    )


class _Messages:
    """The messages of a bag that a replay needs, by relative topic name."""

    def __init__(self, bag: Bag, recording: Recording) -> None:
        self.bag, self.recording = bag, recording
        self.notes = list(bag.notes)
        wanted = [self.name(topic) for topic in (ACTION, APPLIED, JOINTS, POSE, EVENTS, OBJECTS)]
        there = [name for name in wanted if name in bag.topics]
        codec = bag.codec(there)
        self._parsed: dict[str, list[Any]] = {name: [] for name in wanted}
        self.received_ns: list[int] = []
        for name, type_name, data, received_ns in bag.messages(there):
            self._parsed[name].append(codec.parse(type_name, data))
            self.received_ns.append(received_ns)

    def name(self, topic: str) -> str:
        """The absolute name that the recording has for a topic."""
        return absolute(topic, self.recording.namespace)

    def of(self, topic: str) -> list[Any]:
        """The messages of a topic in the order of their stamps; none where the bag lacks it."""
        return sorted(self._parsed[self.name(topic)], key=stamp_ns)

    def span(self) -> tuple[int, int]:
        """Start and end of the episode [ns]: by its events, by its ``episode.json``, else the whole bag."""
        info = self.recording.info
        own = [each for each in self.of(EVENTS) if each.episode_id == info.get("episode", each.episode_id)]
        stamps = {str(each.event): stamp_ns(each) for each in own}
        if not self.received_ns:
            raise MotionError(f"{self.recording.path}: has none of the topics of a replay; {self.alternatives()}")
        start, stop = stamps.get("start", info.get("start_ns")), stamps.get("stop", info.get("stop_ns"))
        if stop is None:
            self.notes.append("the episode has no end: it was cut short, and is played as far as it goes")
        return int(start or min(self.received_ns)), int(stop or max(self.received_ns))

    def alternatives(self) -> str:
        """Which topics of the bag a replay could have meant."""
        types = ("muse_ros/msg/Action", "muse_ros/msg/AppliedAction")
        found = [f"{name} ({topic.count})" for name, topic in sorted(self.bag.topics.items()) if topic.type in types]
        return f"actions are on {', '.join(found)}" if found else "it holds no actions at all"


def _of_actions(messages: _Messages, start_ns: int, stop_ns: int) -> tuple[RecordedAction, ...]:
    found = []
    for message in messages.of(ACTION):
        stamp = stamp_ns(message)
        if not len(message.values) or not start_ns <= stamp < stop_ns:  # what begins at the end was never carried out
            continue
        frame = str(message.header.frame_id)
        if frame not in ("", BASE_FRAME):
            raise MotionError(
                f"{messages.recording.path}: an action is in frame {frame!r}; the arm takes {BASE_FRAME!r} only"
            )
        found.append(
            RecordedAction(
                stamp,
                str(message.action_space),
                np.array(message.values, np.float64),
                float(message.period),
                time_ns(message.target_time) if hasattr(message, "target_time") else 0,
                str(message.source),
            )
        )
    return in_order(found)


def _refuse_lost_actions(
    messages: _Messages, actions: tuple[RecordedAction, ...], applied: list[Any], start_ns: int, stop_ns: int
) -> None:
    """Raise where the arm carried out an action that the bag lacks, or the recorder counted losses.

    Raises:
        MotionError: saying how many, and where the first is.
    """
    known = {action.stamp_ns for action in actions}
    served = {time_ns(each.action_stamp) for each in applied if each.source in SOURCES}
    lost = sorted(stamp for stamp in served - known if start_ns <= stamp < stop_ns)
    if lost:
        raise MotionError(
            f"{messages.recording.path}: {len(lost)} actions are lost: the arm carried them out, the first "
            f"{(lost[0] - start_ns) / NS_PER_S:.3f} s after the start, and {messages.name(ACTION)} does not hold them. "
            "Replay its set-points instead (--what set_points)"
        )
    figures = (messages.recording.info.get("topics") or {}).get(messages.name(ACTION)) or {}
    if figures.get("lost"):
        raise MotionError(
            f"{messages.recording.path}: its recorder counted {figures['lost']} lost messages on "
            f"{messages.name(ACTION)}. Replay its set-points instead (--what set_points)"
        )


def _of_set_points(messages: _Messages, applied: list[Any]) -> tuple[RecordedAction, ...]:
    """One joint position every 0.05 s, from the first set-point that anybody asked for to the last."""
    moving = [number for number, each in enumerate(applied) if each.source]
    if not moving:
        return ()
    applied = applied[moving[0] : moving[-1] + 1]
    stamps = [stamp_ns(each) for each in applied]
    refuse_gaps(str(messages.recording.path), stamps, LONGEST_SET_POINT_GAP_S, messages.name(APPLIED))
    widest = default_limits().gripper_max_width
    period_ns = round(SET_POINT_PERIOD_S * NS_PER_S)
    actions = []
    for due_ns in range(stamps[0], stamps[-1] + 1, period_ns):
        number = int(np.searchsorted(stamps, due_ns + period_ns, side="right")) - 1
        target = applied[number]  # where the arm was to be when this action has run its period
        closed = np.clip(1.0 - float(target.gripper_width) / widest, 0.0, 1.0)
        values = np.append(np.asarray(target.position, np.float64), closed)
        actions.append(RecordedAction(due_ns, "joint_position", values, SET_POINT_PERIOD_S, 0, "set-points"))
    return tuple(actions)


def _start(messages: _Messages, first_ns: int) -> tuple[np.ndarray, float]:
    before = [each for each in messages.of(JOINTS) if stamp_ns(each) <= first_ns]
    if not before or first_ns - stamp_ns(before[-1]) > _LONGEST_START_AGE_S * NS_PER_S:
        raise MotionError(
            f"{messages.recording.path}: {messages.name(JOINTS)} does not say where the arm stood at the first action; "
            "without a start pose nothing is replayed"
        )
    try:
        q = [float(field_value(before[-1], f"position.{joint}")) for joint in JOINT_NAMES]
        width = sum(float(field_value(before[-1], f"position.{finger}")) for finger in FINGER_NAMES)
    except DecodeError as error:
        raise MotionError(f"{messages.recording.path}: {messages.name(JOINTS)}: {error}") from error
    return np.array(q), width


def _path(messages: _Messages, first_ns: int, stop_ns: int) -> Path:
    poses = [each for each in messages.of(POSE) if first_ns <= stamp_ns(each) <= stop_ns]
    points = [[getattr(each.pose.position, axis) for axis in "xyz"] for each in poses]
    turns = [[getattr(each.pose.orientation, axis) for axis in "xyzw"] for each in poses]
    stamps = np.array([stamp_ns(each) for each in poses], np.int64)
    return Path(stamps, np.array(points).reshape(-1, 3), np.array(turns).reshape(-1, 4))


def _objects(messages: _Messages, first_ns: int) -> np.ndarray | None:
    before = [each for each in messages.of(OBJECTS) if stamp_ns(each) <= first_ns]
    if not before:
        return None
    return np.array([[getattr(pose.position, axis) for axis in "xyz"] for pose in before[-1].poses]).reshape(-1, 3)
