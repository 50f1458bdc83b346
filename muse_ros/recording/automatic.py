"""Automatic episodes: reset the world with the next seed, record until success or time-out, label, keep, again.

A pure sequencer: it is shown a ``View`` of the world several times a second and answers with commands. All durations of
an episode are on the node's clock, so that it works where simulated time runs fast, slowly or in steps; patience with
things that never happen is on the steady clock. Imports no ROS.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from muse_ros.recording.session import Outcome, Session, State

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class Plan:
    """What to collect.

    Attributes:
        episodes: How many.
        seed: Seed of the first reset; every further episode counts one up.
        max_episode_s: An episode without success ends as a failure after this [s].
        keep_failures: Failures are kept, labelled, instead of discarded.
        hold_s: Success must hold this long to count [s].
        tail_s: Recording goes on this long afterwards [s].
        patience_s: Steady time that any step may take before it is given up [s].
        repeats: An episode that lost messages is discarded and its seed repeated, so often at most.
    """

    episodes: int
    seed: int
    max_episode_s: float
    keep_failures: bool = True
    hold_s: float = 0.3
    tail_s: float = 0.2
    patience_s: float = 30.0
    repeats: int = 2


@dataclass(frozen=True)
class View:
    """What the sequencer may know at one instant.

    Attributes:
        now_ns: The node's clock [ns].
        steady_s: The steady clock [s].
        session: The episode state machine's memory.
        success: What the simulation last said about the task; None: nothing since the reset.
        incomplete: What of the current episode is not in its bag; empty where all is.
    """

    now_ns: int
    steady_s: float
    session: Session
    success: bool | None
    incomplete: str = ""


@dataclass(frozen=True)
class Do:
    """Send a verb to the state machine; `seed` is for a reset."""

    verb: str
    seed: int | None = None


@dataclass(frozen=True)
class Report:
    """Tell the operator."""

    text: str


@dataclass(frozen=True)
class Finish:
    """All is done, or `error` says why not."""

    error: str = ""


Command = Do | Report | Finish


class _Phase(Enum):
    RESETTING = auto()
    SETTLING = auto()
    RUNNING = auto()
    DECIDING = auto()
    FINISHED = auto()


class AutomaticEpisodes:
    """The sequencer."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._phase: _Phase | None = None
        self._index = 0
        self._repeats = 0
        self._repeating = ""
        self._since_s = 0.0
        self._clock_ns = 0
        self._success_since_ns: int | None = None
        self._started_s: float | None = None

    @property
    def seed(self) -> int:
        """Seed of the current episode."""
        return self._plan.seed + self._index

    def step(self, view: View) -> list[Command]:
        """What to do now; call it again soon."""
        if self._started_s is None:
            self._started_s = view.steady_s
        if self._phase is _Phase.FINISHED:
            return []
        if view.session.state is State.FAULT:
            return self._finish(f"fault: {view.session.fault}")
        if self._phase is None:
            return self._reset(view)
        step = {
            _Phase.RESETTING: self._await_reset,
            _Phase.SETTLING: self._await_ready,
            _Phase.RUNNING: self._await_end,
            _Phase.DECIDING: self._decide,
        }[self._phase]
        return step(view)

    def refused(self, reason: str) -> list[Command]:
        """A verb that was asked for was refused: somebody else drives the session."""
        return self._finish(f"the session did not go along: {reason}")

    def _reset(self, view: View) -> list[Command]:
        if self._index == self._plan.episodes:
            return self._summary(view)
        if view.session.state not in (State.IDLE, State.READY):
            return self._finish(f"the session is not free (state {view.session.state.name})")
        self._enter(_Phase.RESETTING, view)
        return [Do("reset", self.seed)]

    def _await_reset(self, view: View) -> list[Command]:
        if view.session.reset_failure:
            return self._finish(view.session.reset_failure)
        if view.session.resetting:
            return self._patience(view, "sim/reset has not answered; is the panda node running with robot:=sim?")
        self._enter(_Phase.SETTLING, view)
        return self._await_ready(view)

    def _await_ready(self, view: View) -> list[Command]:
        if view.session.state is not State.READY:
            return self._patience(view, "; ".join(view.session.problems) or f"state is {view.session.state.name}")
        self._enter(_Phase.RUNNING, view)
        self._clock_ns, self._success_since_ns = view.now_ns, None
        return [Do("start")]

    def _await_end(self, view: View) -> list[Command]:
        plan, session = self._plan, view.session
        if session.state is State.DECIDING and session.outcome is Outcome.FAULT:
            self._enter(_Phase.DECIDING, view)
            return []
        if session.state is State.DECIDING and session.ended_because:
            return self._end(view, "failure")
        if session.state is not State.RECORDING:
            return self._finish(f"the episode was ended by somebody else (state {session.state.name})")
        if view.success:
            if self._success_since_ns is None:
                self._success_since_ns = view.now_ns
            if view.now_ns - self._success_since_ns >= (plan.hold_s + plan.tail_s) * _NS_PER_S:
                return self._end(view, "success")
        else:
            self._success_since_ns = None
            if view.now_ns - session.start_ns >= plan.max_episode_s * _NS_PER_S:
                return self._end(view, "failure")
        if view.now_ns != self._clock_ns:
            self._clock_ns, self._since_s = view.now_ns, view.steady_s
            return []
        return self._patience(view, "the clock stands still; in lockstep it waits for the actions of teleop or policy")

    def _end(self, view: View, verb: str) -> list[Command]:
        self._enter(_Phase.DECIDING, view)
        return [Do(verb)]

    def _decide(self, view: View) -> list[Command]:
        session = view.session
        if session.state is State.DECIDING:
            keep = session.outcome is Outcome.SUCCESS or self._plan.keep_failures
            self._repeating = view.incomplete if self._repeats < self._plan.repeats else ""
            return [Do("keep" if keep and not self._repeating else "discard")]
        if session.state in (State.IDLE, State.READY):
            report = Report(self._line(session))
            if self._repeating:
                self._repeats += 1
            else:
                self._index, self._repeats = self._index + 1, 0
            return [report, *self._reset(view)]
        return self._patience(view, f"the episode is not filed (state {session.state.name})")

    def _line(self, session: Session) -> str:
        duration_s = (session.stop_ns - session.start_ns) / _NS_PER_S
        if self._repeating:
            where = f"episode {self._index + 1}/{self._plan.episodes} seed {self.seed}"
            return f"{where} is discarded and repeated: {self._repeating}"
        return (
            f"episode {self._index + 1}/{self._plan.episodes} seed {self.seed} {session.outcome.name.lower()} "
            f"{duration_s:.1f} s  kept {session.kept}  failures {session.failures}"
        )

    def _summary(self, view: View) -> list[Command]:
        session, wall_s = view.session, view.steady_s - self._started_s
        text = (
            f"{self._plan.episodes} episodes in {wall_s:.1f} s: kept {session.kept}, of these "
            f"{session.successes} successes; discarded {session.discarded}"
        )
        return [Report(text), *self._finish()]

    def _finish(self, error: str = "") -> list[Command]:
        self._phase = _Phase.FINISHED
        return [Finish(error)]

    def _enter(self, phase: _Phase, view: View) -> None:
        self._phase, self._since_s = phase, view.steady_s

    def _patience(self, view: View, reason: str) -> list[Command]:
        if view.steady_s - self._since_s < self._plan.patience_s:
            return []
        where = f"episode {self._index + 1}/{self._plan.episodes}, seed {self.seed}"
        return self._finish(f"{where}: waited {self._plan.patience_s:g} s in vain: {reason}")
