"""What the panda node publishes, as quickly as Python can: messages are made once and filled anew."""

from __future__ import annotations

import array
import math
from collections import deque
from typing import Any

from geometry_msgs.msg import Point, Pose, PoseArray, PoseStamped, Quaternion, TwistStamped, Vector3, WrenchStamped
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, JointState
from std_msgs.msg import Bool

from muse_core.control.kinematics import BASE_FRAME, FINGER_NAMES, JOINT_NAMES
from muse_core.control.state import RobotState, SetPoint
from muse_core.images import encode_jpeg
from muse_ros.arm.drivers.driver import SimulatedDriver
from muse_ros.bridge import ACTION_QOS, EVENT_QOS, SENSOR_QOS, STATUS_QOS, time_message
from muse_ros.contract.ticks import tick_at_or_after
from muse_ros.msg import Action, AppliedAction, EpisodeEvent

OBJECTS_NS = CLOCK_NS = 20_000_000
"""Objects and /clock are published this often: each message costs every node of the graph a callback."""


class ArmTopics:
    """State, choices, set-points and events of one arm."""

    def __init__(self, node: Node) -> None:
        """Make the publishers."""
        self._joint_states = node.create_publisher(JointState, "panda/joint_states", SENSOR_QOS)
        self._ee_pose = node.create_publisher(PoseStamped, "panda/ee_pose", SENSOR_QOS)
        self._ee_twist = node.create_publisher(TwistStamped, "panda/ee_twist", SENSOR_QOS)
        self._wrench = node.create_publisher(WrenchStamped, "panda/wrench", SENSOR_QOS)
        self._applied = node.create_publisher(AppliedAction, "panda/applied_action", SENSOR_QOS)
        self._action = node.create_publisher(Action, "action", ACTION_QOS)
        self._events = node.create_publisher(EpisodeEvent, "collect/events", EVENT_QOS)
        self._joint_message = JointState(name=[*JOINT_NAMES, *FINGER_NAMES])
        self._pose_message, self._twist_message, self._wrench_message = PoseStamped(), TwistStamped(), WrenchStamped()
        self._applied_message = AppliedAction()
        for message in (self._joint_message, self._pose_message, self._twist_message, self._wrench_message):
            message.header.frame_id = BASE_FRAME
        self._applied_message.header.frame_id = BASE_FRAME

    def publish_state(self, stamp_ns: int, state: RobotState) -> None:
        """Publish what the arm measures, stamped `stamp_ns`."""
        stamp = time_message(stamp_ns)
        joints, pose, twist, wrench = self._joint_message, self._pose_message, self._twist_message, self._wrench_message
        for message in (joints, pose, twist, wrench):
            message.header.stamp = stamp
        finger = 0.5 * state.gripper_width
        joints.position = array.array("d", [*state.q.tolist(), finger, finger])
        joints.velocity = array.array("d", [*state.qdot.tolist(), 0.0, 0.0])
        pose.pose.position, pose.pose.orientation = point(state.ee_position), quaternion(state.ee_orientation)
        twist.twist.linear, twist.twist.angular = vector(state.ee_twist[:3]), vector(state.ee_twist[3:])
        wrench.wrench.force, wrench.wrench.torque = vector(state.wrench[:3]), vector(state.wrench[3:])
        self._joint_states.publish(joints)
        self._ee_pose.publish(pose)
        self._ee_twist.publish(twist)
        self._wrench.publish(wrench)

    def publish_set_point(self, stamp_ns: int, set_point: SetPoint) -> None:
        """Publish what was sent to the driver at `stamp_ns`."""
        applied = self._applied_message
        applied.header.stamp = time_message(stamp_ns)
        applied.action_stamp = time_message(set_point.action_stamp_ns)
        applied.source = set_point.source
        applied.position, applied.velocity = set_point.position, set_point.velocity
        applied.gripper_width = set_point.gripper_width
        applied.limited_by = set_point.limited_by
        self._applied.publish(applied)

    def publish_event(self, stamp_ns: int, event: str, episode_id: str, detail: str) -> None:
        """Publish something that happened to the arm; it is recorded with the episode's own events."""
        message = EpisodeEvent(event=event, episode_id=episode_id, detail=detail)
        message.header.stamp = time_message(stamp_ns)
        self._events.publish(message)

    def publish_choice(self, action: Any) -> None:
        """Publish an action that the arbiter chose, as it came."""
        self._action.publish(action)


