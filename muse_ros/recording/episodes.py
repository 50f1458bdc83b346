"""The state machine of a recording session: one function from (session, event) to the next session and what to do.

Services, keys, buttons and the automatic mode all send the same verbs through ``advance``; the collect node carries out
the effects that come back. Time comes in with the events. Imports neither ROS nor any file handling.

A session's life, with the verbs that move it::

    IDLE <-(streams fresh / not)-> READY --start--> RECORDING --stop, success, failure--> DECIDING
                                     ^                  |                                  |   ^ |
                                     |                  +--discard-----------+        keep,|   +-+ success, failure
                                     |                                       v      discard|
                                     +--------------------(bag in place)-- SAVING <--------+

What ends an episode by itself (an alarm that is to abort it, a policy that gave up, an arm that failed, a short disk)
leads to DECIDING like a stop. A failure of the recording leads to FAULT from anywhere: what was written stays on disk
under its recording name until keep or discard. A reset runs in IDLE, and holds the next start until it is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from muse_ros.recording.episode_events import (
    Alarms,
    Effect,
    End,
    EndData,
    Event,
    Failed,
    FileBag,
    Filed,
    Gate,
    Heard,
    Interrupted,
    LeaveBag,
    Mark,
    MoveEpisode,
    OpenBag,
    Opened,
    Relabel,
    Reset,
    ResetDone,
    Verb,
)
from muse_ros.recording.session import VERBS, Decision, Outcome, Session, State, episode_name, legal_verbs, why_not


@dataclass(frozen=True)
class Step:
    """What ``advance`` answers.

    Attributes:
        session: The next session.
        effects: What to do, in this order.
        refusal: Why a verb was refused; empty where it was not.
        told: What a verb did that the session's state does not show.
    """

    session: Session
    effects: tuple[Effect, ...] = ()
    refusal: str = ""
    told: str = ""


def advance(session: Session, event: Event) -> Step:
    """One step of the machine."""
    handler = _HANDLERS.get(type(event))
    if handler is None:
        raise TypeError(f"not an event of an episode: {event!r}")
    return handler(session, event)


def _obey(session: Session, verb: Verb) -> Step:
    if verb.name not in VERBS:
        return Step(session, refusal=f"{verb.name!r} is not a verb; the verbs are {', '.join(VERBS)}")
    legal = legal_verbs(session)
    if verb.name not in legal:
        reason = f"{verb.name} is refused in state {session.state.name}: {why_not(session, verb.name)}"
        return Step(session, refusal=f"{reason}. Legal now: {', '.join(legal) or 'nothing, wait a moment'}")
    handler = {
        State.RECORDING: _obey_recording,
        State.DECIDING: _obey_deciding,
        State.FAULT: _obey_fault,
    }.get(session.state, _obey_between)
    return handler(session, verb)


def _obey_between(session: Session, verb: Verb) -> Step:
    if verb.name == "undo":
        return _undo(session)
    if verb.name == "reset":
        return _reset(session, verb.seed)
    if verb.name in ("success", "failure"):
        return _relabel(session, _label(verb.name))
    index = session.next_index
    begun = replace(
        session,
        state=State.RECORDING,
        next_index=index + 1,
        episode_id=episode_name(index),
        episode_index=index,
        start_ns=0,
        stop_ns=0,
        outcome=Outcome.UNLABELLED,
        ended_because="",
        alarms=(),
        taken_over=False,
        reset_failure="",
        to_prepare="",
    )
    return Step(begun, (OpenBag(begun.episode_id),))


def _undo(session: Session) -> Step:
    last = session.last
    reverse = replace(last, kept=not last.kept)
    undone = _counted(replace(session, last=reverse), last, -1)
    told = f"{last.episode_id} is {'kept' if reverse.kept else 'discarded'} after all"
    return Step(_counted(undone, reverse, 1), (MoveEpisode(last.episode_id, reverse.kept),), told=told)


def _relabel(session: Session, label: Outcome) -> Step:
    last = session.last
    renamed = replace(last, outcome=label)
    relabelled = _counted(_counted(session, last, -1), renamed, 1)
    if session.episode_id == last.episode_id:
        relabelled = replace(relabelled, outcome=label)
    name = label.name.lower()
    told = f"{last.episode_id} is labelled {name} now"
    return Step(replace(relabelled, last=renamed), (Relabel(last.episode_id, name),), told=told)


def _counted(session: Session, decision: Decision, change: int) -> Session:
    """The session with its counts changed by one decision made (1) or taken back (-1)."""
    return replace(
        session,
        kept=session.kept + change * decision.kept,
        discarded=session.discarded + change * (not decision.kept),
        successes=session.successes + change * (decision.kept and decision.outcome is Outcome.SUCCESS),
        failures=session.failures + change * (decision.kept and decision.outcome in (Outcome.FAILURE, Outcome.FAULT)),
    )


def _reset(session: Session, seed: int | None) -> Step:
    begun = replace(session, state=State.IDLE, resetting=True, reset_failure="", to_prepare="")
    return Step(begun, (Reset(seed),))


def _obey_recording(session: Session, verb: Verb) -> Step:
    ended = replace(session, state=State.DECIDING, stop_ns=verb.now_ns, alarms=())
    stop = (Mark("stop", verb.now_ns), EndData())
    if verb.name == "stop":
        return Step(ended, stop)
    if verb.name == "discard":
        return Step(replace(ended, state=State.SAVING), (*stop, FileBag(session.episode_id, kept=False)))
    label = _label(verb.name)
    return Step(replace(ended, outcome=label), (Mark(verb.name, verb.now_ns), *stop))


def _obey_deciding(session: Session, verb: Verb) -> Step:
    if verb.name in ("keep", "discard"):
        return Step(replace(session, state=State.SAVING), (FileBag(session.episode_id, verb.name == "keep"),))
    return Step(replace(session, outcome=_label(verb.name)), (Mark(verb.name, verb.now_ns),))


def _obey_fault(session: Session, verb: Verb) -> Step:
    if session.cut:
        return Step(replace(session, state=State.SAVING), (FileBag(session.episode_id, verb.name == "keep"),))
    return Step(_gated(replace(session, state=State.IDLE, fault="")))


def _label(verb: str) -> Outcome:
    return Outcome.SUCCESS if verb == "success" else Outcome.FAILURE


def _open(session: Session, event: Opened) -> Step:
    return Step(replace(session, start_ns=event.now_ns), (Mark("start", event.now_ns),))


def _gate(session: Session, event: Gate) -> Step:
    return Step(_gated(replace(session, problems=event.problems)))


def _gated(session: Session) -> Session:
    """IDLE or READY, by the problems and a reset that runs; every other state stays."""
    if session.state not in (State.IDLE, State.READY):
        return session
    return replace(session, state=State.IDLE if session.problems or session.resetting else State.READY)


def _file(session: Session, event: Filed) -> Step:
    decision = Decision(session.episode_id, event.kept, session.outcome)
    filed = _counted(replace(session, state=State.IDLE, fault="", cut=False, last=decision), decision, 1)
    return _reset(filed, None) if filed.resets_itself else Step(_gated(filed))


def _alarm(session: Session, event: Alarms) -> Step:
    if session.state is not State.RECORDING:
        return Step(session)
    marks = (
        *(Mark("alarm", event.now_ns, reason) for reason in event.begun),
        *(Mark("alarm_end", event.now_ns, topic) for topic in event.ended),
    )
    alarmed = replace(session, alarms=event.standing)
    if not (event.abort and event.begun):
        return Step(alarmed, marks)
    end = _end(alarmed, End("; ".join(event.begun), event.now_ns))
    return replace(end, effects=(*marks, *end.effects))


def _end(session: Session, event: End) -> Step:
    if session.state is not State.RECORDING:
        return Step(session)
    ended = replace(session, state=State.DECIDING, stop_ns=event.now_ns, ended_because=event.reason, alarms=())
    return Step(ended, (Mark("stop", event.now_ns, event.reason), EndData()))


def _hear(session: Session, event: Heard) -> Step:
    detail = f": {event.detail}" if event.detail else ""
    if event.event in ("arm_stop", "recover"):
        return Step(replace(session, arm_stopped=event.event == "arm_stop"))
    if event.event in ("takeover", "release"):
        return Step(replace(session, taken_over=event.event == "takeover"))
    if event.event == "policy_stop":
        return _end(session, End(f"the policy gave up{detail}", event.now_ns))
    if event.event == "fault":
        failed = replace(session, arm_stopped=True)
        if session.state is State.RECORDING:
            failed = replace(failed, outcome=Outcome.FAULT)
        return _end(failed, End(f"the arm failed{detail}", event.now_ns))
    return Step(session)


def _end_reset(session: Session, event: ResetDone) -> Step:
    done = replace(session, resetting=False, reset_failure=event.failure, to_prepare=event.to_prepare)
    return Step(_gated(done))


def _fail(session: Session, event: Failed) -> Step:
    running = session.state in (State.RECORDING, State.DECIDING)
    begun = running and session.start_ns > 0  # else its bag could not even be opened: there is nothing to decide about
    cut = begun or session.cut or session.state is State.SAVING
    failed = replace(session, state=State.FAULT, fault=event.reason, cut=cut)
    if not running:
        return Step(failed)
    failed = replace(failed, stop_ns=session.stop_ns or event.now_ns)
    return Step(failed, (Mark("fault", event.now_ns, event.reason), LeaveBag(session.episode_id, event.reason)))


def _interrupt(session: Session, event: Interrupted) -> Step:
    if session.state not in (State.RECORDING, State.DECIDING):
        return Step(session)
    left = replace(session, state=State.IDLE, stop_ns=session.stop_ns or event.now_ns)
    stop = (Mark("stop", event.now_ns, event.reason),) if session.state is State.RECORDING else ()
    return Step(left, (*stop, LeaveBag(session.episode_id, event.reason)))


_HANDLERS: dict[type, Callable[[Session, Event], Step]] = {
    Verb: _obey,
    Gate: _gate,
    Opened: _open,
    Filed: _file,
    Failed: _fail,
    Interrupted: _interrupt,
    Alarms: _alarm,
    End: _end,
    Heard: _hear,
    ResetDone: _end_reset,
}
