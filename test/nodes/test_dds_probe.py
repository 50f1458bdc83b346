"""What ``muse doctor`` hears of a live graph."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import PoseStamped

from muse_ros.bridge import SENSOR_QOS

ATTEMPTS = 10  # on a busy machine discovery can take longer than one look


def listen():
    command = [sys.executable, "-m", "muse_ros.nodes.probes.dds_probe", "1.5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout.splitlines()[-1])


def test_the_probe_hears_itself_and_the_stamps_of_others(make_node, spin):
    world = make_node("world")
    publisher = world.create_publisher(PoseStamped, "late_pose", SENSOR_QOS)

    def publish():
        message = PoseStamped()
        now = world.get_clock().now().nanoseconds - 2_000_000_000
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, 1_000_000_000)
        publisher.publish(message)

    world.create_timer(0.02, publish)
    spin(world)
    heard = next(heard for heard in (listen() for _ in range(ATTEMPTS)) if "/late_pose" in heard["lags_s"])
    assert len(heard["round_trip_ms"]) == heard["sent"] > 10
    assert "/world" in heard["nodes"] and not any("muse_doctor" in name for name in heard["nodes"])
    assert heard["topics"]["/late_pose"] == "geometry_msgs/msg/PoseStamped"
    assert heard["lags_s"]["/late_pose"] >= 2.0
    assert not any(topic.startswith(("/rosout", "/muse_doctor")) for topic in heard["topics"])
