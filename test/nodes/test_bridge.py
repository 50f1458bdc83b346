"""The bridge hears any publisher, and gives a contract's observations from what has arrived."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from geometry_msgs.msg import PoseStamped
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from muse_ros.bridge import ACTION_QOS, SENSOR_QOS, Bridge, message_class, subscription_qos, time_message
from muse_ros.contract.contract import Contract
from muse_ros.contract.message_fields import time_ns

MS = 1_000_000
CONTRACT = Contract.from_dict(
    {
        "name": "test",
        "rate_hz": 10.0,
        "observations": {
            "ee_position": {
                "topic": "panda/ee_pose",
                "type": "geometry_msgs/msg/PoseStamped",
                "fields": ["pose.position.x", "pose.position.y", "pose.position.z"],
                "shape": [3],
                "max_age_s": 0.1,
            }
        },
    }
)


def pose(stamp_ns: int, x: float) -> PoseStamped:
    message = PoseStamped()
    message.header.stamp = time_message(stamp_ns)
    message.pose.position.x = x
    return message


def test_a_topic_is_subscribed_reliably_only_where_every_publisher_is_reliable():
    reliable, best_effort = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT
    assert subscription_qos([], 5).reliability == best_effort
    assert subscription_qos([ACTION_QOS], 5).reliability == reliable
    assert subscription_qos([ACTION_QOS, SENSOR_QOS], 5).reliability == best_effort


@pytest.mark.parametrize("durability", [DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL])
@pytest.mark.parametrize("reliability", [ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT])
@pytest.mark.parametrize("publisher_first", [True, False])
def test_every_kind_of_publisher_is_heard(make_node, spin, wait_until, reliability, durability, publisher_first):
    node, world = make_node("listener"), make_node("world")
    qos = QoSProfile(depth=5, reliability=reliability, durability=durability)
    if publisher_first:
        publisher = world.create_publisher(PoseStamped, "panda/ee_pose", qos)
        wait_until(lambda: node.get_publishers_info_by_topic("panda/ee_pose"), what="discovery")
    bridge = Bridge(node, CONTRACT, lambda: 1_000 * MS)
    if not publisher_first:
        publisher = world.create_publisher(PoseStamped, "panda/ee_pose", qos)
    spin(node)

    def observed():
        publisher.publish(pose(950 * MS, 0.5))
        observation = bridge.observe(1_000 * MS)
        return observation if not observation.missing else None

    observation = wait_until(observed, what="a sample")
    assert observation.arrays["ee_position"][0] == 0.5 and observation.stamps_ns["ee_position"] == 950 * MS


def test_what_has_arrived_is_used_before_any_executor_has_come_to_it(make_node, wait_until):
    node, world = make_node("listener"), make_node("world")
    bridge = Bridge(node, CONTRACT, lambda: 1_000 * MS)
    publisher = world.create_publisher(PoseStamped, "panda/ee_pose", SENSOR_QOS)

    def observed():
        publisher.publish(pose(950 * MS, 0.5))
        return not bridge.observe(1_000 * MS).missing

    wait_until(observed, what="a sample, with nobody spinning")


def test_after_closing_it_subscribes_to_nothing(make_node):
    node = make_node("listener")
    before = len(list(node.subscriptions))
    bridge = Bridge(node, CONTRACT, lambda: 0)
    assert len(list(node.subscriptions)) == before + 1
    bridge.close()
    bridge.close()
    assert len(list(node.subscriptions)) == before


def test_message_types_are_found_by_name_and_a_missing_one_is_named():
    assert message_class("geometry_msgs/msg/PoseStamped") is PoseStamped
    with pytest.raises(LookupError, match="'nowhere_msgs/msg/Thing' is not installed here"):
        message_class("nowhere_msgs/msg/Thing")


def test_stamps_survive_both_ways():
    assert time_ns(time_message(1_795_366_243_080_357_025)) == 1_795_366_243_080_357_025