class WorldTopics:
    """What only a simulator can publish: its cameras, its objects, success, and the clock."""

    def __init__(
        self, node: Node, driver: SimulatedDriver, jpeg_quality: int, clock: bool, views: bool, late_ns: int = 0
    ) -> None:
        """Make the publishers; that of /clock only where `clock` is set, those of the cameras where `views` is.

        Args:
            node: Whose they are.
            driver: Of the simulated arm.
            jpeg_quality: Of the pictures, 1 to 100.
            clock: Whether this node makes the time.
            views: Whether it publishes pictures.
            late_ns: How long after its instant a picture is stamped and published [ns].
        """
        self._driver, self._jpeg_quality, self._late_ns = driver, jpeg_quality, late_ns
        self._taken: deque[tuple[int, dict[str, bytes]]] = deque()
        self._cameras = {
            name: (
                node.create_publisher(CompressedImage, f"cameras/{name}/image/compressed", SENSOR_QOS),
                node.create_publisher(CameraInfo, f"cameras/{name}/camera_info", SENSOR_QOS),
                camera_info(name, driver.camera_size, fovy_deg),
            )
            for name, fovy_deg in driver.camera_fovy_deg.items()
            if views
        }
        self._objects = node.create_publisher(PoseArray, "sim/objects", SENSOR_QOS)
        self._success = node.create_publisher(Bool, "sim/success", STATUS_QOS)
        self._clock = node.create_publisher(Clock, "/clock", 1) if clock else None
        self._last_success: bool | None = None

    def warm_up(self) -> None:
        """Draw once, unseen: the first picture opens the GL context, which can take seconds."""
        for camera in self._cameras:
            self._driver.render(camera)

    def publish(self, now_ns: int, camera_rate_hz: float) -> bool:
        """Publish what is due at `now_ns`; returns whether that was pictures too."""
        self.publish_success()
        if now_ns % OBJECTS_NS == 0:
            self.publish_objects(now_ns)
        pictured = tick_at_or_after(now_ns, camera_rate_hz) == now_ns
        if pictured:
            self.take_views(now_ns)
        self.publish_views(now_ns)
        if now_ns % CLOCK_NS == 0:
            self.publish_clock(now_ns)
        return pictured

    def publish_clock(self, stamp_ns: int) -> None:
        """Publish the time on /clock, where this node makes the time."""
        if self._clock is not None:
            self._clock.publish(Clock(clock=time_message(stamp_ns)))

    def publish_success(self) -> None:
        """Publish whether the task is done, when that changes."""
        success = self._driver.success()
        if success is not self._last_success:
            self._success.publish(Bool(data=success))
            self._last_success = success

    def publish_objects(self, stamp_ns: int) -> None:
        """Publish the objects' poses, stamped `stamp_ns`."""
        objects = PoseArray()
        objects.header.stamp, objects.header.frame_id = time_message(stamp_ns), BASE_FRAME
        objects.poses = [
            Pose(position=point(position), orientation=quaternion(orientation))
            for position, orientation in self._driver.objects().values()
        ]
        self._objects.publish(objects)

    def take_views(self, now_ns: int) -> None:
        """Take every camera's picture of this instant, to be published when it is due."""
        pictures = {name: encode_jpeg(self._driver.render(name), self._jpeg_quality) for name in self._cameras}
        self._taken.append((now_ns + self._late_ns, pictures))

    def publish_views(self, now_ns: int) -> None:
        """Publish the pictures that are due, stamped with when they were."""
        while self._taken and self._taken[0][0] <= now_ns:
            stamp_ns, pictures = self._taken.popleft()
            stamp = time_message(stamp_ns)
            for name, (images, infos, info) in self._cameras.items():
                image = CompressedImage(format="jpeg")
                image.header.stamp, image.header.frame_id = stamp, info.header.frame_id
                # An array of bytes goes through at once; bytes would be checked one by one.
                image.data = array.array("B", pictures[name])
                images.publish(image)
                info.header.stamp = stamp
                infos.publish(info)


def point(xyz: Any) -> Point:
    """A Point from three numbers [m]."""
    x, y, z = xyz.tolist()
    return Point(x=x, y=y, z=z)


def vector(xyz: Any) -> Vector3:
    """A Vector3 from three numbers."""
    x, y, z = xyz.tolist()
    return Vector3(x=x, y=y, z=z)


def quaternion(xyzw: Any) -> Quaternion:
    """A Quaternion from xyzw."""
    x, y, z, w = xyzw.tolist()
    return Quaternion(x=x, y=y, z=z, w=w)


def camera_info(camera: str, size: tuple[int, int], fovy_deg: float) -> CameraInfo:
    """The calibration of an ideal pinhole camera.

    Args:
        camera: Its name; its optical frame is named after it.
        size: (height, width) [px].
        fovy_deg: Vertical field of view [degrees].
    """
    height, width = size
    focal = 0.5 * height / math.tan(0.5 * math.radians(fovy_deg))
    centre_x, centre_y = 0.5 * (width - 1), 0.5 * (height - 1)
    info = CameraInfo(height=height, width=width, distortion_model="plumb_bob", d=[0.0] * 5)
    info.header.frame_id = f"{camera}_camera_optical_frame"
    info.k = [focal, 0.0, centre_x, 0.0, focal, centre_y, 0.0, 0.0, 1.0]
    info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    info.p = [focal, 0.0, centre_x, 0.0, 0.0, focal, centre_y, 0.0, 0.0, 0.0, 1.0, 0.0]
    return info
