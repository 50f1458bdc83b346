"""The node sim_server: pictures, objects and success of the loopback server's world, and its reset."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("grpc")
pytest.importorskip("torch")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from muse_core.images import decode_image
from muse_ros.bridge import SENSOR_QOS, STATUS_QOS
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import EpisodeStatus
from muse_ros.nodes.sim_server import SimServerNode


@pytest.fixture
def sim_server(ros, spin):
    node = SimServerNode(parameter_overrides=[Parameter("task", value="lift"), Parameter("seed", value=3)])
    spin(node)
    yield node
    node.close()
    node.destroy_node()


@pytest.fixture
def heard(make_node, spin):
    """Message lists by topic."""
    node = make_node("listener")
    kinds = {
        "cameras/front/image/compressed": CompressedImage,
        "cameras/wrist/image/compressed": CompressedImage,
        "sim/objects": PoseArray,
        "diagnostics": DiagnosticArray,
    }
    found = {topic: [] for topic in (*kinds, "sim/success")}
    for topic, kind in kinds.items():
        node.create_subscription(kind, topic, found[topic].append, SENSOR_QOS)
    node.create_subscription(Bool, "sim/success", found["sim/success"].append, STATUS_QOS)
    spin(node)
    found["node"] = node
    return found


def cube(heard):
    return heard["sim/objects"][-1].poses[0].position


def test_the_world_is_shown_and_objects_are_placed_by_a_seed(sim_server, heard, call, wait_until, make_node, spin):
    for topic in heard:
        wait_until(lambda topic=topic: topic == "node" or heard[topic], what=topic)
    assert not heard["sim/success"][0].data
    picture = heard["cameras/front/image/compressed"][-1]
    assert decode_image(bytes(picture.data)).shape == (128, 128, 3)
    wait_until(lambda: len(heard["sim/objects"]) > 3)
    stamps = [time_ns(message.header.stamp) for message in heard["sim/objects"]]
    assert stamps == sorted(set(stamps))

    def reset(seed):
        request = SetParameters.Request(parameters=[Parameter("seed", value=seed).to_parameter_msg()])
        assert call(heard["node"], SetParameters, "sim_server/set_parameters", request).results[0].successful
        return call(heard["node"], Trigger, "sim/reset")

    before = cube(heard).y
    assert reset(4).success
    wait_until(lambda: abs(cube(heard).y - before) > 5e-3, what="the cube elsewhere")
    assert reset(3).success
    wait_until(lambda: abs(cube(heard).y - before) < 2e-3, what="the cube where it was")

    health = wait_until(lambda: heard["diagnostics"])[-1].status[0]
    assert health.name == "sim_server: arm" and float(health.values[0].value) > 0

    recorder = make_node("collect").create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)
    recorder.publish(EpisodeStatus(state=EpisodeStatus.RECORDING))
    wait_until(lambda: "being recorded" in reset(5).message, what="the refusal")

    sim_server.server.kill()
    wait_until(sim_server.finished.is_set, what="the node's end")
    assert "the loopback server has ended" in sim_server.failure
