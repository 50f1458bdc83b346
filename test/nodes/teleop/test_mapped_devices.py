"""Gamepad, Joy and SpaceMouse end to end: what the hardware says comes out as Action messages, worked out by hand."""

from __future__ import annotations

import math
import os
import struct

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_ros.msg")

from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import Joy
from std_srvs.srv import Trigger

from muse_ros.bridge import STATUS_QOS
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import Action, EpisodeEvent, EpisodeStatus
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.teleop.raw_input import DeviceError

LEFT_X, LEFT_Y, RIGHT_TRIGGER = 0, 1, 5
A, START, LEFT_SHOULDER, RIGHT_SHOULDER, DPAD_UP = 0, 6, 9, 10, 11
STRAIGHT = """
layout: gamepad
motion: {x: {axis: left_y, sign: -1, dead_zone: 0.05}, y: {axis: left_x, sign: -1, dead_zone: 0.05}}
buttons:
  deadman: {button: left_shoulder}
  enable: {button: right_shoulder}
  gripper: {axis: right_trigger, press: 0.6, release: 0.3}
  click: {button: a}
verbs: {start_stop: {button: start}, home: {button: dpad_up, deadman: up}}
"""


@pytest.fixture
def straight(tmp_path):
    path = tmp_path / "straight.yaml"
    path.write_text(STRAIGHT)
    return str(path)


def test_a_gamepads_stick_moves_the_arm_with_the_deadman_and_without_any_window(rig, virtual_pad, straight):
    virtual_pad.plug()
    pad = rig(device="gamepad", mapping=straight, linear_speed=0.2, speed_step=2)
    virtual_pad.axis(LEFT_Y, -0.525)
    still = pad.beat()
    assert not still.deadman and list(still.values) == [0.0] * 7
    virtual_pad.button(LEFT_SHOULDER)
    moving = pad.beat()
    assert moving.deadman and moving.action_space == Action.EE_DELTA and moving.period == 0.02
    # (0.525 - 0.05) / 0.95 = 0.5 of 0.2 m/s at half speed for 0.02 s
    np.testing.assert_allclose(moving.values, [0.5 * 0.2 * 0.5 * 0.02, 0, 0, 0, 0, 0, 0], atol=1e-7)
    virtual_pad.axis(LEFT_Y, -0.05)
    assert list(pad.beat().values) == [0.0] * 7, "at the edge of the dead zone"
    virtual_pad.axis(LEFT_Y, -1.0), virtual_pad.axis(LEFT_X, -1.0)
    assert np.linalg.norm(pad.beat().values[:3]) == pytest.approx(0.002), "a diagonal is no faster"


def test_a_pad_unplugged_in_motion_lifts_the_deadman_and_replugged_needs_a_new_press(rig, virtual_pad, straight):
    virtual_pad.plug()
    pad = rig(device="gamepad", mapping=straight)
    virtual_pad.button(LEFT_SHOULDER), virtual_pad.axis(LEFT_Y, -1.0)
    assert pad.beat().deadman and pad.beat().values[0] > 0
    virtual_pad.unplug()
    gone = pad.beat()
    assert not gone.deadman and list(gone.values) == [0.0] * 7
    assert pad.told() == "gamepad 'Virtual Controller' was unplugged"

    virtual_pad.plug()
    virtual_pad.button(LEFT_SHOULDER), virtual_pad.axis(LEFT_Y, -1.0)
    held = [pad.beat() for _ in range(5)]
    assert not any(action.deadman for action in held)
    assert pad.told() == "let go of the deadman, then press it"
    virtual_pad.button(LEFT_SHOULDER, False), pad.beat()
    virtual_pad.button(LEFT_SHOULDER)
    assert pad.beat().deadman and pad.told() == ""


