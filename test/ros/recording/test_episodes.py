"""The episode state machine by itself: verbs, refusals, labels, undo, faults, interruption."""

import itertools
import random
from dataclasses import replace

import pytest

from muse_ros.recording.episode_events import (
    EndData,
    Failed,
    FileBag,
    Filed,
    Gate,
    Interrupted,
    LeaveBag,
    Mark,
    MoveEpisode,
    OpenBag,
    Opened,
    Verb,
)
from muse_ros.recording.episodes import advance
from muse_ros.recording.session import VERBS, Outcome, Session, State, advice, legal_verbs

READY = Session(state=State.READY, problems=())


def run(session, *verbs, now_ns=100):
    """Obey `verbs` in turn, opening and filing bags whenever that is asked for; returns the session and all effects."""
    effects = []
    for verb in verbs:
        step = advance(session, Verb(verb, now_ns))
        assert step.refusal == "", step.refusal
        session = step.session
        effects += step.effects
        for effect in step.effects:
            if isinstance(effect, OpenBag):
                step = advance(session, Opened(now_ns))
                session, effects = step.session, [*effects, *step.effects]
            elif isinstance(effect, FileBag):
                session = advance(session, Filed(effect.kept)).session
    return session, effects


def test_a_new_session_is_idle_and_becomes_ready_once_nothing_is_wrong():
    assert Session().state is State.IDLE
    assert advance(Session(), Gate(())).session.state is State.READY


def test_ready_falls_back_to_idle_when_a_stream_goes_stale():
    assert advance(READY, Gate(("panda/ee_pose: silent",))).session.state is State.IDLE


def test_start_is_refused_in_idle_with_every_problem_named():
    idle = advance(Session(), Gate(("camera: nobody publishes", "panda/ee_pose: 3.0 s old"))).session
    step = advance(idle, Verb("start", 5))
    assert step.session == idle and step.effects == ()
    assert "camera: nobody publishes; panda/ee_pose: 3.0 s old" in step.refusal


def test_an_episode_begins_once_its_bag_is_open():
    asked = advance(replace(READY, next_index=7), Verb("start", 42))
    assert asked.effects == (OpenBag("episode_0007"),)
    begun = advance(asked.session, Opened(45))
    assert begun.effects == (Mark("start", 45),)
    assert (begun.session.state, begun.session.start_ns, begun.session.next_index) == (State.RECORDING, 45, 8)


def test_stop_marks_then_ends_the_data_and_asks_for_a_decision():
    session, effects = run(READY, "start", "stop")
    assert effects[2:] == [Mark("stop", 100), EndData()]
    assert session.state is State.DECIDING


def test_success_ends_a_running_episode_and_labels_it():
    session, effects = run(READY, "start", "success")
    assert effects[2:] == [Mark("success", 100), Mark("stop", 100), EndData()]
    assert (session.state, session.outcome) == (State.DECIDING, Outcome.SUCCESS)


def test_a_kept_success_is_counted_and_its_index_is_not_used_again():
    session, _ = run(READY, "start", "stop", "success", "keep", "start")
    assert (session.kept, session.successes, session.discarded) == (1, 1, 0)
    assert session.episode_id == "episode_0001"
    assert session.outcome is Outcome.UNLABELLED


def test_the_last_label_wins():
    session, _ = run(READY, "start", "success", "failure", "keep")
    assert (session.kept, session.successes) == (1, 0)


def test_a_failure_can_be_kept():
    session, effects = run(READY, "start", "failure", "keep")
    assert effects[-1] == FileBag("episode_0000", kept=True)
    assert session.kept == 1


def test_discard_ends_and_discards_a_running_episode():
    session, effects = run(READY, "start", "discard")
    assert effects[2:] == [Mark("stop", 100), EndData(), FileBag("episode_0000", kept=False)]
    assert (session.state, session.discarded) == (State.READY, 1)


def test_undo_of_a_kept_success_takes_it_out_of_the_counts():
    session, effects = run(READY, "start", "success", "keep", "undo")
    assert effects[-1] == MoveEpisode("episode_0000", kept=False)
    assert (session.kept, session.discarded, session.successes) == (0, 1, 0)


def test_undo_of_a_discard_restores_the_episode_with_its_label():
    session, effects = run(READY, "start", "success", "discard", "undo")
    assert effects[-1] == MoveEpisode("episode_0000", kept=True)
    assert (session.kept, session.discarded, session.successes) == (1, 0, 1)


def test_undo_twice_is_as_if_nothing_had_been_undone():
    once, _ = run(READY, "start", "success", "keep")
    twice, _ = run(once, "undo", "undo")
    assert twice == once


