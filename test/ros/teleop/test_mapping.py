"""Axes and buttons become what the operator wants: dead zones, edges, thresholds, and a deadman that crosses no gap."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from muse_core.geometry import quaternion_from_rotation_vector
from muse_ros.teleop.input_mapper import InputMapper
from muse_ros.teleop.mapper import DeviceSample, TwistMapper, TwistSettings
from muse_ros.teleop.mapping import VERBS, AxisRule, ButtonRule, Mapping
from muse_ros.teleop.mapping_file import MappingError, find_file, load_mapping
from muse_ros.teleop.raw_input import DeviceError, RawInput

SHIPPED = sorted(path for path in (Path(__file__).parents[3] / "config/teleop").glob("*.yaml") if path.stem != "gello")
DEADMAN, GRIPPER, TRIGGER = 0, 1, 0


def pad(**changes):
    """x on axis 1; buttons: the deadman, the gripper, keep, and home, which counts with the deadman up only."""
    rules = {
        "motion": {"x": AxisRule(axis=1, dead_zone=0.1)},
        "buttons": {"deadman": ButtonRule(button=0), "gripper": ButtonRule(button=1)},
        "verbs": {"keep": ButtonRule(button=2), "home": ButtonRule(button=3, deadman="up")},
    } | changes
    return InputMapper(Mapping("test", "index", **rules))


def raw(*down, x=0.0, trigger=0.0):
    return RawInput((trigger, x), tuple(i in down for i in range(4)))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_mapping_that_muse_ships_loads(path: Path):
    assert load_mapping(path).name == path.stem
    assert find_file(path.stem) == path


def test_motion_starts_at_zero_beyond_the_dead_zone_and_is_full_at_the_end():
    rule = AxisRule(axis=0, dead_zone=0.05)
    found = [rule.deflection((value,), ()) for value in (0.0, 0.05, -0.05, 0.24, -0.24, 1.0, -1.0, 1.3)]
    np.testing.assert_allclose(found, [0, 0, 0, 0.2, -0.2, 1, -1, 1], atol=1e-12)  # 0.24 - 0.05 = 0.2 of 0.95


def test_sign_scale_and_curve_shape_what_lies_beyond_the_dead_zone():
    rule = AxisRule(axis=0, sign=-1, scale=0.5, dead_zone=0.0, curve=1.0)
    assert rule.deflection((0.5,), ()) == pytest.approx(-0.5 * 0.125)


def test_a_trigger_that_rests_at_one_moves_by_its_travel_and_two_pull_against_each_other():
    rule = AxisRule(axis=0, minus_axis=1, rest=1.0, full=-1.0, dead_zone=0.0)
    assert rule.deflection((0.0, 1.0), ()) == pytest.approx(0.5)
    assert rule.deflection((1.0, -1.0), ()) == pytest.approx(-1.0)
    assert rule.deflection((-1.0, -1.0), ()) == 0.0


def test_two_buttons_make_an_axis():
    rule = AxisRule(plus=0, minus=1, scale=0.5)
    assert [rule.deflection((), b) for b in ((True, False), (False, True), (True, True))] == [0.5, -0.5, 0.0]


def test_the_gripper_toggles_once_while_its_button_is_held_for_a_hundred_samples():
    """The original's gripper toggled every other step for as long as the trigger was held."""
    mapper, twist = pad(), TwistMapper()
    mapper.step(raw())
    steps = [twist.step(mapper.step(raw(DEADMAN)))[6]]
    steps += [twist.step(mapper.step(raw(DEADMAN, GRIPPER)))[6] for _ in range(100)]
    assert steps == [0.0] + [1.0] * 100


def test_a_trigger_that_trembles_between_its_thresholds_is_one_press():
    mapper = pad(buttons={"deadman": ButtonRule(button=0), "gripper": ButtonRule(axis=0, press=0.6, release=0.4)})
    values = (0.0, 0.59, 0.61, 0.45, 0.45, 0.41, 0.61, 0.39, 0.39, 0.5, 0.6)
    found = [mapper.step(raw(trigger=value)).gripper for value in values]
    assert found == [False, False, True, True, True, True, True, True, False, False, True]


def test_a_contact_that_bounces_is_one_press():
    mapper = pad()
    found = [mapper.step(raw(*down)).gripper for down in ((), (1,), (), (1,), (1,), (), (), ())]
    assert found == [False, True, True, True, True, True, False, False]


def test_letting_the_deadman_go_counts_at_once():
    mapper = pad()
    assert [mapper.step(raw(*down)).deadman for down in ((), (0,), (), (0,))] == [False, True, False, True]


def test_a_deadman_that_is_down_when_the_device_comes_counts_only_after_it_was_let_go():
    mapper = pad()
    assert not mapper.step(raw(DEADMAN)).deadman
    assert mapper.waits_for_release
    mapper.step(raw())
    assert mapper.step(raw(DEADMAN)).deadman
    mapper.lose()
    assert not mapper.step(raw(DEADMAN)).deadman, "replugged with the switch held"
    mapper.step(raw())
    assert mapper.step(raw(DEADMAN)).deadman
    assert not mapper.waits_for_release