def test_a_pad_unplugged_in_motion_leaves_the_window_at_work(rig, virtual_pad, straight, monkeypatch):
    """pygame's queue of events fails on those of a pad that is gone."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    virtual_pad.plug()
    pad = rig(device="gamepad", mapping=straight, window="true", allow_headless=True)
    for _ in range(2):
        virtual_pad.button(LEFT_SHOULDER), virtual_pad.axis(LEFT_Y, -1.0)
        assert pad.beat().deadman
        virtual_pad.unplug()
        assert not pad.beat().deadman
        virtual_pad.plug(), pad.beat()
    assert pad.node.window


def test_an_unplugged_pad_is_named_on_diagnostics(rig, virtual_pad, world, wait_until):
    pad = rig(device="gamepad")

    def named():
        pad.beat()
        statuses = [status for array in world.diagnostics for status in array.status]
        return next(
            (s for s in statuses if s.message.startswith("there is no gamepad whose name holds 'virtual'")), None
        )

    status = wait_until(named, what="the diagnostics")
    assert status.name == "teleop: gamepad" and status.level == status.ERROR


def test_a_pad_that_may_not_be_read_is_told_from_one_that_is_not_there(virtual_pad, tmp_path):
    from muse_ros.teleop.gamepad import Gamepad
    from muse_ros.teleop.mapping_file import find_file, load_mapping

    if pytest.importorskip("pygame").joystick.get_count():
        pytest.skip("a gamepad is plugged in here")
    pad = Gamepad(load_mapping(find_file("gamepad")), input_folder=tmp_path)
    with pytest.raises(DeviceError, match="there is no gamepad: plug one in"):
        pad.read(0)
    (tmp_path / "js0").touch()
    with pytest.raises(DeviceError, match="js0 is there, but SDL may not read it: join the group `input`"):
        pad.read(0)


def test_the_gripper_toggles_once_while_the_trigger_is_held_for_a_hundred_beats(rig, virtual_pad, straight):
    virtual_pad.plug()
    pad = rig(device="gamepad", mapping=straight)
    virtual_pad.button(LEFT_SHOULDER), pad.beat()
    virtual_pad.axis(RIGHT_TRIGGER, 0.9)
    assert [pad.beat().values[6] for _ in range(100)] == [1.0] * 100
    virtual_pad.axis(RIGHT_TRIGGER, -1.0), pad.beat(), pad.beat()
    virtual_pad.axis(RIGHT_TRIGGER, 0.9)
    assert pad.beat().values[6] == 0.0


def test_every_heartbeat_of_a_device_that_is_not_there_is_published(rig, world, wait_until):
    pad = rig(device="spacemouse")
    first, beats = pad.beat(), pad.node.beats
    for _ in range(25):
        last = pad.beat()
    assert pad.node.beats - beats >= 25
    stamps = [time_ns(action.header.stamp) for action in world.actions]
    between = stamps[stamps.index(time_ns(first.header.stamp)) : stamps.index(time_ns(last.header.stamp)) + 1]
    assert len(between) - 1 == pad.node.beats - beats
    assert not any(action.deadman or any(action.values) for action in world.actions)


def test_buttons_enable_mark_and_call_verbs_once_a_press(rig, virtual_pad, world, wait_until, straight):
    called = []
    for service in ("collect/start", "collect/stop", "panda/home"):
        world.create_service(Trigger, service, lambda _, answer, service=service: (called.append(service), answer)[1])
    virtual_pad.plug()
    pad = rig(device="gamepad", mapping=straight)
    clients = pad.node.verbs._clients
    pad.until(
        lambda _: clients["collect/start"].service_is_ready() and clients["panda/home"].service_is_ready(), "them"
    )

    def press(button, beats=5):
        virtual_pad.button(button)
        found = [pad.beat() for _ in range(beats)]
        virtual_pad.button(button, False)
        pad.beat(), pad.beat()
        return found

    assert all(action.enable and not action.deadman for action in press(RIGHT_SHOULDER))
    assert not pad.beat().enable
    press(A), press(START)
    pad.until(lambda _: called == ["collect/start"], "the start")
    assert not world.events, "a click between episodes marks nothing"

    status = world.create_publisher(EpisodeStatus, "collect/status", STATUS_QOS)
    status.publish(EpisodeStatus(state=EpisodeStatus.RECORDING, episode_id="episode_0007"))
    pad.until(lambda _: pad.node.buttons._recording, "the news of the episode")
    press(A), press(START), press(DPAD_UP)
    pad.until(lambda _: called == ["collect/start", "collect/stop", "panda/home"], "the verbs")
    wait_until(lambda: world.events, what="the mark")
    assert [(e.event, e.episode_id) for e in world.events] == [(EpisodeEvent.CLICK, "episode_0007")]


def test_a_pad_that_sdl_does_not_know_is_read_by_number(rig, virtual_pad):
    virtual_pad.plug(axes=8, buttons=11, kind=0)
    named = rig(device="gamepad")
    named.beat()
    assert "SDL does not know the buttons of 'Virtual Joystick'" in named.told()
    assert "mapping:=xbox_by_index" in named.told()


def test_the_shipped_mapping_by_number_moves_a_pad_of_eight_axes(rig, virtual_pad):
    virtual_pad.plug(axes=8, buttons=11, kind=0)
    for trigger in (2, 5):
        virtual_pad.axis(trigger, -1.0)
    pad = rig(device="gamepad", mapping="xbox_by_index", speed_step=3)
    virtual_pad.button(4), virtual_pad.axis(4, -1.0)
    np.testing.assert_allclose(pad.beat().values, [0, 0, 0.2 * 0.02, 0, 0, 0, 0], atol=1e-12)


def test_in_the_tool_frame_a_stick_moves_along_the_tool_and_without_its_pose_not_at_all(rig, virtual_pad, straight):
    virtual_pad.plug()
    pad = rig(device="gamepad", mapping=straight, frame="tool", speed_step=3)
    virtual_pad.button(LEFT_SHOULDER), virtual_pad.axis(LEFT_X, -1.0)
    assert not pad.beat().deadman
    assert pad.told().startswith("nothing has come on /panda/ee_pose yet")
    pose = PoseStamped()
    pose.pose.orientation.x, pose.pose.orientation.w = 1.0, 0.0  # the tool looks down: its y is the base's -y
    heard = pad.until(lambda _: "ee_pose" not in pad.told(), "the pose", "panda/ee_pose", pose)
    assert not heard.deadman, "the press was made before the pose came"
    virtual_pad.button(LEFT_SHOULDER, False)
    pad.until(lambda _: not pad.told(), "the release", "panda/ee_pose", pose)
    virtual_pad.button(LEFT_SHOULDER)
    moving = pad.until(lambda action: action.deadman, "motion", "panda/ee_pose", pose)
    np.testing.assert_allclose(moving.values[:3], [0, -0.004, 0], atol=1e-12)
    pad.until(lambda action: not action.deadman, "the pose's silence")
    back = pad.until(lambda _: "ee_pose" not in pad.told(), "the pose again", "panda/ee_pose", pose)
    assert not back.deadman, "held through the gap"


def joy(x=0.0, deadman=0, buttons=15):
    message = Joy(axes=[0.0, x, 0.0, 0.0, 0.0, 0.0], buttons=[0] * buttons)
    message.buttons[LEFT_SHOULDER] = deadman
    return message


def test_joy_moves_the_arm_until_it_falls_silent(rig):
    pad = rig(device="joy", speed_step=3)
    assert "ros2 run joy game_controller_node" in pad.told()
    pad.until(lambda _: not pad.told(), "the topic", "joy", joy())
    moving = pad.until(lambda action: action.deadman, "motion", "joy", joy(x=1.0, deadman=1))
    np.testing.assert_allclose(moving.values, [0.2 * 0.02, 0, 0, 0, 0, 0, 0], atol=1e-12)
    pad.until(lambda action: not action.deadman, "silence")
    assert "/joy has been silent for more than 0.5 s" in pad.told()
    back = pad.until(lambda _: "silent" not in pad.told(), "its return", "joy", joy(x=1.0, deadman=1))
    assert not back.deadman, "held through the gap"


def test_an_axis_of_joy_that_is_no_number_moves_nothing(rig):
    pad = rig(device="joy")
    pad.until(lambda _: not pad.told(), "the topic", "joy", joy())
    bad = joy(x=math.nan, deadman=1)
    still = pad.until(lambda _: pad.told() == "axis 1 (x) says nan", "the error", "joy", bad)
    assert list(still.values) == [0.0] * 7 and not still.deadman


def test_joy_with_too_few_axes_is_named(rig):
    pad = rig(device="joy")
    words = "mapping joy names axis 2 (yaw), axis 3 (z)"
    pad.until(lambda _: words in pad.told(), "the error", "joy", Joy(axes=[0.0, 0.0], buttons=[0]))


def test_a_spacemouse_on_a_pipe_moves_the_arm(rig, tmp_path, monkeypatch):
    from muse_ros.nodes.devices import mapped
    from muse_ros.teleop.spacemouse import SpaceMouse

    (tmp_path / "sys/hidraw2/device").mkdir(parents=True)
    (tmp_path / "sys/hidraw2/device/uevent").write_text("HID_ID=0003:0000256F:0000C635\nHID_NAME=3Dconnexion\n")
    os.mkfifo(tmp_path / "hidraw2")
    monkeypatch.setattr(mapped, "SpaceMouse", lambda: SpaceMouse(tmp_path / "sys", tmp_path))
    writer = os.open(tmp_path / "hidraw2", os.O_RDWR)
    mouse = rig(device="spacemouse", speed_step=3)
    os.write(writer, struct.pack("<BB", 3, 0b10))
    assert mouse.beat().deadman
    os.write(writer, struct.pack("<B6h", 1, 0, 0, -350, 0, 0, 350))  # lifted, and twisted clockwise seen from above
    moving = mouse.beat()
    np.testing.assert_allclose(moving.values, [0, 0, 0.004, 0, 0, -0.01, 0], atol=1e-12)
    os.write(writer, struct.pack("<B6h", 1, 0, 0, 0, 0, 0, 0))
    assert list(mouse.beat().values) == [0.0] * 7
    os.close(writer)
    assert not mouse.beat().deadman and mouse.told() == "the SpaceMouse was unplugged"


def test_a_mapping_or_device_that_is_not_there_is_refused_with_the_choices(teleop):
    with pytest.raises(NodeFailure, match="parameter mapping: there is no mapping 'x'; there are buttons, gamepad"):
        teleop(device="joy", mapping="x", window="false")
    with pytest.raises(
        NodeFailure, match="one of keyboard, gamepad, joy, spacemouse, twist, pose, joint, expert, none"
    ):
        teleop(device="wand", window="false")
