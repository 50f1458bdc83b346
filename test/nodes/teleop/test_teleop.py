"""The teleop node: a steady heartbeat, keys that move only with the deadman, an expert that acts only in an episode."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from geometry_msgs.msg import Pose, PoseArray, PoseStamped, TwistStamped
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from muse_core.control.kinematics import FINGER_NAMES, HOME_Q, JOINT_NAMES
from muse_ros.bridge import SENSOR_QOS, STATUS_QOS, time_message
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import Action, AppliedAction, EpisodeEvent, EpisodeStatus
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.nodes.teleop import TeleopNode

MS = 1_000_000


def test_without_a_device_the_heartbeat_says_that_nobody_allows_motion(teleop, world, wait_until):
    teleop(device="none")
    wait_until(lambda: len(world.actions) >= 20, what="twenty heartbeats")
    assert all(not action.deadman and len(action.values) == 0 for action in world.actions)


class Arm:
    """The arm's and the simulation's messages, all stamped alike."""

    def __init__(self, node):
        self.publishers = {
            kind: node.create_publisher(kind, topic, SENSOR_QOS)
            for kind, topic in (
                (JointState, "panda/joint_states"),
                (PoseStamped, "panda/ee_pose"),
                (TwistStamped, "panda/ee_twist"),
                (PoseArray, "sim/objects"),
            )
        }
        self.episodes = node.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)

    def connected(self):
        return all(p.get_subscription_count() for p in (*self.publishers.values(), self.episodes))

    def say(self, stamp_ns):
        joints = JointState(name=[*JOINT_NAMES, *FINGER_NAMES], position=[*HOME_Q, 0.04, 0.04], velocity=[0.0] * 9)
        pose, objects = PoseStamped(), PoseArray(poses=[Pose()])
        pose.pose.position.x, pose.pose.position.z = 0.4, 0.4
        pose.pose.orientation.x, pose.pose.orientation.w = 1.0, 0.0
        objects.poses[0].position.x, objects.poses[0].position.z = 0.5, 0.02
        for message in (joints, pose, TwistStamped(), objects):
            message.header.stamp = time_message(stamp_ns)
            self.publishers[type(message)].publish(message)

    def episode(self, state, start_ns, index=0):
        status = EpisodeStatus(
            state=state, episode_id=f"episode_{index:04d}", episode_index=index, start=time_message(start_ns)
        )
        self.episodes.publish(status)


def moves(actions):
    return {time_ns(a.header.stamp): a for a in actions if len(a.values)}


def test_the_expert_acts_at_ticks_of_an_episode_with_the_clean_label_beside_the_noisy_action(teleop, world, wait_until):
    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    teleop(device="expert", task="lift", noise_m=0.006, seed=3)
    arm = Arm(world)
    wait_until(arm.connected, what="the expert's subscriptions")
    for stamp in range(1_000, 1_200, 10):
        arm.say(stamp * MS)
    wait_until(lambda: len(world.actions) >= 5, what="heartbeats")
    assert not moves(world.actions)

    arm.episode(EpisodeStatus.RECORDING, 1_200 * MS)
    for stamp in range(1_200, 1_610, 10):
        arm.say(stamp * MS)
    wait_until(lambda: 1_600 * MS in moves(world.actions) and len(world.labels) >= 5, what="the actions")
    executed, labels = moves(world.actions), moves(world.labels)
    assert sorted(executed) == sorted(labels) == [tick * MS for tick in (1_200, 1_300, 1_400, 1_500, 1_600)]
    assert all(a.deadman and a.period == 0.1 and a.source == Action.TELEOP for a in executed.values())
    assert executed[1_200 * MS].values[0] != labels[1_200 * MS].values[0], "noise is on the executed action"
    assert labels[1_200 * MS].values == labels[1_300 * MS].values, "the label depends on the state alone"

    arm.episode(EpisodeStatus.DECIDING, 1_200 * MS)
    wait_until(lambda: not world.actions[-1].deadman and not len(world.actions[-1].values), what="the deadman let go")


def test_the_label_is_out_before_the_action_that_lets_the_simulation_go_on(teleop, world, wait_until, monkeypatch):
    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    node = teleop(device="expert", task="lift")
    order = []
    monkeypatch.setattr(node, "publish", lambda action: order.append("action") if action.values else None)
    monkeypatch.setattr(node._device._labels, "publish", lambda action: order.append("label"))
    arm = Arm(world)
    wait_until(arm.connected, what="the expert's subscriptions")
    arm.say(1_200 * MS)
    arm.episode(EpisodeStatus.RECORDING, 1_200 * MS)
    wait_until(lambda: len(order) >= 2, what="the action of the tick")
    assert order[:2] == ["label", "action"]


def test_a_tick_that_came_before_the_news_of_the_episode_is_answered(teleop, world, wait_until):
    """The simulation in lockstep stands still at a tick: no later message would ever come."""
    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    teleop(device="expert")
    arm = Arm(world)
    wait_until(arm.connected, what="the expert's subscriptions")
    arm.say(1_200 * MS)
    arm.episode(EpisodeStatus.RECORDING, 1_190 * MS)
    wait_until(lambda: 1_200 * MS in moves(world.actions), what="the action of the tick at which the simulation waits")


@pytest.fixture
def keyboard(teleop, monkeypatch):
    """A teleop node with a keyboard that tests press, spun by the test itself: a window belongs to one thread."""
    pygame = pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(pygame.key, "get_focused", lambda: True)
    import rclpy

    node = teleop(spinning=False, window="true", device="keyboard", allow_headless=True)
    pygame.event.clear()

    def press(*keys):
        for key in keys:
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.key.key_code(key)))

    def release(*keys):
        for key in keys:
            pygame.event.post(pygame.event.Event(pygame.KEYUP, key=pygame.key.key_code(key)))

    def step():
        rclpy.spin_once(node, timeout_sec=0.05)

    node.press, node.release, node.step = press, release, step
    return node


def test_keys_move_the_arm_only_while_the_deadman_is_held(keyboard, world, wait_until):
    def last():
        keyboard.step()
        return world.actions[-1] if world.actions else None

    keyboard.press("w")
    wait_until(lambda: last() is not None and len(world.actions) >= 3, what="actions")
    assert all(not a.deadman and list(a.values) == [0.0] * 7 for a in world.actions)
    keyboard.press("space")
    moving = wait_until(lambda: (a := last()) and a.deadman and a, what="the deadman")
    np.testing.assert_allclose(moving.values, [0.2 * 0.5 * 0.02, 0, 0, 0, 0, 0, 0])
    assert moving.period == pytest.approx(0.02) and moving.action_space == Action.EE_DELTA
    keyboard.release("space")
    wait_until(lambda: not last().deadman, what="the deadman up")
    assert list(world.actions[-1].values) == [0.0] * 7


def test_tab_enables_a_policy_for_as_long_as_it_is_held_and_c_marks_an_instant_of_an_episode(
    keyboard, world, wait_until
):
    def enabled():
        keyboard.step()
        return world.actions and world.actions[-1].enable

    keyboard.press("tab")
    wait_until(enabled, what="the switch")
    assert not world.actions[-1].deadman
    keyboard.release("tab")
    wait_until(lambda: not enabled(), what="its release")

    status = world.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)
    status.publish(EpisodeStatus(state=EpisodeStatus.RECORDING, episode_id="episode_0003"))
    wait_until(lambda: (keyboard.step(), keyboard.buttons._recording)[1], what="the news of the episode")
    keyboard.press("c")
    wait_until(lambda: (keyboard.step(), world.events)[1], what="the mark")
    assert [(event.event, event.episode_id) for event in world.events] == [(EpisodeEvent.CLICK, "episode_0003")]


def test_a_key_that_goes_down_and_up_between_two_beats_counts(keyboard, world, wait_until):
    keyboard.press("space")
    wait_until(lambda: (keyboard.step(), world.actions and world.actions[-1].deadman)[1], what="the deadman")
    keyboard.press("g"), keyboard.release("g")
    wait_until(lambda: (keyboard.step(), world.actions[-1].values[6] == 1.0)[1], what="the gripper")


def test_taking_over_a_closed_gripper_keeps_it_closed(keyboard, world, wait_until):
    applied = world.create_publisher(AppliedAction, "panda/applied_action", SENSOR_QOS)

    def told():
        applied.publish(AppliedAction(gripper_width=0.0))
        keyboard.step()
        return keyboard._device._axes.gripper_width == 0.0

    wait_until(told, what="the arm's commanded width")
    keyboard.press("space")

    def held():
        keyboard.step()
        return world.actions and world.actions[-1].deadman and world.actions[-1]

    assert wait_until(held, what="the deadman").values[6] == 1.0


def test_the_window_says_for_as_long_as_the_arm_is_stopped_that_it_is(keyboard, world, wait_until, monkeypatch):
    applied, views = world.create_publisher(AppliedAction, "panda/applied_action", SENSOR_QOS), []
    monkeypatch.setattr(keyboard.window._window, "draw", views.append)

    def shown(limited_by):
        applied.publish(AppliedAction(limited_by=limited_by))
        keyboard.step()
        return views[-1].arm.stopped if views else None

    wait_until(lambda: shown(AppliedAction.STOPPED), what="the stop to be shown")
    wait_until(lambda: shown(AppliedAction.NO_DEADMAN) is False, what="its release to be shown")


def test_the_record_key_starts_an_episode_and_a_refusal_is_shown(keyboard, world, wait_until):
    asked = []

    def refuse(request, response):
        asked.append("start")
        response.success, response.message = False, "cameras/front/image/compressed is not arriving"
        return response

    world.create_service(Trigger, "collect/start", refuse)

    def ready():
        keyboard.step()
        return keyboard.verbs._clients["collect/start"].service_is_ready()

    wait_until(ready, what="the service")
    keyboard.press("r")

    def shown():
        keyboard.step()
        return next((call.text for call in keyboard.verbs.calls() if call.text), "")

    assert wait_until(shown, what="the answer") == "cameras/front/image/compressed is not arriving"
    assert asked == ["start"]


def test_without_the_collect_node_the_window_says_so(keyboard, wait_until):
    keyboard.press("r")

    def shown():
        keyboard.step()
        return next((call.text for call in keyboard.verbs.calls() if call.text), "")

    assert wait_until(shown, what="the answer") == "collect/start cannot be reached: is the collect node running?"


def test_closing_the_window_ends_the_node(keyboard, wait_until):
    import pygame

    pygame.event.post(pygame.event.Event(pygame.QUIT))

    def ended():
        keyboard.step()
        return keyboard.finished.is_set()

    wait_until(ended, what="the end")


def test_closing_the_window_of_another_device_leaves_the_device_at_work(teleop, world, wait_until, monkeypatch):
    pygame = pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    import rclpy

    node = teleop(spinning=False, window="true", device="none", allow_headless=True)
    pygame.event.post(pygame.event.Event(pygame.QUIT))

    def closed():
        rclpy.spin_once(node, timeout_sec=0.05)
        return node.window is None

    wait_until(closed, what="the window to close")
    before = len(world.actions)

    def beats():
        rclpy.spin_once(node, timeout_sec=0.05)
        return len(world.actions) > before + 5

    wait_until(beats, what="the heartbeat to go on")
    assert not node.finished.is_set()


def test_without_a_display_the_window_is_left_out_or_refused_with_a_cure(teleop, monkeypatch):
    pytest.importorskip("pygame")
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    assert teleop(spinning=False, device="none", window="auto").window is None
    with pytest.raises(NodeFailure, match=r"window:=true: .*set DISPLAY"):
        TeleopNode(parameter_overrides=[Parameter("device", value="none"), Parameter("window", value=True)])
    with pytest.raises(NodeFailure, match=r"keyboard needs the operator's window.*xvfb-run"):
        TeleopNode(parameter_overrides=[Parameter("device", value="keyboard"), Parameter("window", value="auto")])