def test_undo_without_a_decision_is_refused():
    assert "no decision has been made" in advance(READY, Verb("undo", 0)).refusal


def test_an_unknown_verb_is_refused_with_the_known_ones():
    assert "start, stop, keep, discard, success, failure, undo, reset" in advance(READY, Verb("pause", 0)).refusal


def test_a_refusal_says_what_would_be_legal():
    recording, _ = run(READY, "start")
    assert "Legal now: stop, discard, success, failure" in advance(recording, Verb("keep", 0)).refusal


def test_stale_streams_do_not_end_a_running_episode():
    recording, _ = run(READY, "start")
    assert advance(recording, Gate(("camera: 1 s old",))).session.state is State.RECORDING


def test_streams_that_went_stale_while_recording_hold_the_next_start():
    session, _ = run(READY, "start", "stop")
    session = advance(session, Gate(("camera: 1 s old",))).session
    session, _ = run(session, "keep")
    assert session.state is State.IDLE


def test_a_write_error_leaves_the_episode_under_its_recording_name():
    recording, _ = run(READY, "start")
    step = advance(recording, Failed("No space left on device", 9))
    assert step.effects == (
        Mark("fault", 9, "No space left on device"),
        LeaveBag("episode_0000", "No space left on device"),
    )
    assert step.session.state is State.FAULT
    assert "No space left on device" in advice(step.session)
    assert legal_verbs(step.session) == ("keep", "discard")


def test_a_bag_that_could_not_be_opened_leaves_nothing_to_decide_about():
    asked = advance(READY, Verb("start", 1)).session
    fault = advance(asked, Failed("no such folder", 2)).session
    assert legal_verbs(fault) == ("discard",)
    session, effects = run(fault, "discard")
    assert (session.state, session.discarded, effects) == (State.READY, 0, [])


def test_what_a_fault_left_can_be_kept_and_the_session_goes_on():
    recording, _ = run(READY, "start")
    fault = advance(recording, Failed("disk", 9)).session
    session, effects = run(fault, "keep")
    assert effects == [FileBag("episode_0000", kept=True)]
    assert (session.state, session.kept, session.fault) == (State.READY, 1, "")


def test_filing_that_fails_keeps_the_episode_decidable():
    session, _ = run(READY, "start", "stop")
    saving = advance(session, Verb("keep", 0)).session
    fault = advance(saving, Failed("rename failed", 9)).session
    assert (fault.state, fault.cut, fault.kept) == (State.FAULT, True, 0)


def test_a_fault_between_episodes_is_acknowledged_by_discard():
    fault = advance(READY, Failed("cannot move", 9)).session
    assert legal_verbs(fault) == ("discard",)
    session, effects = run(fault, "discard")
    assert (session.state, session.discarded, effects) == (State.READY, 0, [])


def test_an_interruption_while_recording_marks_the_stop_and_leaves_the_bag():
    recording, _ = run(READY, "start")
    step = advance(recording, Interrupted("Ctrl-C", 50))
    assert step.effects == (Mark("stop", 50, "Ctrl-C"), LeaveBag("episode_0000", "Ctrl-C"))


def test_an_interruption_while_deciding_does_not_mark_a_second_stop():
    deciding, _ = run(READY, "start", "stop")
    assert advance(deciding, Interrupted("Ctrl-C", 50)).effects == (LeaveBag("episode_0000", "Ctrl-C"),)


@pytest.mark.parametrize("state", list(State))
def test_exactly_the_legal_verbs_are_obeyed(state):
    session = Session(state=state, problems=("x",) if state is State.IDLE else ())
    obeyed = tuple(verb for verb in VERBS if not advance(session, Verb(verb, 0)).refusal)
    assert obeyed == legal_verbs(session)


def test_counts_and_bags_stay_consistent_whatever_comes():
    rng = random.Random(0)
    for _ in range(200):
        session, opened, closed = READY, 0, 0
        for now_ns in itertools.islice(itertools.count(1), 60):
            event = rng.choice([Verb(rng.choice(VERBS), now_ns), Gate(()), Failed("x", now_ns), Verb("start", now_ns)])
            step = advance(session, event)
            session = step.session
            for effect in step.effects:
                opened += isinstance(effect, OpenBag)
                closed += isinstance(effect, FileBag)
                if isinstance(effect, OpenBag):
                    session = advance(session, Opened(now_ns)).session
                elif isinstance(effect, FileBag):
                    session = advance(session, Filed(effect.kept)).session
        assert session.kept + session.discarded == closed <= opened == session.next_index
        assert 0 <= session.successes <= session.kept
