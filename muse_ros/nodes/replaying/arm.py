"""What the replay node hears of the arm and says to it: state in, actions with their heartbeat out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseArray, PoseStamped
from rclpy.clock import Clock, ClockType
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool

from muse_core.control.kinematics import BASE_FRAME, FINGER_NAMES, JOINT_NAMES
from muse_ros.arm.arbiter import HEARTBEAT_S
from muse_ros.bridge import ACTION_QOS, SENSOR_QOS, STATUS_QOS, time_message
from muse_ros.contract.message_fields import DecodeError, field_value, time_ns, xyz
from muse_ros.msg import Action, AppliedAction, EpisodeStatus
from muse_ros.nodes.polled_topic import PolledTopic
from muse_ros.replay.follow import Applied, Follower
from muse_ros.replay.motion import Path, RecordedAction

TOPIC = "action/replay"
MOVING_RAD_S = 0.02
STATE_QOS = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)  # half a second of the arm's state


class ReplayArm:
    """The arm as the replay sees it. Callbacks run in the executor's thread, everything else in the replay's.

    Attributes:
        q: Measured joints [rad], shape (7,); None before the first.
        gripper_m: Measured opening between the fingers [m].
        standing: Whether no joint moves.
        states: Joint states heard so far.
        applied: The newest word of what was applied; None before the first.
        deadman: Whether a teleoperator holds the deadman now.
        objects: Positions of the simulated objects [m], shape (O, 3); None where there are none.
        success: What the simulation last said of its task; None where it says nothing.
        recorder_state: State of the collect node, as in EpisodeStatus; None where there is none.
        follower: Judges what is applied while something is played.
    """

    def __init__(self, node: Any, wake: Callable[[], None]) -> None:
        """Subscribe, and make the publisher with its heartbeat, which is silent until :meth:`speak`.

        Args:
            node: The replay node.
            wake: Called at every heartbeat: whoever waits looks whether the arm still follows.
        """
        self._node, self._wake = node, wake
        self.q: np.ndarray | None = None
        self.gripper_m = 0.0
        self.standing = False
        self.states = 0
        self.applied: Applied | None = None
        self.deadman = False
        self.objects: np.ndarray | None = None
        self.success: bool | None = None
        self.recorder_state: int | None = None
        self.follower = Follower()
        self._poses: list[tuple[int, list[float], list[float]]] = []
        self._lock = threading.Lock()
        self._speaking = False
        self._last = self._message((), 0, HEARTBEAT_S)
        self._topics = [
            (PolledTopic(node, kind, topic, qos), take)
            for kind, topic, take, qos in (
                (JointState, "panda/joint_states", self._take_joints, STATE_QOS),
                (PoseStamped, "panda/ee_pose", self._take_pose, STATE_QOS),
                (AppliedAction, "panda/applied_action", self._take_applied, STATE_QOS),
                (Action, "action/teleop", self._take_teleop, ACTION_QOS),
                (PoseArray, "sim/objects", self._take_objects, SENSOR_QOS),
                (Bool, "sim/success", self._take_success, STATUS_QOS),
                (EpisodeStatus, "collect/status", self._take_status, STATUS_QOS),
            )
        ]
        self._actions = node.create_publisher(Action, TOPIC, ACTION_QOS)
        node.create_timer(HEARTBEAT_S, self._beat, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def speak(self) -> None:
        """From now on the heartbeat asks for the arm, and for no motion until :meth:`act`."""
        self.rest()
        self._speaking = True

    def silence(self) -> None:
        """No heartbeat any more: the arm is let go of."""
        self.rest()
        self._speaking = False

    def act(self, action: RecordedAction) -> None:
        """Publish an action; the heartbeat repeats it until the next one."""
        message = self._message(action.values.tolist(), action.stamp_ns, action.period_s, action.space)
        if action.target_ns:
            message.target_time = time_message(action.target_ns)
        with self._lock:
            self._last = message
            self.follower.asked(action.stamp_ns, time.monotonic_ns())
            self._actions.publish(message)

    def rest(self) -> None:
        """From now on nothing is asked for."""
        with self._lock:
            self.follower.rested()
            self._last = self._message((), self._node.get_clock().now().nanoseconds, HEARTBEAT_S)

    def follow(self) -> None:
        """Begin to judge anew what is applied, and to remember where the tool goes."""
        self.follower = Follower()
        self.follower.applied = self.applied
        self._poses = []

    def rivals(self) -> int:
        """How many other publishers of replay's topic there are."""
        return max(0, self._node.count_publishers(TOPIC) - 1)

    def path(self) -> Path:
        """Where the tool went since :meth:`follow`."""
        poses = sorted(self._poses)
        stamps, positions, quaternions = zip(*poses, strict=True) if poses else ((), (), ())
        return Path(
            np.array(stamps, np.int64), np.array(positions).reshape(-1, 3), np.array(quaternions).reshape(-1, 4)
        )

    def _beat(self) -> None:
        if self._speaking:
            with self._lock:
                self._actions.publish(self._last)
        self._hear()
        self._wake()

    def _hear(self) -> None:
        """Take all that has come, with the beat: a callback for each of 400 messages a second would delay it."""
        for topic, take in self._topics:
            for message in topic.take():
                take(message)

    def _message(self, values: Any, stamp_ns: int, period_s: float, space: str = Action.EE_DELTA) -> Action:
        message = Action(action_space=space, values=values, period=period_s, source=Action.REPLAY)
        message.header.stamp = time_message(stamp_ns)
        message.header.frame_id = BASE_FRAME
        return message

    def _take_joints(self, message: JointState) -> None:
        try:
            q = np.array([field_value(message, f"position.{joint}") for joint in JOINT_NAMES])
            fingers = [field_value(message, f"position.{finger}") for finger in FINGER_NAMES]
            speeds = [abs(field_value(message, f"velocity.{joint}")) for joint in JOINT_NAMES]
        except DecodeError as error:
            self._node.get_logger().warning(f"panda/joint_states: {error}", throttle_duration_sec=5.0)
            return
        self.q, self.gripper_m, self.standing = q, float(sum(fingers)), max(speeds) < MOVING_RAD_S
        self.states += 1

    def _take_pose(self, message: PoseStamped) -> None:
        p, q = message.pose.position, message.pose.orientation
        self._poses.append((time_ns(message.header.stamp), [p.x, p.y, p.z], [q.x, q.y, q.z, q.w]))

    def _take_applied(self, message: AppliedAction) -> None:
        self.applied = Applied(message.source, time_ns(message.action_stamp), message.limited_by, time.monotonic_ns())
        self.follower.see(self.applied)

    def _take_teleop(self, message: Action) -> None:
        self.deadman = bool(message.deadman)
        if self.deadman:
            self.follower.taken_by("teleop")

    def _take_objects(self, message: PoseArray) -> None:
        self.objects = np.array([xyz(pose.position) for pose in message.poses]).reshape(-1, 3)

    def _take_success(self, message: Bool) -> None:
        self.success = bool(message.data)

    def _take_status(self, message: EpisodeStatus) -> None:
        self.recorder_state = int(message.state)
