"""Fixtures of the tests of the panda node: the node, and an operator who hears all of it and can be any source."""

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray, PoseStamped, TwistStamped, WrenchStamped
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, JointState
from std_msgs.msg import Bool

from muse_ros.bridge import ACTION_QOS, EVENT_QOS, SENSOR_QOS, STATUS_QOS, time_message
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import Action, AppliedAction, EpisodeEvent, EpisodeStatus

SMALL = {"camera_width": 32, "camera_height": 32}
FAST = {**SMALL, "clock": True, "clock_factor": 4.0, "require_release": False}


@pytest.fixture
def panda(ros, spin):
    """``panda(parameter=value, ...)`` starts the node, four times as fast as time; it is destroyed after the test."""
    from muse_ros.nodes.managed_node import started
    from muse_ros.nodes.panda import PandaNode

    nodes = []

    def start(**parameters):
        overrides = [Parameter(name, value=value) for name, value in {**FAST, **parameters}.items()]
        nodes.append(started(lambda: PandaNode(parameter_overrides=overrides)))
        return spin(nodes[-1])

    yield start
    for node in nodes:
        node.close()
        node.destroy_node()


class Operator:
    """A node that hears everything the panda node says and can act as any source and as collect."""

    def __init__(self, node):
        self.node = node
        self.heard = {}
        for topic, kind, qos in (
            ("panda/joint_states", JointState, SENSOR_QOS),
            ("panda/ee_pose", PoseStamped, SENSOR_QOS),
            ("panda/ee_twist", TwistStamped, SENSOR_QOS),
            ("panda/wrench", WrenchStamped, SENSOR_QOS),
            ("panda/applied_action", AppliedAction, SENSOR_QOS),
            ("action", Action, ACTION_QOS),
            ("cameras/front/image/compressed", CompressedImage, SENSOR_QOS),
            ("cameras/wrist/image/compressed", CompressedImage, SENSOR_QOS),
            ("cameras/front/camera_info", CameraInfo, SENSOR_QOS),
            ("sim/objects", PoseArray, SENSOR_QOS),
            ("sim/success", Bool, STATUS_QOS),
            ("diagnostics", DiagnosticArray, 10),
            ("/clock", Clock, SENSOR_QOS),
            ("collect/events", EpisodeEvent, EVENT_QOS),
        ):
            self.heard[topic] = []
            node.create_subscription(kind, topic, self.heard[topic].append, qos)
        self._actions = {s: node.create_publisher(Action, f"action/{s}", ACTION_QOS) for s in ("teleop", "policy")}
        self._status = node.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)

    def last(self, topic):
        return self.heard[topic][-1] if self.heard[topic] else None

    def now_ns(self):
        return time_ns(self.last("panda/ee_pose").header.stamp)

    def position(self):
        p = self.last("panda/ee_pose").pose.position
        return np.array([p.x, p.y, p.z])

    def ready(self):
        connected = all(publisher.get_subscription_count() for publisher in (*self._actions.values(), self._status))
        return connected and self.last("panda/ee_pose") is not None and self.last("panda/applied_action") is not None

    def act(self, source="teleop", values=(0.01, 0, 0, 0, 0, 0, 0), deadman=True, stamp_ns=None, enable=False):
        message = Action(action_space="ee_delta", values=[float(v) for v in values], period=0.1, deadman=deadman)
        message.enable = enable
        message.header.stamp = time_message(self.now_ns() if stamp_ns is None else stamp_ns)
        message.header.frame_id = "panda_link0"
        self._actions[source].publish(message)
        return message

    def record(self, recording, start_ns=0, episode_id=""):
        state = EpisodeStatus.RECORDING if recording else EpisodeStatus.READY
        self._status.publish(EpisodeStatus(state=state, start=time_message(start_ns), episode_id=episode_id))

    def diagnosis(self):
        """What the last diagnostics say in a word: (level, message)."""
        array = self.last("diagnostics")
        return (array.status[0].level, array.status[0].message) if array else None

    def said(self, key):
        """One value of the last diagnostics."""
        array = self.last("diagnostics")
        return {pair.key: pair.value for pair in array.status[0].values}[key] if array else ""


@pytest.fixture
def operator(make_node, spin, wait_until):
    def start():
        node = make_node("operator")
        one = Operator(node)
        spin(node)
        wait_until(one.ready, what="topics of the panda node")
        return one

    return start
