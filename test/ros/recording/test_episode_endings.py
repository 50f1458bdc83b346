"""The state machine around episodes: alarms, ends that nobody asked for, what others say, labels, resets."""

from dataclasses import replace

import pytest

from muse_ros.recording.episode_events import (
    Alarms,
    End,
    EndData,
    FileBag,
    Filed,
    Gate,
    Heard,
    Mark,
    Opened,
    Relabel,
    Reset,
    ResetDone,
    Verb,
)
from muse_ros.recording.episodes import advance
from muse_ros.recording.session import Decision, Outcome, Session, State, advice, legal_verbs

READY = Session(state=State.READY, problems=())
RECORDING = replace(READY, state=State.RECORDING, episode_id="episode_0000", start_ns=1, next_index=1)
KEPT = replace(
    READY,
    episode_id="episode_0000",
    kept=1,
    successes=1,
    outcome=Outcome.SUCCESS,
    last=Decision("episode_0000", True, Outcome.SUCCESS),
)


def test_an_alarm_is_marked_when_it_begins_and_when_it_ends_and_said_in_between():
    begun = advance(RECORDING, Alarms(("/image: old",), (), ("/image: old",), 5))
    assert begun.effects == (Mark("alarm", 5, "/image: old"),)
    assert begun.session.state is State.RECORDING and "/image: old" in advice(begun.session)
    ended = advance(begun.session, Alarms((), ("/image",), (), 9))
    assert ended.effects == (Mark("alarm_end", 9, "/image"),)
    assert "/image" not in advice(ended.session)


def test_an_alarm_aborts_an_episode_where_that_is_wanted_and_leaves_the_decision():
    step = advance(RECORDING, Alarms(("/image: old",), (), ("/image: old",), 5, abort=True))
    assert step.effects == (Mark("alarm", 5, "/image: old"), Mark("stop", 5, "/image: old"), EndData())
    assert (step.session.state, step.session.outcome) == (State.DECIDING, Outcome.UNLABELLED)
    assert "it ended because /image: old" in advice(step.session)


@pytest.mark.parametrize(
    ("event", "reason", "outcome"),
    [
        ("policy_stop", "the policy gave up: too late", Outcome.UNLABELLED),
        ("fault", "the arm failed: too late", Outcome.FAULT),
    ],
)
def test_a_policy_that_gives_up_and_an_arm_that_fails_end_the_episode_undecided(event, reason, outcome):
    step = advance(RECORDING, Heard(event, "too late", 9))
    assert (step.session.state, step.session.stop_ns, step.session.ended_because) == (State.DECIDING, 9, reason)
    assert step.effects == (Mark("stop", 9, reason), EndData())
    assert step.session.outcome is outcome


def test_an_episode_that_a_fault_ended_counts_as_a_failure_until_a_person_labels_it():
    failed = advance(RECORDING, Heard("fault", "reflex", 9)).session
    assert "the arm is stopped" in advice(failed)
    kept = advance(advance(failed, Verb("keep", 10)).session, Filed(True)).session
    assert (kept.failures, kept.successes) == (1, 0)
    relabelled = advance(kept, Verb("success", 11)).session
    assert (relabelled.failures, relabelled.successes) == (0, 1)


def test_what_others_say_between_episodes_ends_nothing():
    for event in ("policy_stop", "fault", "click"):
        step = advance(READY, Heard(event, "", 9))
        assert (step.session.state, step.effects) == (State.READY, ())


def test_an_arm_that_is_stopped_is_shown_until_it_recovers_and_the_episode_goes_on():
    stopped = advance(RECORDING, Heard("arm_stop", "", 9)).session
    assert stopped.state is State.RECORDING and "the arm is stopped" in advice(stopped)
    assert "the arm is stopped" not in advice(advance(stopped, Heard("recover", "", 10)).session)


def test_a_takeover_is_shown_until_the_release():
    taken = advance(RECORDING, Heard("takeover", "", 9)).session
    assert "a person has the arm" in advice(taken)
    assert "a person has the arm" not in advice(advance(taken, Heard("release", "", 10)).session)


def test_a_disk_that_runs_short_ends_a_running_episode_and_nothing_else():
    assert advance(RECORDING, End("0.5 GB free", 9)).session.state is State.DECIDING
    assert advance(READY, End("0.5 GB free", 9)).session == READY


def test_the_reason_of_the_last_end_is_forgotten_at_the_next_start():
    ended = advance(RECORDING, End("0.5 GB free", 9)).session
    filed = advance(advance(ended, Verb("keep", 10)).session, Filed(True)).session
    assert advance(filed, Verb("start", 11)).session.ended_because == ""


def test_the_label_of_the_last_kept_episode_can_be_corrected():
    step = advance(KEPT, Verb("failure", 5))
    assert step.effects == (Relabel("episode_0000", "failure"),)
    assert step.told == "episode_0000 is labelled failure now"
    assert (step.session.successes, step.session.failures, step.session.kept) == (0, 1, 1)
    assert step.session.outcome is Outcome.FAILURE
    undone = advance(step.session, Verb("undo", 6)).session
    assert (undone.kept, undone.failures, undone.discarded) == (0, 0, 1)


def test_a_discarded_episode_is_not_relabelled():
    undone = advance(KEPT, Verb("undo", 6)).session
    assert "success" not in legal_verbs(undone)


def test_a_reset_holds_the_next_start_until_it_is_done():
    step = advance(READY, Verb("reset", 5, seed=7))
    assert step.effects == (Reset(7),)
    waiting = advance(step.session, Gate(())).session
    refused = advance(waiting, Verb("start", 6))
    assert "the reset is running" in refused.refusal
    assert "a reset is running already" in advance(waiting, Verb("reset", 6)).refusal
    done = advance(waiting, ResetDone()).session
    assert (done.state, advice(done)) == (State.READY, "ready: start")


def test_a_reset_of_a_real_arm_says_what_is_left_to_do_until_the_next_start():
    done = advance(advance(READY, Verb("reset", 5)).session, ResetDone(to_prepare="put the cube back")).session
    assert advice(done) == "ready: put the cube back, then start"
    begun = advance(advance(done, Verb("start", 6)).session, Opened(7)).session
    assert begun.to_prepare == ""


def test_a_reset_that_failed_says_why_and_may_be_tried_again():
    failed = advance(advance(READY, Verb("reset", 5)).session, ResetDone("the arm is stopped")).session
    assert "the reset failed: the arm is stopped; reset tries again" in advice(failed)
    assert "reset" in legal_verbs(failed) and failed.state is State.READY


def test_a_reset_waits_for_the_decision():
    deciding = advance(RECORDING, Verb("stop", 5)).session
    assert "episode_0000 must be kept or discarded first" in advance(deciding, Verb("reset", 6)).refusal


def test_where_that_is_wanted_every_decision_is_followed_by_a_reset():
    deciding = advance(replace(RECORDING, resets_itself=True), Verb("stop", 5)).session
    saving = advance(deciding, Verb("discard", 6))
    assert saving.effects == (FileBag("episode_0000", kept=False),)
    filed = advance(saving.session, Filed(False))
    assert filed.effects == (Reset(None),) and filed.session.resetting
