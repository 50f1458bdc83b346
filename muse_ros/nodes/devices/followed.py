"""Devices that are followed: a twist of any node, a tracked hand, a leader arm; their deadman lies beside them.

Whatever is wrong with the source or its deadman (silence, a wrong frame, a number that is none) lifts the deadman until
it is pressed anew, and is told in words. The heartbeat goes on.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped, TwistStamped
from sensor_msgs.msg import JointState

from muse_core.control.kinematics import JOINT_NAMES
from muse_core.control.motion import LARGEST_VALUE
from muse_ros.contract.message_fields import xyz, xyzw
from muse_ros.msg import Action
from muse_ros.nodes.devices.deadman_switch import DeadmanSwitch
from muse_ros.nodes.devices.heard_source import HeardSource
from muse_ros.nodes.devices.six_axes import PERIOD_S, SixAxes
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.teleop.clutch import Clutch, Pose
from muse_ros.teleop.leader import Follower, LeaderMapping, load_leader_mapping
from muse_ros.teleop.mapper import DeviceSample
from muse_ros.teleop.mapping_file import MappingError, find_file
from muse_ros.teleop.raw_input import DeviceError
from muse_ros.window.events import WindowInput


class TwistDevice:
    """Any TwistStamped [m/s, rad/s], in the base frame or the tool's: as it says, up to the set speed."""

    def __init__(self, node: Any) -> None:
        """Listen to the twist and to its deadman."""
        self._node = node
        self._source = _source(node, TwistStamped, "twist")
        self._source_frame = declare(node, "source_frame", "", "frame of messages that name none")
        self._tool_frame = declare(node, "tool_frame", "panda_hand_tcp", "frame of the tool")
        self._switch = DeadmanSwitch(node)
        self._axes = SixAxes(node)
        self.mapper = self._axes.mapper

    def beat(self, keys: WindowInput) -> Action:
        """What the twist asks of the arm now."""
        now_ns, problem, frame = self._node.steady_ns(), "", "base"
        try:
            message = self._source.message(now_ns)
            frame = self._frame(message)
            linear, angular = self._deflections(message.twist)
            sample = replace(self._switch.step(now_ns, keys), linear=linear, angular=angular)
        except DeviceError as error:
            sample, problem = self._switch.lose(), str(error)
        return self._axes.act(sample, now_ns, problem, self._switch.hint, frame=frame)

    def close(self) -> None:
        """Nothing to close."""

    def _frame(self, message: Any) -> str:
        name = message.header.frame_id or self._source_frame
        frames = {self._node.base_frame: "base", self._tool_frame: "tool"}
        if name not in frames:
            said = f"is in the frame {name!r}" if name else "names no frame"
            raise DeviceError(
                f"{self._source.topic} {said}: it must be one of {', '.join(frames)}; for messages that name none set "
                "the parameter source_frame"
            )
        return frames[name]

    def _deflections(self, twist: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """As fractions of the set speeds, so that the mapper makes the same speeds of them, and limits them."""
        linear, angular = xyz(twist.linear), xyz(twist.angular)
        if not (np.abs([linear, angular]) <= LARGEST_VALUE).all():  # not-a-number compares as false
            raise DeviceError(f"{self._source.topic} says what is no speed: {linear.tolist()}, {angular.tolist()}")
        settings, scale = self.mapper.settings, self.mapper.speed_scale
        return (
            tuple((linear / (settings.linear_speed * scale)).tolist()),
            tuple((angular / (settings.angular_speed * scale)).tolist()),
        )


class PoseDevice:
    """A tracked hand (PoseStamped, such as a VR bridge's): the deadman is the clutch, motion counts from its press."""

    def __init__(self, node: Any) -> None:
        """Listen to the hand and to its clutch."""
        self._node = node
        self._source = _source(node, PoseStamped, "pose")
        self._source_frame = declare(node, "source_frame", "", "frame that the poses are in; empty: base_frame")
        yaw = declare(node, "source_yaw", 0.0, "angle by which that frame is turned about z [rad]", (-3.15, 3.15))
        self._switch = DeadmanSwitch(node)
        self._axes = SixAxes(node)
        self.mapper = self._axes.mapper
        settings = self.mapper.settings
        self._clutch = Clutch(settings.linear_speed, settings.angular_speed, settings.period_s, yaw)

    def beat(self, keys: WindowInput) -> Action:
        """What the hand asks of the arm now."""
        now_ns, problem, motion = self._node.steady_ns(), "", None
        try:
            pose = self._pose(self._source.message(now_ns))
            sample = self._switch.step(now_ns, keys)
            motion = self._clutch.step(pose, sample.deadman, self.mapper.speed_scale)
        except DeviceError as error:
            self._clutch.lose()
            sample, problem = self._switch.lose(), str(error)
        return self._axes.act(sample, now_ns, problem, self._switch.hint, motion, frame="base")

    def close(self) -> None:
        """Nothing to close."""

    def _pose(self, message: Any) -> Pose:
        wanted = self._source_frame or self._node.base_frame
        if (message.header.frame_id or self._source_frame) != wanted:
            raise DeviceError(
                f"{self._source.topic} is in the frame {message.header.frame_id!r}, and {wanted!r} is expected: set "
                "the parameter source_frame, and source_yaw where it is turned about z"
            )
        return Pose(xyz(message.pose.position), xyzw(message.pose.orientation))


class JointDevice:
    """A leader arm (JointState, such as GELLO): aligned with the arm first, then followed, as joint positions."""

    def __init__(self, node: Any) -> None:
        """Listen to the leader, to the arm and to the deadman.

        Raises:
            NodeFailure: where the leader's mapping cannot be used.
        """
        self._node = node
        self._source = _source(node, JointState, "leader/joint_states")
        self._arm = HeardSource(node, JointState, "panda/joint_states", "is the panda node running?")
        self._mapping = _leader_mapping(node)
        speed = declare(node, "joint_speed", 0.6, "no joint is asked to be faster than this [rad/s]", (0.01, 2.0))
        near = declare(node, "joint_tolerance", 0.15, "how near the leader must be to take the arm [rad]", (0.01, 0.5))
        self._follower = Follower(speed, PERIOD_S, near)
        self._switch = DeadmanSwitch(node)
        self._axes = SixAxes(node)
        self.mapper = self._axes.mapper

    def beat(self, keys: WindowInput) -> Action:
        """What the leader asks of the arm now; a heartbeat where it asks for nothing."""
        now_ns, problem, values = self._node.steady_ns(), "", None
        sample = DeviceSample()
        try:
            leader, grip = self._mapping.read(self._source.message(now_ns))
            arm = _arm_joints(self._arm.message(now_ns))
            sample = self._switch.step(now_ns, keys)
        except DeviceError as error:
            self._follower.lose()
            sample, problem = self._switch.lose(), str(error)
        else:
            try:
                values = self._follower.step(leader, arm, sample.deadman, grip, self._hand(grip))
            except DeviceError as error:  # the deadman stays pressed: the leader may be brought to the arm with it
                problem = str(error)
        asked = self._axes.act(sample, now_ns, problem, self._switch.hint, frame="base")
        if values is None:
            return self._node.action((), self._node.now_ns(), PERIOD_S, deadman=False, enable=asked.enable)
        if grip is None:
            values[7] = asked.values[6]
        return self._node.action(
            values.tolist(), self._node.now_ns(), PERIOD_S, True, enable=asked.enable, space=Action.JOINT_POSITION
        )

    def close(self) -> None:
        """Nothing to close."""

    def _hand(self, grip: float | None) -> float:
        """How the hand is commanded [0 open .. 1 closed]; where that is not known, as the leader's is."""
        width = self._axes.gripper_width
        if width is None:
            return grip or 0.0
        return float(np.clip(1.0 - width / (2.0 * self._node.gripper_half_open), 0.0, 1.0))


def _source(node: Any, kind: type, default: str) -> HeardSource:
    topic = declare(node, "topic", "", f"where the device's messages come from; empty: {default}") or default
    return HeardSource(node, kind, topic)


def _leader_mapping(node: Any) -> LeaderMapping:
    name = declare(node, "mapping", "", "how the leader's joints turn: a name in config/teleop, or a file") or "gello"
    try:
        return load_leader_mapping(find_file(name))
    except MappingError as error:
        raise NodeFailure(f"parameter mapping: {error}") from error


def _arm_joints(message: Any) -> np.ndarray:
    """The arm's joints [rad], shape (7,), by name."""
    positions = dict(zip(message.name, message.position, strict=False))
    wrong = [name for name in JOINT_NAMES if not math.isfinite(positions.get(name, math.nan))]
    if wrong:
        raise DeviceError(f"panda/joint_states has no number for {', '.join(wrong)}")
    return np.array([positions[name] for name in JOINT_NAMES])