def test_a_verb_button_that_is_down_when_the_device_comes_back_calls_nothing():
    mapper = pad()
    mapper.step(raw())
    assert mapper.step(raw(2)).verbs == {"keep"}
    mapper.lose()
    assert mapper.step(raw(2)).verbs == frozenset()


def test_a_press_for_the_arm_does_not_become_a_verb_when_the_deadman_is_let_go():
    mapper = pad()
    mapper.step(raw())
    assert mapper.step(raw(3)).verbs == {"home"}
    mapper.step(raw()), mapper.step(raw())
    mapper.step(raw(DEADMAN))
    assert mapper.step(raw(DEADMAN, 3)).verbs == frozenset()
    assert mapper.step(raw(3)).verbs == frozenset(), "the press began while it moved the arm"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_axis_that_is_no_number_lifts_the_deadman_until_it_is_pressed_anew(value: float):
    mapper = pad()
    mapper.step(raw())
    assert mapper.step(raw(DEADMAN, x=0.5)).deadman
    with pytest.raises(DeviceError, match=rf"axis 1 \(x\) says {value}"):
        mapper.step(raw(DEADMAN, x=value))
    assert not mapper.step(raw(DEADMAN, x=0.5)).deadman


def test_a_device_with_too_few_axes_is_named_and_a_missing_button_is_up():
    mapper = pad()
    with pytest.raises(DeviceError, match=r"mapping test names axis 1 \(x\), and the device has 1"):
        mapper.step(RawInput((0.0,), (False,)))
    assert mapper.step(RawInput((0.0, 0.0), ())) == DeviceSample()
    assert "button 3 (home)" in mapper.mapping.lacking("button", 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("moton: {}", "there is no key 'moton'; did you mean 'motion'? known are layout, motion, buttons, verbs"),
        ("layout: pad", "layout must be one of index, gamepad, spacemouse, got 'pad'"),
        ("motion: {w: {axis: 1}}", "motion: there is no key 'w'; known are x, y, z, roll, pitch, yaw"),
        ("motion: {x: {axis: 1, deadzone: 0.1}}", "motion.x: there is no key 'deadzone'; did you mean 'dead_zone'?"),
        ("motion: {x: {sign: -1}}", "motion.x: needs either `axis`, or `plus` and `minus`"),
        ("motion: {x: {axis: left_x}}", "motion.x.axis: must be an index from 0, got 'left_x'"),
        ("layout: gamepad\nmotion: {x: {axis: left}}", "motion.x.axis: must be one of left_x, left_y"),
        ("motion: {x: {axis: 1, scale: fast}}", "motion.x.scale: must be a number, got 'fast'"),
        ("motion: {x: {axis: 1, dead_zone: 1.0}}", "dead_zone must be at least 0.0 and at most 0.9, got 1.0"),
        ("motion: {x: {axis: 1, sign: 2}}", "sign must be 1 or -1, got 2"),
        ("buttons: {deadman: {axis: 1, press: 0.3}}", "release must be above 0 and below press (0.3), got 0.4"),
        ("verbs: {fly: {button: 1}}", "known are " + ", ".join(VERBS)),
        ("verbs: {keep: 3}", "verbs.keep: must hold keys such as {button: 0}, got 3"),
        ("motion: {}", "buttons.deadman is missing: without a switch that is held nothing may move"),
        ("- a", "must hold keys and values, got list"),
        ("motion: {x: [", "while parsing"),
    ],
)
def test_a_mapping_that_means_nothing_is_refused_in_words(tmp_path: Path, text: str, words: str):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(MappingError) as error:
        load_mapping(path)
    assert str(error.value).startswith(str(path))
    assert words in str(error.value)


def test_a_mapping_that_is_not_there_lists_those_that_are(tmp_path: Path):
    with pytest.raises(MappingError, match="no mapping 'xbox'; there are buttons, gamepad, gello, joy, spacemouse"):
        find_file("xbox")
    with pytest.raises(MappingError, match=r"mine\.yaml: there is no such file"):
        find_file(str(tmp_path / "mine.yaml"))


def test_a_stick_at_six_tenths_moves_by_hand_worked_metres():
    """(0.6 - 0.1) / 0.9 of 0.2 m/s at half speed for 0.02 s."""
    mapper, twist = pad(), TwistMapper(TwistSettings(scale_index=2))
    mapper.step(raw())
    values = twist.step(mapper.step(raw(DEADMAN, x=0.6)))
    assert values[0] == pytest.approx(5 / 9 * 0.2 * 0.5 * 0.02)
    assert not values[1:].any()


def test_a_turn_about_a_skew_axis_is_the_turn_that_was_asked_for():
    """The original executed a rotation vector as if it were Euler angles, which is right for tiny turns only."""
    from muse_core.geometry import quaternion_from_euler

    settings = TwistSettings(angular_speed=2.0, period_s=0.5, scale_index=3)
    values = TwistMapper(settings).step(DeviceSample(angular=(0.6, 0.0, 0.8), deadman=True))
    np.testing.assert_allclose(
        quaternion_from_euler(values[3:6]), quaternion_from_rotation_vector(np.array([0.6, 0.0, 0.8])), atol=1e-12
    )
