"""The topics of an arm behind ros2_control, and the driver over them.

Joint states are taken when the control loop looks: a callback for each of a thousand a second would cost it its rate.
The node of these topics is another one than the arm's, with an executor of its own, because what waits for an answer
(recovery) is asked by the control loop while the arm's node waits for the control loop.
"""

from __future__ import annotations

import array
import threading

import numpy as np
import rclpy
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import WrenchStamped
from rclpy.exceptions import InvalidTopicNameException
from rclpy.executors import SingleThreadedExecutor
from rclpy.expand_topic_name import expand_topic_name
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.validate_full_topic_name import validate_full_topic_name
from rclpy.validate_topic_name import validate_topic_name
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from muse_ros.arm.drivers.driver import DriverError, DriverSettings
from muse_ros.arm.drivers.joint_commands import Point
from muse_ros.arm.drivers.joint_settings import TRAJECTORY, JointSettings
from muse_ros.arm.drivers.ros2_control import Ros2ControlDriver
from muse_ros.nodes.arm.requests import ActionRequest, HandAction, ServiceRequest, interface
from muse_ros.nodes.polled_topic import PolledTopic

NODE = "panda_joint_topics"
OURS = "panda/joint_states"
STATES_QOS = QoSProfile(depth=4, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Several broadcasters may share the topic: a little more than the newest is looked at. Best effort hears everybody."""
COMMANDS_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
ONLOOKERS = ("collect", "rosbag2", "_ros2cli", "rqt")
"""Beginnings of the names of nodes that listen to anything and drive no arm."""
RECOVERY_S = 8.0
"""The arm's node waits 10 s for what its services ask of the control loop."""


def open_ros2_control(settings: DriverSettings) -> Ros2ControlDriver:
    """The driver of `settings.joints`, in this process' rclpy context.

    Raises:
        DriverError: if a message type is not installed, a name is impossible, or no usable joint states come.
    """
    return Ros2ControlDriver(settings, RosJointTopics(settings.joints))


class RosJointTopics:
    """A :class:`muse_ros.arm.drivers.joint_link.JointTopics` over DDS.

    Args:
        settings: Names and types.

    Raises:
        DriverError: if a message type is not installed, a name is impossible, or the joint states would be the panda
            node's own.
    """

    def __init__(self, settings: JointSettings) -> None:
        self._settings = settings
        self._node = rclpy.create_node(
            NODE, namespace=settings.namespace, use_global_arguments=False, start_parameter_services=False
        )
        try:
            self._open(settings)
        except Exception:
            self._node.destroy_node()
            raise
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._executor.spin, name="joint topics", daemon=True)
        self._thread.start()
        self._closed = False

    def _open(self, settings: JointSettings) -> None:
        node = self._node
        _check_names(settings)
        topics = [settings.joint_states, *([settings.gripper_states] if settings.gripper_states else [])]
        if node.resolve_topic_name(OURS) in map(node.resolve_topic_name, topics):
            raise DriverError(
                f"parameter joint_states is {OURS}, which node panda publishes itself: name the arm's own"
            )
        self._states = [PolledTopic(node, JointState, topic, STATES_QOS) for topic in topics]
        self._wrench = PolledTopic(node, WrenchStamped, settings.wrench) if settings.wrench else None
        self._newest_wrench: np.ndarray | None = None
        if settings.controller == TRAJECTORY:
            self._commands = node.create_publisher(JointTrajectory, settings.commands, COMMANDS_QOS)
        else:
            self._commands = node.create_publisher(Float64MultiArray, settings.commands, COMMANDS_QOS)
        self._hand_topic = self._hand_action = self._recovery = None
        self._hand_said = "not asked yet"
        if settings.gripper == "topic":
            self._hand_topic = node.create_publisher(Float64MultiArray, settings.gripper_command, COMMANDS_QOS)
        elif settings.gripper == "action":
            self._hand_action = HandAction(node, settings.gripper_command, settings.gripper_effort)
        if settings.recovery:
            kind = interface(settings.recovery_type)
            request = ActionRequest if "/action/" in settings.recovery_type else ServiceRequest
            self._recovery = request(node, kind, settings.recovery)

    def taken(self) -> list[tuple[JointState, int]]:
        """Joint states since the last call, each with when it arrived [ns]."""
        return [each for topic in self._states for each in topic.arrivals()]

    def wrench(self) -> np.ndarray | None:
        """The newest external force [N], then torque [N m] in the base frame, shape (6,)."""
        message = self._wrench.newest() if self._wrench is not None else None
        if message is not None:
            force, torque = message.wrench.force, message.wrench.torque
            self._newest_wrench = np.array([force.x, force.y, force.z, torque.x, torque.y, torque.z])
        return self._newest_wrench

    def send_trajectory(self, points: tuple[Point, ...]) -> None:
        """Publish a trajectory; without a stamp it begins when it arrives."""
        message = JointTrajectory(joint_names=list(self._settings.joints))
        message.points = [
            JointTrajectoryPoint(
                positions=array.array("d", point.position.tolist()),
                velocities=array.array("d", point.velocity.tolist()),
                time_from_start=_duration(point.time_s),
            )
            for point in points
        ]
        self._commands.publish(message)

    def send_position(self, position: np.ndarray) -> None:
        """Publish joint positions [rad], shape (7,), in the order of the settings' joints."""
        self._commands.publish(Float64MultiArray(data=array.array("d", position.tolist())))

    def listeners(self) -> int:
        """How many nodes listen to what is sent, apart from recorders and people who only look."""
        infos = self._node.get_subscriptions_info_by_topic(self._commands.topic_name)
        return sum(not info.node_name.startswith(ONLOOKERS) for info in infos)

    def rivals(self) -> list[str]:
        """Names of other nodes that publish what this one does."""
        infos = self._node.get_publishers_info_by_topic(self._commands.topic_name)
        names = [f"{info.node_namespace.rstrip('/')}/{info.node_name}" for info in infos]
        ours = self._node.get_fully_qualified_name()
        if ours in names:
            names.remove(ours)
        return sorted(names)

    def ask_hand(self, width_m: float) -> None:
        """Have the hand open or close to a width [m]; does not wait for it."""
        position = self._settings.gripper_scale * width_m
        if self._hand_action is not None:
            self._hand_action.busy = True  # from now on, not from when the executor comes to it
            self._executor.create_task(self._hand_action.ask, position)
        elif self._hand_topic is not None:
            self._hand_topic.publish(
                Float64MultiArray(data=array.array("d", [position] * self._settings.gripper_values))
            )
            self._hand_said = f"asked for {position:.4f} m, {self._hand_topic.get_subscription_count()} listening"

    def hand_busy(self) -> bool:
        """Whether the hand's action has not answered yet."""
        return self._hand_action is not None and self._hand_action.busy

    def hand_report(self) -> str:
        """How the hand's last command went."""
        return self._hand_said if self._hand_action is None else self._hand_action.said

    def recover(self) -> str:
        """Ask the arm's stack to release its reflex and wait for the answer; returns why it did not."""
        if self._recovery is None:
            return "no recovery is set"
        answered = threading.Event()
        answers: list[str] = []

        def take(answer: str) -> None:
            answers.append(answer)
            answered.set()

        self._executor.create_task(self._recovery.ask, take)
        return answers[0] if answered.wait(RECOVERY_S) else f"no answer in {RECOVERY_S:g} s; is its node running?"

    def heard_of(self) -> str:
        """Which topics of joint states there are beside the panda node's own."""
        ours = self._node.resolve_topic_name(OURS)
        kinds = self._node.get_topic_names_and_types()
        found = [
            topic
            for topic, types in kinds
            if "sensor_msgs/msg/JointState" in types and topic != ours and self._node.count_publishers(topic)
        ]
        return f"joint states are published on {', '.join(found) or 'no topic'}: set parameter joint_states"

    def close(self) -> None:
        """Let go of all topics, and of the node they belong to. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._executor.shutdown()
        self._thread.join()
        for request in (self._hand_action, self._recovery):
            if request is not None:
                request.close()
        self._node.destroy_node()


def _check_names(settings: JointSettings) -> None:
    for parameter in ("joint_states", "gripper_states", "wrench", "command_topic", "gripper_command", "recovery"):
        name = getattr(settings, parameter)
        try:
            validate_topic_name(name or "none")
            validate_full_topic_name(expand_topic_name(name or "none", NODE, settings.namespace or "/"))
        except InvalidTopicNameException as error:
            what = str(error).splitlines()[0].partition(": ")[2]
            raise DriverError(f"parameter {parameter}: {name!r} is an impossible name: {what}") from error


def _duration(seconds: float) -> Duration:
    whole, part = divmod(round(seconds * 1e9), 1_000_000_000)
    return Duration(sec=whole, nanosec=part)
