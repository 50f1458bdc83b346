"""A mapping in words: what is printed on the device, and what it does."""

from __future__ import annotations

from muse_ros.teleop.mapping import BUTTONS, VERBS, AxisRule, ButtonRule, Mapping
from muse_ros.teleop.mapping_file import find_file, load_mapping
from muse_ros.teleop.mapping_words import MEANINGS, controls, mapping_lines


def test_every_button_and_verb_has_a_meaning():
    assert set(MEANINGS) == {*BUTTONS, *VERBS}


def test_a_gamepads_buttons_are_called_by_name():
    said = dict(controls(load_mapping(find_file("gamepad"))))
    assert (said["deadman"], said["gripper"], said["keep"]) == ("LEFT SHOULDER", "RIGHT TRIGGER", "A")
    assert "DPAD UP / DPAD DOWN pitch" in mapping_lines(load_mapping(find_file("gamepad")))


def test_a_device_without_names_has_numbers():
    rules = {"deadman": ButtonRule(button=4), "click": ButtonRule(axis=2)}
    mapping = Mapping("mine", "index", {"x": AxisRule(axis=1, minus_axis=3)}, rules)
    assert controls(mapping) == (("deadman", "BUTTON 4"), ("click", "AXIS 2"))
    assert mapping_lines(mapping)[-1] == "AXIS 1 / AXIS 3 x"


def test_a_spacemouse_has_buttons_left_and_right():
    assert dict(controls(load_mapping(find_file("spacemouse"))))["deadman"].endswith(" BUTTON")
