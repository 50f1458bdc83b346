"""The panda node over real DDS: what it publishes, who moves it, what stops it, how it ends."""

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")
pytest.importorskip("muse_ros.msg")

from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from muse_core.control.kinematics import HOME_Q
from muse_core.images import decode_image
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import AppliedAction
from muse_ros.nodes.managed_node import started
from muse_ros.nodes.panda import PandaNode
from muse_ros.nodes.run_node import NodeFailure


def test_everything_is_published_and_stamped_on_the_grid(panda, operator, wait_until):
    panda()
    one = operator()
    wait_until(lambda: all(len(one.heard[topic]) > 3 for topic in one.heard if topic not in QUIET), what="every topic")
    wait_until(lambda: one.last("diagnostics"), what="diagnostics")
    joints = one.last("panda/joint_states")
    assert list(joints.name) == [f"panda_joint{i}" for i in range(1, 8)] + [f"panda_finger_joint{i}" for i in (1, 2)]
    assert one.last("panda/ee_pose").header.frame_id == "panda_link0"
    for topic in ("panda/joint_states", "panda/ee_pose", "panda/applied_action"):
        assert all(time_ns(message.header.stamp) % 10_000_000 == 0 for message in one.heard[topic])
    for topic in ("cameras/front/image/compressed", "cameras/wrist/image/compressed"):
        assert all(time_ns(message.header.stamp) % 50_000_000 == 0 for message in one.heard[topic])
    image = one.last("cameras/front/image/compressed")
    assert decode_image(bytes(image.data)).shape == (32, 32, 3)
    assert one.last("cameras/front/camera_info").width == 32
    assert len(one.last("sim/objects").poses) == 1
    assert one.last("sim/success").data is False
    assert one.last("diagnostics").status[0].message == "holding"


QUIET = ("action", "sim/success", "diagnostics", "collect/events")


def test_in_real_time_stamps_are_the_systems_time_on_the_grid(panda, operator, wait_until):
    panda(clock=False)
    one = operator()
    pose = wait_until(lambda: one.last("panda/ee_pose"), what="a pose")
    stamp_ns = time_ns(pose.header.stamp)
    assert stamp_ns % 10_000_000 == 0
    assert abs(one.node.get_clock().now().nanoseconds - stamp_ns) < 5_000_000_000
    assert one.heard["/clock"] == []


def test_where_other_nodes_publish_the_cameras_it_publishes_none(panda, make_node, wait_until):
    panda(publish_cameras=False)
    other = make_node("other")
    wait_until(lambda: other.count_publishers("sim/objects") == 1, what="discovery")
    assert other.count_publishers("cameras/front/image/compressed") == 0


def test_teleop_moves_the_arm_and_its_choice_is_published_with_its_stamp(panda, operator, wait_until):
    panda()
    one = operator()
    before = one.position()
    sent = one.act(values=(0, 0.02, 0, 0, 0, 0, 1.0))
    wait_until(lambda: one.position()[1] > before[1] + 0.018, what="2 cm along y")
    assert [action.header.stamp for action in one.heard["action"]] == [sent.header.stamp]
    served = [applied for applied in one.heard["panda/applied_action"] if applied.source == "teleop"]
    assert served and all(applied.action_stamp == sent.header.stamp for applied in served)
    assert served[-1].gripper_width == 0.0
    # Nobody repeats the action: the arm holds, and says that nobody allows motion.
    wait_until(lambda: one.last("panda/applied_action").limited_by == AppliedAction.NO_DEADMAN, what="the arm to hold")


def test_without_the_deadman_teleop_does_not_move_the_arm(panda, operator, wait_until):
    panda()
    one = operator()
    one.act(deadman=False)
    seen = len(one.heard["panda/applied_action"])
    wait_until(lambda: len(one.heard["panda/applied_action"]) > seen + 50, what="50 more set-points")
    assert one.heard["action"] == []
    assert {applied.source for applied in one.heard["panda/applied_action"]} == {""}


def test_a_policy_moves_the_arm_only_in_an_episode(panda, operator, wait_until):
    panda()
    one = operator()
    one.act("policy")
    seen = len(one.heard["panda/applied_action"])
    wait_until(lambda: len(one.heard["panda/applied_action"]) > seen + 20, what="20 more set-points")
    assert one.heard["action"] == []
    one.record(True)
    one.act("policy")  # heard before the episode or in it: the two topics are not ordered
    wait_until(lambda: one.act("policy") and one.heard["action"], what="the policy's action to be chosen")


def test_an_action_that_is_not_a_number_is_refused_whole(panda, operator, wait_until):
    panda()
    one = operator()
    one.act(values=(0.02, 0.02, float("nan"), 0, 0, 0, 1.0))
    bits = AppliedAction.NOT_FINITE
    refused = wait_until(
        lambda: [a for a in one.heard["panda/applied_action"] if a.limited_by & bits], what="the refusal"
    )
    assert np.abs(np.array(refused[-1].velocity)).max() == 0.0
    assert one.heard["action"] == []


