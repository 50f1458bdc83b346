"""Keys mean what the window says they mean."""

from __future__ import annotations

from muse_ros.teleop.keyboard import (
    ANGULAR_AXES,
    CLICK_KEY,
    DEADMAN_KEY,
    ENABLE_KEY,
    FASTER_KEY,
    GRIPPER_KEY,
    LINEAR_AXES,
    SERVICES,
    SLOWER_KEY,
    START_STOP_KEY,
    VERBS,
    help_lines,
    sample_of,
    service_of,
)
from muse_ros.teleop.mapping import VERBS as BUTTON_VERBS
from muse_ros.teleop.verbs import verb_service


def test_w_and_a_with_the_deadman_move_forward_and_left():
    sample = sample_of({"space", "w", "a"})
    assert sample.linear == (1.0, 1.0, 0.0) and sample.angular == (0.0, 0.0, 0.0) and sample.deadman


def test_opposite_keys_cancel():
    assert sample_of({"space", "w", "s"}).linear == (0.0, 0.0, 0.0)


def test_without_the_deadman_key_the_sample_says_so():
    assert not sample_of({"w"}).deadman


def test_no_key_has_two_meanings():
    axes = [key for axis in (*LINEAR_AXES, *ANGULAR_AXES) for key in (axis.positive, axis.negative)]
    keys = [*axes, DEADMAN_KEY, GRIPPER_KEY, FASTER_KEY, SLOWER_KEY, START_STOP_KEY, *(verb.key for verb in VERBS)]
    assert len(keys) == len(set(keys))


def test_the_help_names_every_key():
    shown = " ".join(keys for keys, _ in help_lines()).lower().split()
    axes = [key for axis in (*LINEAR_AXES, *ANGULAR_AXES) for key in (axis.positive, axis.negative)]
    others = {
        DEADMAN_KEY,
        GRIPPER_KEY,
        FASTER_KEY,
        SLOWER_KEY,
        CLICK_KEY,
        ENABLE_KEY,
        START_STOP_KEY,
        *(verb.key for verb in VERBS),
    }
    assert others | set(axes) == set(shown)


def test_one_key_starts_and_stops_an_episode():
    assert service_of(START_STOP_KEY, recording=False) == "collect/start"
    assert service_of(START_STOP_KEY, recording=True) == "collect/stop"


def test_motion_keys_call_no_service():
    assert service_of("w", recording=True) is None


def test_every_verb_of_a_button_calls_a_service_that_the_node_has_a_client_of():
    assert {verb_service(verb, recording) for verb in BUTTON_VERBS for recording in (False, True)} <= {*SERVICES}
    assert verb_service("start_stop", recording=True) == "collect/stop"
