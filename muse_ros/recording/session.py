"""What a recording session remembers, which verbs it allows, and what it tells the operator.

Plain values; ``episodes.py`` moves a session from one to the next. Imports neither ROS nor any file handling.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

VERBS = ("start", "stop", "keep", "discard", "success", "failure", "undo", "reset")
RESET_RUNS = "the reset is running"
"""What the status says while a reset runs, whoever asked for it."""


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
    FAULT = 3


@dataclass(frozen=True)
class Decision:
    """The last decision about an episode: what ``undo`` turns round, and whose label may still be corrected."""

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
        ended_because: Why it ended by itself; empty where somebody ended it.
        kept: Episodes kept in this session.
        discarded: Episodes discarded in this session.
        successes: Kept episodes labelled a success.
        failures: Kept episodes labelled a failure, or ended by a fault of the arm.
        last: The decision that undo would turn round.
        problems: What keeps an episode from starting, one sentence each.
        fault: What failed, in state FAULT.
        cut: In state FAULT: an episode was cut short and its files await keep or discard.
        alarms: What is wrong with the streams of the running episode, one sentence each.
        taken_over: A person has the arm in place of the policy of the running episode.
        arm_stopped: The arm's latched stop is set.
        resets_itself: Every decision is followed by a reset.
        resetting: A reset runs: no episode may start.
        reset_failure: Why the last reset failed; empty where it did not.
        to_prepare: What the last reset leaves to the operator; empty where nothing.
    """

    state: State = State.IDLE
    next_index: int = 0
    episode_id: str = ""
    episode_index: int = 0
    start_ns: int = 0
    stop_ns: int = 0
    outcome: Outcome = Outcome.UNLABELLED
    ended_because: str = ""
    kept: int = 0
    discarded: int = 0
    successes: int = 0
    failures: int = 0
    last: Decision | None = None
    problems: tuple[str, ...] = ("no stream has been looked at yet",)
    fault: str = ""
    cut: bool = False
    alarms: tuple[str, ...] = ()
    taken_over: bool = False
    arm_stopped: bool = False
    resets_itself: bool = False
    resetting: bool = False
    reset_failure: str = ""
    to_prepare: str = ""


def episode_name(index: int) -> str:
    """Name of the episode with this number, which is also its folder's."""
    return f"episode_{index:04d}"


def legal_verbs(session: Session) -> tuple[str, ...]:
    """Verbs that would not be refused now, in the order of ``VERBS``."""
    legal = {
        State.IDLE: _between(session),
        State.READY: {"start", *_between(session)},
        State.RECORDING: {"stop", "discard", "success", "failure"},
        State.DECIDING: {"keep", "discard", "success", "failure"},
        State.SAVING: set(),
        State.FAULT: {"keep", "discard"} if session.cut else {"discard"},
    }[session.state]
    return tuple(verb for verb in VERBS if verb in legal)


def _between(session: Session) -> set[str]:
    """What may be done between two episodes, besides starting the next."""
    verbs = {"undo"} if session.last else set()
    if session.last and session.last.kept:
        verbs |= {"success", "failure"}
    return verbs if session.resetting else verbs | {"reset"}


def why_not(session: Session, verb: str) -> str:
    """Why a verb that is not legal now is refused."""
    if session.state in (State.IDLE, State.READY):
        if verb == "start":
            return "; ".join(_obstacles(session))
        if verb == "undo":
            return "no decision has been made in this session"
        if verb == "reset":
            return "a reset is running already"
        return "no episode runs or awaits a decision"
    if verb == "keep" and session.state is State.RECORDING:
        return "the episode must end before it can be kept"
    if verb == "reset" and session.state in (State.RECORDING, State.DECIDING):
        return f"{session.episode_id} must be kept or discarded first"
    return advice(session)


def advice(session: Session) -> str:
    """What is wrong, or what to do next, for the operator."""
    sentences = [_advice(session)]
    if session.arm_stopped:
        sentences.append("the arm is stopped: recover it")
    if session.state is State.RECORDING:
        sentences += ["a person has the arm"] if session.taken_over else []
        sentences += session.alarms
    elif session.reset_failure and session.state in (State.IDLE, State.READY):
        sentences.append(f"the reset failed: {session.reset_failure}; reset tries again")
    return "; ".join(sentences)


def _advice(session: Session) -> str:
    if session.state is State.IDLE:
        return "waiting: " + "; ".join(_obstacles(session))
    if session.state is State.READY:
        return f"ready: {session.to_prepare}, then start" if session.to_prepare else "ready: start"
    if session.state is State.RECORDING:
        return f"recording {session.episode_id}: stop, success or failure ends it"
    if session.state is State.DECIDING:
        ended = f" (it ended because {session.ended_because})" if session.ended_because else ""
        label = "label it success or failure, then " if session.outcome is Outcome.UNLABELLED else ""
        return f"{session.episode_id} is {session.outcome.name.lower()}{ended}: {label}keep or discard"
    if session.state is State.SAVING:
        return f"saving {session.episode_id}"
    cure = f"keep or discard what there is of {session.episode_id}" if session.cut else "discard acknowledges it"
    return f"fault: {session.fault}; {cure}"


def _obstacles(session: Session) -> tuple[str, ...]:
    return (RESET_RUNS, *session.problems) if session.resetting else session.problems
