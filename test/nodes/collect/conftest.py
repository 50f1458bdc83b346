"""A collect node under test, a world of two streams for it, and an operator who calls its services."""

import json

import pytest

JOINTS, CAMERA = "panda/joint_states", "cameras/front/image/compressed"
CONTRACT = {
    "name": "test",
    "rate_hz": 10.0,
    "observations": {
        "q": {
            "topic": JOINTS,
            "type": "sensor_msgs/msg/JointState",
            "fields": ["position.a"],
            "shape": [1],
            "max_age_s": 0.5,
        },
        "image": {"topic": CAMERA, "type": "sensor_msgs/msg/CompressedImage", "size": [8, 8], "max_age_s": 0.5},
    },
}


class World:
    """Publishes joint states and images, numbered in their ``frame_id``, at 100 Hz."""

    def __init__(self, node, camera_type):
        from sensor_msgs.msg import JointState

        from muse_ros.bridge import SENSOR_QOS

        self.node = node
        self.numbers = {JOINTS: 0, CAMERA: 0}
        self.joints = node.create_publisher(JointState, JOINTS, SENSOR_QOS)
        self.camera = node.create_publisher(camera_type, CAMERA, SENSOR_QOS)
        self.camera_on = True
        self.timer = node.create_timer(0.01, self.publish)

    def publish(self):
        self.send(self.joints, JOINTS)
        if self.camera_on:
            self.send(self.camera, CAMERA)

    def send(self, publisher, topic):
        message = publisher.msg_type()
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.header.frame_id = str(self.numbers[topic])
        self.numbers[topic] += 1
        publisher.publish(message)


@pytest.fixture
def contract_file(tmp_path):
    path = tmp_path / "contract.yaml"
    path.write_text(json.dumps(CONTRACT))
    return path


@pytest.fixture
def make_collect(ros, spin, tmp_path, contract_file):
    """``make_collect(**parameters)`` starts a spinning collect node on the test's contract and folder."""
    from rclpy.parameter import Parameter

    from muse_ros.nodes.collect import CollectNode

    nodes = []

    def make(**parameters):
        values = {"root_dir": str(tmp_path), "session": "s", "contract": str(contract_file), "min_free_gb": 0.0}
        overrides = [Parameter(name, value=value) for name, value in {**values, **parameters}.items()]
        node = CollectNode(parameter_overrides=overrides)
        nodes.append(node)
        return spin(node)

    yield make
    for node in nodes:
        node.close()
        node.destroy_node()


@pytest.fixture
def make_world(make_node, spin):
    """``make_world(name, camera_type, **options)`` starts a :class:`World` on a node with these options."""
    from sensor_msgs.msg import CompressedImage

    def make(name="world", camera_type=CompressedImage, **options):
        world = World(make_node(name, **options), camera_type)
        spin(world.node)
        return world

    return make


@pytest.fixture
def world(make_world):
    return make_world()


@pytest.fixture
def ask(make_node, spin, call):
    """``ask(verb)`` calls a service of the collect node and returns its answer."""
    from std_srvs.srv import Trigger

    node = spin(make_node("operator"))
    return lambda verb: call(node, Trigger, f"collect/{verb}")


@pytest.fixture
def ready(wait_until):
    """``ready(collect)`` waits until an episode may start."""
    return lambda collect: wait_until(lambda: collect.session.state.name == "READY", what="READY")