def test_a_stop_is_latched_until_recover(panda, operator, wait_until, call):
    panda()
    one = operator()
    assert call(one.node, Trigger, "panda/stop").success
    stopped = AppliedAction.STOPPED
    wait_until(lambda: one.last("panda/applied_action").limited_by == stopped, what="the arm to be stopped")
    one.act()
    seen = len(one.heard["panda/applied_action"])
    wait_until(lambda: len(one.heard["panda/applied_action"]) > seen + 20, what="20 more set-points")
    assert {a.limited_by for a in one.heard["panda/applied_action"][seen:]} == {stopped}
    assert "panda/recover" in call(one.node, Trigger, "panda/home").message
    assert call(one.node, Trigger, "panda/recover").success
    before = one.position()[0]
    one.act(values=(0.02, 0, 0, 0, 0, 0, 0))
    wait_until(lambda: one.position()[0] > before + 0.015, what="the arm to move again")


def test_home_moves_the_joints_home_and_teleop_ends_it(panda, operator, wait_until, call):
    panda(clock_factor=20.0)
    one = operator()
    assert call(one.node, Trigger, "panda/home").success
    at_home = lambda: np.abs(np.array(one.last("panda/joint_states").position[:7]) - HOME_Q).max() < 0.02  # noqa: E731
    wait_until(at_home, what="the arm to be home")
    sources = {applied.source for applied in one.heard["panda/applied_action"]}
    assert sources <= {"", "home"} and "home" in sources


def test_a_reset_places_the_scene_of_the_seed(panda, operator, wait_until, call):
    node = panda()
    one = operator()

    def scene(seed):
        node.set_parameters([Parameter("seed", value=seed)])
        response = call(one.node, Trigger, "sim/reset")
        assert (response.success, response.message) == (True, f"reset with seed {seed}")
        after = one.now_ns() + 50_000_000
        later = lambda: [m for m in one.heard["sim/objects"] if time_ns(m.header.stamp) > after]  # noqa: E731
        return wait_until(later, what="the new scene")[0].poses[0].position

    first, second, again = scene(3), scene(4), scene(3)
    assert abs(first.x - second.x) + abs(first.y - second.y) > 1e-3
    assert (first.x, first.y) == pytest.approx((again.x, again.y), abs=1e-9)
    stamps = [time_ns(message.header.stamp) for message in one.heard["panda/ee_pose"]]
    assert stamps == sorted(stamps)


def test_a_reset_is_refused_while_an_episode_is_recorded(panda, operator, wait_until, call):
    node = panda()
    one = operator()
    one.record(True)
    wait_until(lambda: node._control.recording, what="the status to arrive")
    response = call(one.node, Trigger, "sim/reset")
    assert not response.success
    assert "being recorded" in response.message


def test_lockstep_waits_for_the_action_of_each_tick(panda, operator, wait_until):
    node = panda(lockstep=True)
    one = operator()
    one.record(True, start_ns=1)
    first_ns = wait_until(lambda: node._loop.waiting_for_ns, what="the world to halt")
    assert first_ns % 100_000_000 == 0
    for tick_ns in range(first_ns, first_ns + 300_000_000, 100_000_000):
        assert node._loop.now_ns == tick_ns + 40_000_000
        one.act(stamp_ns=tick_ns)
        wait_until(lambda then=tick_ns + 100_000_000: node._loop.waiting_for_ns == then, what="the next halt")
    wait_until(lambda: len(one.heard["action"]) == 3, what="three actions to be chosen")
    begun = [a for a in one.heard["panda/applied_action"] if time_ns(a.header.stamp) == first_ns + 40_000_000]
    assert [time_ns(applied.action_stamp) for applied in begun] == [first_ns]


def test_a_loop_that_fails_ends_the_node_with_its_reason(panda, wait_until, monkeypatch):
    def break_down(*_):
        raise OSError("the cable is out")

    monkeypatch.setattr("muse_ros.arm.drivers.sim.SimDriver.send", break_down)
    node = panda()
    wait_until(node.finished.is_set, what="the loop to end")
    assert node.failure == "the control loop failed: OSError: the cable is out"


@pytest.mark.parametrize(
    "parameters, named",
    [
        ({"robot": "toaster"}, "robot must be one of sim"),
        ({"task": "juggle"}, "reach|lift"),
        ({"arm_id": "ur5"}, "panda, fr3"),
        ({"speed_limit": 30.0}, "speed_limit must be between"),
        ({"lockstep": True}, "needs clock:=true"),
        ({"camera_rate_hz": 30.0}, "camera_rate_hz must give whole periods of 10 ms"),
        ({"action_latency_s": 0.035}, "action_latency_s must give whole periods of 10 ms"),
    ],
)
def test_a_wrong_parameter_is_refused_with_what_is_right(ros, parameters, named):
    with pytest.raises(NodeFailure, match=named):
        started(
            lambda: PandaNode(parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()])
        )
