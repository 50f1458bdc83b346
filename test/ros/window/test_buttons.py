"""A button is bright when its verb would not be refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from muse_ros.recording.session import State
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
)
from muse_ros.window.buttons import LABELS, OVERLAY, OVERLAY_KEY, STOP, TYPE_KEY, buttons
from muse_ros.window.view import ArmView, CallView, EpisodeView


def bright(shown):
    return {button.label for button in buttons(shown) if button.legal}


@pytest.mark.parametrize(
    ("state", "labels"),
    [
        (State.READY, {"Start", "Undo", "Reset", "Go home", "Last start", "Note", "STOP"}),
        (State.RECORDING, {"End", "Success", "Failure", "Discard", "Note", "STOP"}),
        (State.SAVING, {"Note", "STOP"}),
    ],
)
def test_the_bright_buttons_are_those_that_are_legal_now(state, labels, view):
    assert bright(view(state)) == labels


def test_in_deciding_all_four_answers_are_bright(view):
    assert {"Keep", "Discard", "Success", "Failure"} <= bright(view(State.DECIDING))


def test_what_the_recorder_calls_legal_is_what_counts(view, episode):
    assert "Undo" not in bright(view(episode=episode(legal_verbs=("start",))))


def test_of_silent_nodes_nothing_is_legal_but_the_stop(view):
    shown = view()
    assert bright(replace(shown, arm=ArmView(silent_s=1.0), episode=EpisodeView())) == {"STOP"}
    assert not {"Start", "Undo", "Note"} & bright(replace(shown, episode=replace(shown.episode, silent_s=2.0)))
    assert "STOP" in bright(replace(shown, episode=replace(shown.episode, silent_s=2.0)))


def test_a_stopped_arm_can_be_released_and_nothing_else(view):
    shown = bright(view(arm=ArmView(known=True, robot="sim", stopped=True)))
    assert "Recover" in shown and not {"STOP", "Go home"} & shown


def test_the_last_start_can_be_seen_between_episodes_once_there_was_one(view, episode):
    assert "Last start" not in bright(view(episode=episode(episode_id="")))
    lit = {button.action: button.lit for button in buttons(view(overlay=True))}
    assert lit[OVERLAY]


def test_a_call_shows_on_its_button(view):
    shown = view(calls=(CallView("collect/start", "pending"), CallView("panda/home", "refused", "no")))
    assert {button.action: button.state for button in buttons(shown) if button.state} == {
        "collect/start": "pending",
        "panda/home": "refused",
    }


def test_every_verb_has_a_button_two_rows_are_full_and_stop_is_the_last(view):
    shown = buttons(view())
    assert len(shown) % 2 == 0 and shown[-1].action == STOP
    assert set(SERVICES) - {"collect/stop"} <= {button.action for button in shown}
    assert set(SERVICES) <= set(LABELS)


def test_no_key_of_the_window_has_a_second_meaning():
    axes = [key for axis in (*LINEAR_AXES, *ANGULAR_AXES) for key in (axis.positive, axis.negative)]
    others = [
        *axes,
        CLICK_KEY,
        ENABLE_KEY,
        DEADMAN_KEY,
        GRIPPER_KEY,
        FASTER_KEY,
        SLOWER_KEY,
        START_STOP_KEY,
        *(verb.key for verb in VERBS),
    ]
    assert not {OVERLAY_KEY, TYPE_KEY} & set(others)
