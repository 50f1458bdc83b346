"""The live audit: what is said of a stream that is missing, mistyped, silent, stale, on a wrong clock, or well."""

import pytest

from muse_ros.contract.contract import load_contract
from muse_ros.recording.health import Health, expected_source, expected_topics
from muse_ros.recording.stream_watch import Expected

POSE = "geometry_msgs/msg/PoseStamped"
S = 1_000_000_000


def health(max_age_s=0.1, slack_s=0.0):
    made = Health([Expected("/pose", POSE, max_age_s)], slack_s)
    made.see_graph({"/pose": (POSE,)})
    return made


def test_a_fresh_stream_is_no_problem():
    made = health()
    made.arrived("/pose", 10 * S, 10 * S)
    assert made.problems(10 * S + S // 10) == ()


def test_a_stream_just_past_its_age_is_named_with_age_and_limit():
    made = health()
    made.arrived("/pose", 10 * S, 10 * S)
    assert made.problems(10 * S + S // 10 + 1) == ("/pose: newest sample is 0.10 s old, 0.1 s allowed",)


def test_slack_is_added_to_the_age():
    made = health(slack_s=0.1)
    made.arrived("/pose", 10 * S, 10 * S)
    assert made.problems(10 * S + S // 5) == ()


def test_a_topic_that_nobody_publishes_is_named_with_its_type():
    made = Health([Expected("/pose", POSE, 0.1)])
    made.see_graph({"/other": (POSE,)})
    (problem,) = made.problems(0)
    assert problem.startswith(f"/pose: nobody publishes it ({POSE})")


def test_a_wrong_type_is_named_beside_the_right_one():
    made = Health([Expected("/pose", POSE, 0.1)])
    made.see_graph({"/pose": ("geometry_msgs/msg/Pose",)})
    (problem,) = made.problems(0)
    assert problem.startswith(f"/pose: has type geometry_msgs/msg/Pose, the contract wants {POSE}")
    assert "ros2 topic info -v /pose" in problem


def test_publishers_of_two_types_are_a_problem_though_one_is_right():
    made = health()
    made.see_graph({"/pose": ("geometry_msgs/msg/Pose", POSE)})
    assert "has type geometry_msgs/msg/Pose, geometry_msgs/msg/PoseStamped" in made.problems(0)[0]


def test_a_topic_that_cannot_be_recorded_is_named_with_the_reason():
    made = health()
    made.see_graph({"/pose": (POSE,)}, {"/pose": "message type is not installed here", "/other": "x"})
    (problem,) = made.problems(0)
    assert problem.startswith("/pose: message type is not installed here; see")


def test_a_publisher_that_is_silent_is_named():
    assert health().problems(0)[0].startswith("/pose: has a publisher, but no message has come; see")


def test_stamps_of_zero_are_refused_with_the_cure():
    made = health()
    made.arrived("/pose", 0, 10 * S)
    assert made.problems(10 * S) == ("/pose: 1 messages with stamp zero; its publisher must stamp them",)


def test_stamps_from_another_clock_are_named():
    made = health()
    made.arrived("/pose", 1000 * S, 1000 * S)
    assert "is use_sim_time the same?" in made.problems(10 * S)[0]


def test_samples_from_before_a_reset_do_not_count():
    made = health()
    made.arrived("/pose", 10 * S, 10 * S)
    assert made.problems(10 * S, since_ns=10 * S + 1) == ("/pose: no sample since the reset",)
    assert made.problems(10 * S, since_ns=10 * S) == ()


def test_a_message_without_a_stamp_counts_by_its_reception():
    made = health()
    made.arrived("/pose", None, 10 * S)
    assert made.problems(10 * S) == ()


def test_an_action_topic_needs_only_a_publisher():
    made = Health([Expected("/action", "muse_ros/msg/Action", None)])
    made.see_graph({"/action": ("muse_ros/msg/Action",)})
    assert made.problems(99 * S) == ()


def test_a_topic_of_any_type_needs_only_a_publisher():
    made = Health([Expected("/action/policy", "", None)])
    made.see_graph({})
    assert made.problems(0)[0].startswith("/action/policy: nobody publishes it; is its node running")
    made.see_graph({"/action/policy": ("muse_ros/msg/Action",)})
    assert made.problems(0) == ()


@pytest.mark.parametrize(
    "source, heartbeat", [("action/teleop", True), ("action/policy", True), ("action/replay", False)]
)
def test_who_leads_the_arm_is_expected_with_a_heartbeat_and_a_replay_without(source, heartbeat):
    assert expected_source(source, f"/left/{source}") == Expected(f"/left/{source}", "", None, heartbeat=heartbeat)


def test_the_contract_of_the_panda_expects_each_topic_once():
    expected = {item.topic: item for item in expected_topics(load_contract("panda"))}
    assert expected["/panda/ee_pose"].max_age_s == 0.1
    assert expected["/cameras/front/image/compressed"].max_age_s == 0.2
    assert expected["/action"].max_age_s is None
    assert (expected["/panda/joint_states"].rate_hz, expected["/action"].rate_hz) == (100.0, 0.0)
    assert len(expected) == 7


def test_topics_are_expected_under_the_names_that_the_node_resolves():
    expected = expected_topics(load_contract("panda"), {"action": "/left/action"})
    assert "/left/action" in [item.topic for item in expected]
