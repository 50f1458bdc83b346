"""Which topics are recorded, and how a recorder subscribes to them."""

from muse_ros.bags.qos import Qos
from muse_ros.recording.topic_choice import Choice, Offer, choose

SENSOR = Qos(reliability="best_effort")
LATCHED = Qos(durability="transient_local")
JOINTS = "sensor_msgs/msg/JointState"
IMAGE = "sensor_msgs/msg/Image"
JPEG = "sensor_msgs/msg/CompressedImage"


def test_every_topic_is_recorded_whatever_its_type():
    chosen = choose({"/a": [Offer(JOINTS, SENSOR)], "/b": [Offer("lab_msgs/msg/Odd", Qos())]})
    assert list(chosen.recorded) == ["/a", "/b"]
    assert chosen.left_out == {}


def test_a_raw_image_beside_a_compressed_one_is_left_out_and_named():
    graph = {"/cam/image": [Offer(IMAGE, SENSOR)], "/cam/image/compressed": [Offer(JPEG, SENSOR)]}
    chosen = choose(graph)
    assert list(chosen.recorded) == ["/cam/image/compressed"]
    assert chosen.left_out == {"/cam/image": "raw image, recorded compressed as /cam/image/compressed"}


def test_a_raw_image_without_a_compressed_one_is_recorded():
    graph = {"/cam/image": [Offer(IMAGE, SENSOR)], "/cam2/image/compressed": [Offer(JPEG, SENSOR)]}
    assert "/cam/image" in choose(graph).recorded


def test_point_clouds_and_ros_housekeeping_are_left_out_and_named():
    graph = {
        "/points": [Offer("sensor_msgs/msg/PointCloud2", SENSOR)],
        "/rosout": [Offer("rcl_interfaces/msg/Log", LATCHED)],
    }
    assert choose(graph).left_out == {"/points": "point cloud", "/rosout": "ROS housekeeping"}


STATUS = Offer("muse_ros/msg/EpisodeStatus", LATCHED)


def station(name):
    return {f"{name}/collect/status": [STATUS], f"{name}/panda/joint_states": [Offer(JOINTS, SENSOR)]}


def test_what_another_namespace_records_itself_is_left_out_and_named():
    graph = {**station("/left"), **station("/right"), "/table/scale": [Offer(JOINTS, SENSOR)]}
    chosen = choose(graph, namespace="/left")
    assert list(chosen.recorded) == ["/left/collect/status", "/left/panda/joint_states", "/table/scale"]
    assert chosen.left_out == dict.fromkeys(station("/right"), "recorded by /right/collect")
    assert "/right/panda/joint_states" in choose(graph, ["/right/panda/*"], namespace="/left").recorded
    assert [*choose(graph, namespace="/").recorded] == ["/table/scale"]


def test_two_arms_without_recorders_of_their_own_are_recorded_by_one():
    graph = {"/left/panda/joint_states": [Offer(JOINTS, SENSOR)], **station("")}
    assert len(choose(graph, namespace="/").recorded) == 3
    assert len(choose(graph, namespace="/left").recorded) == 3


def test_a_recorder_below_another_one_s_namespace_records_its_own_and_what_is_shared():
    graph = {**station("/lab"), **station("/lab/left")}
    assert choose(graph, namespace="/lab/left").left_out == {}
    assert [*choose(graph, namespace="/lab").recorded] == [*station("/lab")]


def test_include_brings_back_what_a_rule_leaves_out_and_exclude_wins():
    graph = {"/points": [Offer("sensor_msgs/msg/PointCloud2", SENSOR)], "/lab/noise": [Offer(JOINTS, SENSOR)]}
    assert "/points" in choose(graph, include=["/poin*"]).recorded
    assert choose(graph, include=["*"], exclude=["/lab/*"]).left_out == {"/lab/noise": "excluded by '/lab/*'"}


def test_a_topic_of_two_types_is_left_out_and_both_are_named():
    chosen = choose({"/a": [Offer(JOINTS, SENSOR), Offer(JPEG, SENSOR)]})
    assert chosen.left_out == {"/a": f"its publishers disagree on its type: {JPEG}, {JOINTS}"}


def test_a_topic_without_publishers_is_neither_recorded_nor_left_out():
    chosen = choose({"/a": []})
    assert chosen.recorded == chosen.left_out == {}


def test_one_best_effort_publisher_makes_the_subscription_best_effort():
    assert not Choice("/a", JOINTS, (Qos(), SENSOR)).reliable
    assert Choice("/a", JOINTS, (Qos(), Qos())).reliable


def test_only_publishers_that_all_latch_make_a_latched_subscription():
    assert Choice("/a", JOINTS, (LATCHED,)).latched
    assert not Choice("/a", JOINTS, (LATCHED, Qos())).latched
