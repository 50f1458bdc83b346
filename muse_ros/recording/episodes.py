"""The state machine of a recording session: one function from (session, event) to the next session and what to do.

Services, keys, buttons and the automatic mode all send the same verbs through ``advance``; the collect node carries out
the effects that come back. Time comes in with the events. Imports neither ROS nor any file handling.

A session's life, with the verbs that move it::

    IDLE <-(streams fresh / not)-> READY --start--> RECORDING --stop, success, failure--> DECIDING
                                     ^                  |                                  |   ^ |
                                     |                  +--discard-----------+        keep,|   +-+ success, failure
                                     |                                       v      discard|
                                     +--------------------(bag in place)-- SAVING <--------+

A failure at any point leads to FAULT: what was written stays on disk under its recording name until keep or discard.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from muse_ros.recording.episode_events import (
    Effect,
    EndData,
    Event,
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

VERBS = ("start", "stop", "keep", "discard", "success", "failure", "undo")


class State(IntEnum):
    """States, numbered as in EpisodeStatus.msg."""

    IDLE = 0
    READY = 1
    RECORDING = 2
    DECIDING = 3
    SAVING = 4
    FAULT = 5


class Outcome(IntEnum):
    """Labels, numbered as in EpisodeStatus.msg."""

    UNLABELLED = 0
    SUCCESS = 1
    FAILURE = 2


@dataclass(frozen=True)
class Decision:
    """The last decision about an episode: what ``undo`` turns round."""

    episode_id: str
    kept: bool
    outcome: Outcome


@dataclass(frozen=True)
class Session:
    """Everything the machine remembers.

    Attributes:
        state: Where it stands.
        next_index: Number of the next episode, from 0.
        episode_id: Name of the current or last episode; empty before the first.
        episode_index: Its number.
        start_ns: Stamp of its start, on the node's clock; 0 before its bag is open.
        stop_ns: Stamp of its end; 0 while it runs.
        outcome: Its label.
        kept: Episodes kept in this session.
        discarded: Episodes discarded in this session.
        successes: Kept episodes labelled a success.
        last: The decision that undo would turn round.
        problems: What keeps an episode from starting, one sentence each.
        fault: What failed, in state FAULT.
        cut: In state FAULT: an episode was cut short and its files await keep or discard.
    """

    state: State = State.IDLE
    next_index: int = 0
    episode_id: str = ""
    episode_index: int = 0
    start_ns: int = 0
    stop_ns: int = 0
    outcome: Outcome = Outcome.UNLABELLED
    kept: int = 0
    discarded: int = 0
    successes: int = 0
    last: Decision | None = None
    problems: tuple[str, ...] = ("no stream has been looked at yet",)
    fault: str = ""
    cut: bool = False


@dataclass(frozen=True)
class Step:
    """What ``advance`` answers: the next session, what to do, and why a verb was refused (empty: it was not)."""

    session: Session
    effects: tuple[Effect, ...] = ()
    refusal: str = ""


def episode_name(index: int) -> str:
    """Name of the episode with this number, which is also its folder's."""
    return f"episode_{index:04d}"


def legal_verbs(session: Session) -> tuple[str, ...]:
    """Verbs that would not be refused now, in the order of ``VERBS``."""
    undo = ("undo",) if session.last else ()
    verbs = {
        State.IDLE: undo,
        State.READY: ("start", *undo),
        State.RECORDING: ("stop", "discard", "success", "failure"),
        State.DECIDING: ("keep", "discard", "success", "failure"),
        State.SAVING: (),
        State.FAULT: ("keep", "discard") if session.cut else ("discard",),
    }
    return verbs[session.state]


def advice(session: Session) -> str:
    """What is wrong, or what to do next, for the operator."""
    if session.state is State.IDLE:
        return "waiting: " + "; ".join(session.problems)
    if session.state is State.READY:
        return "ready: start"
    if session.state is State.RECORDING:
        return f"recording {session.episode_id}: stop, success or failure ends it"
    if session.state is State.DECIDING:
        label = "label it success or failure, then " if session.outcome is Outcome.UNLABELLED else ""
        return f"{session.episode_id} is {session.outcome.name.lower()}: {label}keep or discard"
    if session.state is State.SAVING:
        return f"saving {session.episode_id}"
    cure = f"keep or discard what there is of {session.episode_id}" if session.cut else "discard acknowledges it"
    return f"fault: {session.fault}; {cure}"


def advance(session: Session, event: Event) -> Step:
    """One step of the machine."""
    if isinstance(event, Verb):
        return _obey(session, event)
    if isinstance(event, Gate):
        return Step(_gated(replace(session, problems=event.problems)))
    if isinstance(event, Opened):
        return Step(replace(session, start_ns=event.now_ns), (Mark("start", event.now_ns),))
    if isinstance(event, Filed):
        return Step(_filed(session, event.kept))
    if isinstance(event, Failed):
        return _fail(session, event)
    if isinstance(event, Interrupted):
        return _interrupt(session, event)
    raise TypeError(f"not an event of an episode: {event!r}")


def _obey(session: Session, verb: Verb) -> Step:
    if verb.name not in VERBS:
        return Step(session, refusal=f"{verb.name!r} is not a verb; the verbs are {', '.join(VERBS)}")
    legal = legal_verbs(session)
    if verb.name not in legal:
        reason = f"{verb.name} is refused in state {session.state.name}: {_reason(session, verb.name)}"
        return Step(session, refusal=f"{reason}. Legal now: {', '.join(legal) or 'nothing, wait a moment'}")
    handler = {
        State.RECORDING: _obey_recording,
        State.DECIDING: _obey_deciding,
        State.FAULT: _obey_fault,
    }.get(session.state, _obey_between)
    return handler(session, verb)


def _reason(session: Session, verb: str) -> str:
    if verb == "start" and session.state is State.IDLE:
        return "; ".join(session.problems)
    if verb == "undo" and session.state in (State.IDLE, State.READY):
        return "no decision has been made in this session"
    if verb == "keep" and session.state is State.RECORDING:
        return "the episode must end before it can be kept"
    if session.state in (State.IDLE, State.READY):
        return "no episode runs or awaits a decision"
    return advice(session)


def _obey_between(session: Session, verb: Verb) -> Step:
    if verb.name == "undo":
        return _undo(session)
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
    )
    return Step(begun, (OpenBag(begun.episode_id),))


def _undo(session: Session) -> Step:
    last = session.last
    reverse = replace(last, kept=not last.kept)
    change = 1 if reverse.kept else -1
    undone = replace(
        session,
        last=reverse,
        kept=session.kept + change,
        discarded=session.discarded - change,
        successes=session.successes + change * (last.outcome is Outcome.SUCCESS),
    )
    return Step(undone, (MoveEpisode(last.episode_id, reverse.kept),))


def _obey_recording(session: Session, verb: Verb) -> Step:
    ended = replace(session, state=State.DECIDING, stop_ns=verb.now_ns)
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


def _gated(session: Session) -> Session:
    """IDLE or READY, by the problems; every other state stays."""
    if session.state not in (State.IDLE, State.READY):
        return session
    return replace(session, state=State.IDLE if session.problems else State.READY)


def _filed(session: Session, kept: bool) -> Session:
    filed = replace(
        session,
        state=State.IDLE,
        fault="",
        cut=False,
        last=Decision(session.episode_id, kept, session.outcome),
        kept=session.kept + kept,
        discarded=session.discarded + (not kept),
        successes=session.successes + (kept and session.outcome is Outcome.SUCCESS),
    )
    return _gated(filed)


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
