"""The operator is told one thing at a time: the most urgent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from muse_ros.recording.session import Outcome, State
from muse_ros.window.entry import Typing
from muse_ros.window.prompt import Tone, prompt, seconds
from muse_ros.window.view import ArmView, CallView, Level, PolicyView, StreamView, TeleopView, WindowView


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.READY, "press R to start episode 4"),
        (State.RECORDING, "Recording episode 3. R ends it"),
        (State.DECIDING, "Was it a success? Y or N. Then ENTER keeps it, X discards it."),
        (State.SAVING, "Saving episode 3"),
        (State.FAULT, "Something failed. X discards"),
    ],
)
def test_every_state_names_the_key_to_press_next(state, said, view):
    assert said in prompt(view(state)).text


def test_with_a_gamepad_in_hand_its_buttons_are_named_in_every_state(view):
    names = [("deadman", "LEFT SHOULDER"), ("gripper", "RIGHT TRIGGER"), ("start_stop", "START"), ("keep", "A")]
    names += [("enable", "RIGHT SHOULDER"), ("recover", "GUIDE")]
    pad = TeleopView(device="gamepad", controls=tuple(names))
    said = "On the gamepad: LEFT SHOULDER hold to move the arm, RIGHT TRIGGER opens / closes the gripper, START starts"
    assert prompt(view(State.READY, teleop=pad)).detail.startswith(said)
    assert (
        prompt(view(State.DECIDING, teleop=pad)).detail == "On the gamepad: A keeps. On the keyboard: Y, N, ENTER, X."
    )
    assert prompt(view(arm=ArmView(known=True, stopped=True), teleop=pad)).detail == (
        "On the gamepad: GUIDE releases the stop."
    )
    beside = view(State.RECORDING, teleop=pad, policy=PolicyView("ACTING"), arm=ArmView(known=True, enabled=False))
    taking = "LEFT SHOULDER takes the arm from the policy."
    assert prompt(beside).detail == f"Hold RIGHT SHOULDER or TAB: only then the policy may move the arm. {taking}"


def test_a_policy_that_has_stopped_in_an_episode_that_goes_on_is_told(view):
    shown = prompt(view(State.RECORDING, policy=PolicyView("STOPPED", reason="nothing heard")))
    assert "but the policy has stopped" in shown.text and shown.detail == "nothing heard" and shown.tone is Tone.BAD


def test_from_a_policy_that_only_looks_on_nobody_takes_the_arm(view):
    assert "hold SPACE" in prompt(view(State.RECORDING, policy=PolicyView("SHADOW"))).detail


def test_no_refusal_hides_that_the_arm_is_stopped(view):
    refused = (CallView("panda/home", "refused", "the arm is stopped: recover it"),)
    shown = prompt(view(arm=ArmView(known=True, stopped=True), calls=refused))
    assert "STOPPED" in shown.text and shown.detail == "the arm is stopped: recover it"


def test_why_an_episode_ended_that_nobody_ended_is_not_buried_in_advice(view, episode):
    said = "episode_0003 is unlabelled (it ended because 0.93 GB free (of 9)): label it success or failure, then keep"
    shown = prompt(view(State.DECIDING, episode=episode(State.DECIDING, message=said)))
    assert shown.text.startswith("It ended by itself. Y or N") and shown.tone is Tone.WARN
    assert shown.detail == "Why: 0.93 GB free (of 9)"


def test_before_the_first_episode_it_is_number_zero_but_not_in_a_session_that_goes_on(view, episode):
    assert "start episode 0" in prompt(view(episode=episode(episode_id="", index=0, kept=0, discarded=0))).text
    assert "start the next episode" in prompt(view(episode=episode(episode_id="", index=0, kept=0, discarded=2))).text


def test_waiting_counts_the_streams_that_are_not_well_and_gives_the_recorders_reason(view, episode):
    streams = (StreamView("/a", Level.MISSING), StreamView("/b", Level.DEGRADED), StreamView("/c"))
    said = prompt(view(episode=episode(State.IDLE, message="waiting: /a is silent"), streams=streams))
    assert said.text == "Not ready yet: 2 streams are not well." and said.detail == "/a is silent"
    assert said.tone is Tone.WARN


def test_a_labelled_episode_is_only_asked_whether_to_keep_it(view, episode):
    said = prompt(view(episode=episode(State.DECIDING, outcome=Outcome.FAILURE)))
    assert said.text == "It was a failure. ENTER keeps it, X discards it."


def test_a_device_that_is_gone_is_told_until_it_is_back(view):
    shown = view(State.READY)
    gone = replace(shown, teleop=replace(shown.teleop, device="gamepad", problem="there is no gamepad: plug one in"))
    assert prompt(gone).text == "The gamepad moves nothing: there is no gamepad: plug one in."
    assert prompt(gone).tone is Tone.WARN
    assert "Ready" in prompt(shown).text


def test_a_dead_arm_comes_before_a_dead_recorder_and_both_before_a_refusal(view):
    refused = (CallView("collect/keep", "refused", "no episode awaits a decision"),)
    shown = view(calls=refused)
    assert prompt(shown).text == "Not done: Keep"
    assert prompt(shown).detail == "no episode awaits a decision"
    shown = replace(shown, episode=replace(shown.episode, silent_s=1.2))
    assert "recorder (collect) has been silent for 1.2 s" in prompt(shown).text
    shown = replace(shown, arm=replace(shown.arm, silent_s=0.6))
    assert "(panda) has been silent for 0.6 s" in prompt(shown).text


def test_a_recorder_that_dies_in_an_episode_is_not_said_to_have_kept_it(view, episode):
    running = view(episode=episode(State.RECORDING, silent_s=2.0))
    assert "cut short" in prompt(running).detail


def test_a_stopped_arm_is_told_until_it_is_released(view):
    said = prompt(view(arm=ArmView(known=True, stopped=True)))
    assert "STOPPED" in said.text and "P" in said.text and said.tone is Tone.BAD


def test_only_a_keyboard_needs_the_focus(view):
    away = view(focused=False)
    assert "Click into this window" in prompt(away).text
    assert "Click" not in prompt(replace(away, teleop=replace(away.teleop, device="gamepad"))).text


def test_while_typing_the_keys_of_typing_are_told_and_a_problem_is_too(view):
    assert "Type the note: ENTER saves" in prompt(view(typing=Typing("note", "x"))).text
    assert "a seed is a whole number" in prompt(view(typing=Typing("seed", "x", "a seed is a whole number"))).text


def test_with_nothing_running_it_says_what_to_start():
    said = prompt(WindowView())
    assert "Waiting for the arm and the recorder" in said.text and "muse up collect" in said.detail
    alone = prompt(WindowView(arm=ArmView(known=True), teleop=TeleopView("keyboard"), focused=True))
    assert "nothing is recorded" in alone.text and "hold SPACE" in alone.detail


def test_an_alarm_is_told_with_what_to_do_about_it(view, episode):
    said = prompt(view(episode=episode(State.RECORDING, alarm=True, message="/a is silent")))
    assert "a stream fails: R ends it, X throws it away" in said.text and said.detail == "/a is silent"


def test_durations_read_well():
    assert [seconds(value) for value in (0.84, 12.3, 185.0)] == ["0.8 s", "12 s", "3:05 min"]


def test_advice_that_the_window_gives_itself_is_not_repeated_but_what_goes_beyond_it_is(view, episode):
    assert "hold SPACE" in prompt(view(episode=episode(message="ready: start"))).detail
    more = "ready: set the table as it was, then start"
    assert prompt(view(episode=episode(message=more))).detail == more
    disk = prompt(view(episode=episode(message="ready: start; only 3 GB free"))).detail
    assert disk == "only 3 GB free"
    alarm = "recording episode_0003: stop, success or failure ends it; /a is silent"
    assert prompt(view(episode=episode(State.RECORDING, message=alarm, alarm=True))).detail == "/a is silent"
    ended = "episode_0003 is unlabelled (it ended because the disk is full): label it success or failure, then keep"
    assert (
        prompt(view(State.DECIDING, episode=episode(State.DECIDING, message=ended))).detail == "Why: the disk is full"
    )


def test_beside_a_policy_the_switch_is_asked_for_where_the_arm_wants_it(view):
    shown = view(State.RECORDING, policy=PolicyView("ACTING"))
    assert prompt(shown).detail == "SPACE takes the arm from the policy."
    real = replace(shown, arm=ArmView(known=True, enabled=False))
    assert "Hold TAB" in prompt(real).detail
    assert "Hold TAB" not in prompt(replace(real, teleop=replace(real.teleop, enable=True))).detail


def test_a_deadman_that_does_not_count_is_to_be_let_go_of_by_its_name(view):
    held = TeleopView(device="keyboard", deadman=True)
    arm = ArmView(known=True, to_be_released=True)
    shown = prompt(view(State.RECORDING, teleop=held, arm=arm))
    assert shown.text == "Let go of SPACE, then press it: only then the device moves the arm."
    pad = replace(held, device="gamepad", controls=(("deadman", "LEFT SHOULDER"),))
    assert "Let go of LEFT SHOULDER, then" in prompt(view(teleop=pad, arm=arm)).text
    assert "Let go of the deadman, then" in prompt(view(teleop=replace(held, device="twist"), arm=arm)).text
    policy = replace(arm, source="policy")
    assert "Let go of SPACE" in prompt(view(teleop=held, arm=policy)).text, "it takes nothing from the policy either"


def test_a_deadman_that_counts_or_is_up_is_not_to_be_let_go_of(view):
    held = TeleopView(device="keyboard", deadman=True)
    for teleop, arm in (
        (TeleopView(device="keyboard"), ArmView(known=True, to_be_released=True)),
        (held, ArmView(known=True, to_be_released=True, source="teleop")),  # diagnostics are a second old at most
        (held, ArmView(known=True)),
        (held, ArmView()),
    ):
        assert "Let go" not in prompt(view(teleop=teleop, arm=arm)).text


def test_an_episode_in_which_the_recorder_was_silent_is_to_be_ended_before_a_policy_moves_again(view):
    lost = view(State.RECORDING, arm=ArmView(known=True, recorder_lost=True))
    assert "moves nothing in it" not in prompt(lost).text, "a person leads the arm as ever"
    shown = prompt(replace(lost, policy=PolicyView("ACTING")))
    assert shown.text == "Recording episode 3, but the policy moves nothing in it any more: R ends it."
    assert shown.tone is Tone.BAD
