"""Twist, tracked pose and leader arm over DDS: only with a deadman, only in a known frame, never by a jump."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from geometry_msgs.msg import PoseStamped, TwistStamped
from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import Bool

from muse_core.control.kinematics import HOME_Q, JOINT_NAMES
from muse_ros.msg import Action, AppliedAction
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.window.events import WindowInput

LEFT_SHOULDER = 9


def twist(x=0.0, wz=0.0, frame="panda_link0"):
    message = TwistStamped()
    message.header.frame_id = frame
    message.twist.linear.x, message.twist.angular.z = x, wz
    return message


def pose(x=0.0, frame="panda_link0"):
    message = PoseStamped()
    message.header.frame_id = frame
    message.pose.position.x = x
    return message


def joints(offset=0.0, names=JOINT_NAMES, grip=None):
    positions = [HOME_Q[0] + offset, *HOME_Q[1:], *([] if grip is None else [grip])]
    return JointState(name=list(names) + ([] if grip is None else ["finger"]), position=[float(p) for p in positions])


class Source:
    """One device with its topics said before every beat, the deadman among them."""

    def __init__(self, rig, **parameters):
        self.rig = rig(deadman="bool", **parameters)
        self.messages = {"teleop/deadman": Bool(data=False)}

    def until(self, true, what, deadman=None, **messages):
        """Beat until `true(action)`; topics are named with two underscores for a slash."""
        if deadman is not None:
            self.messages["teleop/deadman"] = Bool(data=deadman)
        self.messages |= {topic.replace("__", "/"): message for topic, message in messages.items()}

        def said(action):
            for topic, message in self.messages.items():
                self.rig.say(topic, message)
            return true(action)

        return self.rig.until(said, what)

    def press(self):
        """Let the deadman be seen up, then press it; returns the first action with it.

        Where the machine pauses for longer than a source may be silent, a press is void: then anew.
        """
        pressed = None
        while pressed is None or not pressed.deadman:
            self.until(lambda _: not self.rig.told(), "all topics", deadman=False)
            pressed = self.until(lambda action: action.deadman or self.rig.told(), "the deadman", deadman=True)
        return pressed


def test_a_twist_is_carried_out_as_it_says_up_to_the_set_speed(rig):
    source = Source(rig, device="twist", linear_speed=0.2, angular_speed=0.5, speed_step=2)
    source.messages["twist"] = twist(x=0.05, wz=0.1)
    source.press()
    moving = source.until(lambda action: any(action.values), "motion")
    np.testing.assert_allclose(moving.values, [0.05 * 0.02, 0, 0, 0, 0, 0.1 * 0.02, 0], atol=1e-12)
    fast = source.until(lambda action: action.values[0] > 0.0011, "more", twist=twist(x=3.0))
    assert fast.values[0] == pytest.approx(0.2 * 0.5 * 0.02)


def test_a_twist_in_another_frame_or_in_none_moves_nothing_and_is_named(rig):
    source = Source(rig, device="twist")
    source.messages["twist"] = twist(x=0.05)
    source.press()
    lost = source.until(
        lambda _: "camera_link" in source.rig.told(), "the error", twist=twist(0.05, frame="camera_link")
    )
    assert not lost.deadman and not any(lost.values)
    assert "it must be one of panda_link0, panda_hand_tcp" in source.rig.told()
    source.until(lambda _: "/twist names no frame" in source.rig.told(), "the error", twist=twist(0.05, frame=""))
    back = source.until(lambda _: "frame" not in source.rig.told(), "the right frame", twist=twist(0.05))
    assert not back.deadman, "pressed before the error"
    assert source.press().deadman


def test_a_twist_in_the_tools_frame_is_turned_by_the_tools_orientation(rig):
    source = Source(rig, device="twist", source_frame="panda_hand_tcp", speed_step=3)
    tool = pose()
    tool.pose.orientation.x, tool.pose.orientation.w = 1.0, 0.0
    source.messages |= {"twist": twist(x=0.1, wz=0.2, frame=""), "panda/ee_pose": tool}
    source.press()
    moving = source.until(lambda action: any(action.values), "motion")
    np.testing.assert_allclose(moving.values, [0.1 * 0.02, 0, 0, 0, 0, -0.2 * 0.02, 0], atol=1e-12)


def test_a_twist_that_is_no_number_moves_nothing(rig):
    source = Source(rig, device="twist")
    source.messages["twist"] = twist(x=0.05)
    source.press()
    lost = source.until(lambda _: "no speed" in source.rig.told(), "the error", twist=twist(x=math.nan))
    assert not lost.deadman and list(lost.values) == [0.0] * 7


def test_a_deadman_topic_that_falls_silent_is_up(rig):
    source = Source(rig, device="twist")
    source.messages["twist"] = twist(x=0.05)
    source.press()
    del source.messages["teleop/deadman"]
    lost = source.until(lambda action: not action.deadman, "silence")
    assert not any(lost.values)
    assert "/teleop/deadman has been silent for more than 0.5 s" in source.rig.told()


def test_a_source_that_speaks_only_while_it_may_move_is_its_own_deadman(rig):
    alone = rig(device="twist", deadman="source")
    assert not alone.beat().deadman
    assert alone.until(lambda action: action.deadman, "motion", "twist", twist(x=0.05)).values[0] == pytest.approx(
        0.001
    )
    alone.until(lambda action: not action.deadman, "silence")


def test_a_joy_topic_beside_a_twist_is_its_deadman(rig):
    source = rig(device="twist", deadman="joy")

    def says(held):
        def true(action):
            source.say("twist", twist(x=0.05))
            source.say("joy", Joy(axes=[0.0] * 6, buttons=[int(held and i == LEFT_SHOULDER) for i in range(15)]))
            return action.deadman if held else not source.told()

        return true

    source.until(says(False), "all topics")
    assert source.until(says(True), "the deadman").values[0] == pytest.approx(0.001)


def test_pressing_the_clutch_never_jumps_and_the_hand_is_followed_from_there(rig):
    source = Source(rig, device="pose", linear_speed=0.2, speed_step=3)
    source.messages["pose"] = pose(x=5.0)  # the hand is far from the arm: only its motion counts
    pressed = source.press()
    assert list(pressed.values) == [0.0] * 7
    seen = len(source.rig.world.actions)
    source.until(lambda action: action.values[0] > 0, "motion", pose=pose(x=5.01))
    source.until(lambda action: action.deadman and not any(action.values), "rest")
    moved = np.array([action.values[0] for action in source.rig.world.actions[seen:] if action.deadman])
    assert moved.sum() == pytest.approx(0.01) and moved.max() <= 0.004 + 1e-12


def test_a_hand_that_jumps_or_is_in_another_frame_lifts_the_deadman(rig):
    source = Source(rig, device="pose")
    source.messages["pose"] = pose()
    source.press()
    lost = source.until(lambda _: "jumped" in source.rig.told(), "the jump", pose=pose(x=1.0))
    assert not lost.deadman and not any(lost.values)
    still = source.until(lambda _: "jumped" not in source.rig.told(), "the hand again")
    assert not still.deadman
    source.until(
        lambda _: "is in the frame 'vr', and 'panda_link0' is expected" in source.rig.told(),
        "it",
        pose=pose(frame="vr"),
    )


def test_a_leader_moves_the_arm_only_once_it_is_where_the_arm_is(rig):
    source = Source(rig, device="joint", joint_speed=0.5, joint_tolerance=0.1)
    source.messages |= {"leader/joint_states": joints(0.4, grip=0.0), "panda/joint_states": joints()}
    source.until(lambda _: not source.rig.told(), "all topics", deadman=False)
    refused = source.until(lambda _: source.rig.told(), "the refusal", deadman=True)
    assert (
        source.rig.told() == "the leader is off the arm: panda_joint1 by +0.40 rad; within 0.1 rad, so bring it there"
    )
    assert not refused.deadman and list(refused.values) == []

    near = source.until(lambda action: action.deadman, "it", leader__joint_states=joints(0.08, grip=0.0))
    assert near.action_space == Action.JOINT_POSITION and len(near.values) == 8
    assert near.values[0] - HOME_Q[0] == pytest.approx(0.5 * 0.02), "from where the arm is, at the set speed"
    there = source.until(lambda a: a.deadman and a.values[0] - HOME_Q[0] > 0.0799, "the leader's joints")
    np.testing.assert_allclose(there.values[:7], [HOME_Q[0] + 0.08, *HOME_Q[1:]], atol=1e-12)
    steps = np.diff([a.values[0] for a in source.rig.world.actions if a.deadman])
    assert steps.max() <= 0.5 * 0.02 + 1e-12


def test_a_leader_without_its_joints_or_with_a_number_that_is_none_moves_nothing(rig):
    source = Source(rig, device="joint")
    source.messages |= {"leader/joint_states": joints(), "panda/joint_states": joints()}
    source.until(lambda _: source.rig.told() == "the leader's message has 7 positions; joint 8 is missing", "it")
    source.until(
        lambda _: source.rig.told() == "the leader's joint 1 says nan", "it", leader__joint_states=joints(math.nan)
    )
    assert all(not a.deadman and not a.values for a in source.rig.world.actions)


def test_the_windows_keys_can_be_the_deadman_and_the_buttons_of_a_source(rig):
    source = rig(device="twist", deadman="window")
    switch, held = source.node._device._switch, WindowInput(held=frozenset({"space", "g", "w"}))
    assert not switch.step(0, held).deadman and switch.hint == "let go of the deadman, then press it"
    switch.step(0, WindowInput())
    pressed = switch.step(0, held)
    assert pressed.deadman and pressed.gripper
    assert pressed.linear == (0.0, 0.0, 0.0), "keys of the keyboard's own motions move nothing here"


def test_locked_motions_stay_still_whatever_moves_them(rig):
    source = Source(rig, device="pose", locked_axes="x, yaw", speed_step=3)
    source.messages["pose"] = pose()
    source.press()
    moved = pose(x=0.002)
    moved.pose.position.y = 0.002
    moving = source.until(lambda action: action.values[1] > 0, "motion", pose=moved)
    np.testing.assert_allclose(moving.values[:2], [0, 0.002], atol=1e-12)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"locked_axes": "x w"}, "locked_axes must hold some of x y z roll pitch yaw, got 'x w'"),
        ({"deadman": "foot"}, "parameter deadman must be one of joy, bool, window, source, got 'foot'"),
        ({"frame": "camera"}, "parameter frame must be one of base, tool, got 'camera'"),
        ({"buttons": "pad"}, "parameter buttons: there is no mapping 'pad'; there are buttons"),
        ({"stale_s": 3.0}, "parameter stale_s must be between 0.05 and 0.5"),
    ],
)
def test_a_parameter_that_means_nothing_is_refused_with_the_choices(teleop, parameters, words):
    with pytest.raises(NodeFailure, match=words):
        teleop(device="twist", window="false", **parameters)


NONSENSE = [math.nan, math.inf, -math.inf, 1e308, -1e308, 0.0]


def nonsense(random):
    """One message of every kind that these devices hear, of numbers that are none, and lists of any length."""
    number = lambda: random.choice(NONSENSE)  # noqa: E731
    some = lambda: [number() for _ in range(random.randrange(12))]  # noqa: E731
    frame = random.choice(["panda_link0", "panda_hand_tcp", "", "\u00e9"])
    hand, speed = pose(number(), frame), twist(number(), number(), frame)
    hand.pose.orientation.w = number()
    names = random.sample([*JOINT_NAMES, "a", "b"], random.randrange(9))
    return {
        "pose": hand,
        "twist": speed,
        "leader/joint_states": JointState(name=names, position=some()),
        "panda/joint_states": JointState(name=names, position=some()),
        "panda/ee_pose": hand,
        "panda/applied_action": AppliedAction(gripper_width=number()),
        "joy": Joy(axes=[random.choice([math.nan, math.inf, 3e38, -1.0]) for _ in some()], buttons=[7, -3, 1]),
    }


@pytest.mark.parametrize("device", ["twist", "pose", "joint", "joy"])
def test_nonsense_on_every_topic_neither_ends_the_node_nor_comes_out_as_numbers_that_are_none(rig, device):
    random, source = Random(3), rig(device=device, deadman="source", frame="tool" if device == "joy" else "base")
    topics = {"joy": {"joy", "panda/ee_pose"}, "joint": {"leader/joint_states", "panda/joint_states"}}
    for _ in range(40):
        for topic, message in nonsense(random).items():
            if topic in topics.get(device, {device}) | {"panda/applied_action"}:
                source.say(topic, message)
        action = source.beat()
        assert np.isfinite(action.values).all()
        assert np.abs(action.values[:6]).max(initial=0.0) <= (0.004 if action.action_space == Action.EE_DELTA else 1e9)
