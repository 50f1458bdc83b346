"""Who moves the arm: the one place that chooses between teleop, policy and replay.

Order: teleop while its deadman is held; then policy or replay, while an episode is recorded (or always, where that was
asked for), and where it is required only while a living teleop message says `enable`. Of policy and replay the one that
has the arm keeps it until it falls silent; the other is a conflict, which is reported. A topic on which two publishers
speak leads nobody, and where it is teleop's, nobody is led at all: whose deadman and enable would count? A source is
silent when its 50 Hz heartbeat is late by the steady clock; its action is stale 2.5 of its periods after its stamp by
the node's clock. An action that arrives while its source does not have the arm is dropped, and never carried out later.
A pose or joint positions replace what was asked before; deltas add up, so a few that come within one control period
wait and are handed out one per period, oldest first, each within its own life, while their source has the arm. A
teleop that comes back after a silence with its deadman down leads nobody before it was let go: whoever holds it saw the
arm stop, and must not see it start by itself. So it is, with the enable too, after a stop that was recovered, and after
the arm was led by hand. The latched stop lies in the motion controller, above all of it.

Pure: both clocks come in as arguments. Must not import rclpy.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from muse_core.control.limits import Limit
from muse_core.control.state import ACTION_LIFE_PERIODS, ArmAction

TELEOP, POLICY, REPLAY = "teleop", "policy", "replay"
SOURCES = (TELEOP, POLICY, REPLAY)
HEARTBEAT_S = 0.02
SILENT_AFTER_NS = 120_000_000
"""A source whose last message is older than this is gone. A process that dies right after it spoke must be in a hold
150 ms later: less a control period of 10 ms, and 20 ms in which a busy machine may be late with the message or with the
period. It still is six heartbeats, so that one that is late, or two that are lost, do not stop a live source."""

RELEASE_AFTER_NS = 500_000_000
"""After a longer silence than this a deadman counts only once it was seen up. A hiccup of a busy machine is shorter."""
AHEAD_NS = 50_000_000
"""A stamp further ahead of now than this is of a wrong clock, or of one that was set back since."""
DELTA_SPACES = ("ee_delta", "joint_delta")
QUEUED = 4
"""So many deltas of a source wait at most: of 50 Hz actions, which live 50 ms, no more than three ever could."""


@dataclass(frozen=True)
class Choice:
    """What the arm is to do now.

    Attributes:
        source: Who has the arm; empty where nobody has.
        action: What that source asks for; None where the arm holds.
        origin: What came with that action into :meth:`Arbiter.hear`.
        reason: Why the arm holds: STALE or NO_DEADMAN; NOT_LIMITED where it does not.
        conflict: A second source that asks for the arm in vain; empty where there is none.
        displaced: Whom teleop has taken the arm from, since it did; empty where teleop has displaced nobody.
    """

    source: str = ""
    action: ArmAction | None = None
    origin: Any = None
    reason: Limit = Limit.NOT_LIMITED
    conflict: str = ""
    displaced: str = ""


@dataclass
class _Source:
    heard_ns: int | None = None
    stamp_ns: int = -1
    deadman: bool = False
    enable: bool = False
    released: bool = False
    enable_released: bool = True
    action: ArmAction | None = None
    origin: Any = None
    waiting: deque[tuple[ArmAction, Any]] = field(default_factory=deque)

    def forget_action(self) -> None:
        self.action = self.origin = None
        self.waiting.clear()


class Arbiter:
    """Remembers what each source last said and says who has the arm.

    Args:
        execute_always: Let policy and replay move the arm without an episode.
        require_enable: Let them move only while teleop says `enable`.
        require_release: Let teleop's deadman count after a silence, and at first, only once it was up. Not for a
            scripted teleop, which nobody holds.

    Attributes:
        dropped: How many deltas were never handed out: older than their life by their turn, or too many at once.
    """

    def __init__(
        self, execute_always: bool = False, require_enable: bool = False, require_release: bool = False
    ) -> None:
        self._execute_always, self._require_enable = execute_always, require_enable
        self._require_release = require_release
        self.dropped = 0
        self._recording = False
        self._sources = {name: _Source() for name in SOURCES}
        self._owner = ""
        self._displaced = ""
        self._doubled: frozenset[str] = frozenset()

    def record(self, recording: bool) -> None:
        """Say whether an episode is being recorded."""
        self._recording = recording

    def double(self, sources: frozenset[str]) -> None:
        """Say on whose topics two publishers speak: these sources do not get the arm, and with teleop's nobody does."""
        self._doubled = sources

    def enabled(self, steady_ns: int) -> bool:
        """Whether policy and replay need no enable, or a living teleop message gives it."""
        teleop = self._sources[TELEOP]
        held = teleop.enable and teleop.enable_released
        return not self._require_enable or (held and self._alive(TELEOP, steady_ns))

    @property
    def enable_to_be_released(self) -> bool:
        """Whether an enable that is required is held since before a stop: it counts again once it was let go."""
        teleop = self._sources[TELEOP]
        return self._require_enable and teleop.enable and not teleop.enable_released

    @property
    def to_be_released(self) -> bool:
        """Whether teleop's deadman is down since before a silence, or a stop: it counts again once it was let go."""
        teleop = self._sources[TELEOP]
        return self._require_release and teleop.deadman and not teleop.released

    def hear(self, action: ArmAction, now_ns: int, steady_ns: int, origin: Any = None, *, enable: bool = False) -> None:
        """Take a message in: an action, or where its stamp is not newer than the last or it has no values, a heartbeat.

        A stamp that lies in the future sets no mark, lest one wrong clock, or one that is set back, make its source a
        mere heartbeat for ever.

        Args:
            action: With `source` one of :data:`SOURCES`; its deadman holds until the next message.
            now_ns: Now, by the clock of the actions' stamps [ns].
            steady_ns: When it was received, by the steady clock [ns].
            origin: Anything to be handed out with the action.
            enable: From teleop: policy and replay may move, until the next message.

        Raises:
            KeyError: on an unknown source; it lists the known ones.
        """
        if action.source not in self._sources:
            raise KeyError(f"no source {action.source!r}; there are {', '.join(SOURCES)}")
        source = self._sources[action.source]
        silent = source.heard_ns is None or steady_ns - source.heard_ns > RELEASE_AFTER_NS
        source.released = not action.deadman or (source.released and not silent)
        source.enable_released = source.enable_released or not enable
        source.heard_ns, source.deadman, source.enable = steady_ns, action.deadman, enable
        marked = source.stamp_ns <= now_ns + AHEAD_NS
        newer = action.stamp_ns > source.stamp_ns or (not marked and action.stamp_ns != source.stamp_ns)
        fresh = len(action.values) > 0 and newer
        if fresh:
            source.stamp_ns = action.stamp_ns
        self._choose_owner(steady_ns)
        if fresh and self._owner == action.source:
            self._queue(source, action, origin)

    @property
    def waiting(self) -> bool:
        """Whether who has the arm has asked for something that was not handed out yet."""
        return bool(self._owner and self._sources[self._owner].waiting)

    def forget(self) -> None:
        """Drop every action: for a world that was reset, or a stop. Who is alive stays known."""
        for source in self._sources.values():
            source.forget_action()

    def await_release(self) -> None:
        """Let teleop's deadman and enable count only once they were let go from now on, where that is required."""
        teleop = self._sources[TELEOP]
        teleop.released, teleop.enable_released = False, not self._require_release

    def silence(self) -> None:
        """Take every source for gone until it is heard again."""
        for source in self._sources.values():
            source.heard_ns = None

    def choose(self, now_ns: int, steady_ns: int) -> Choice:
        """What the arm is to do in this control period: to be called once in each.

        Args:
            now_ns: Now, by the clock of the actions' stamps [ns].
            steady_ns: Now, by the steady clock [ns].
        """
        self._choose_owner(steady_ns)
        if not self._owner:
            return Choice(reason=Limit.NO_DEADMAN)
        source, conflict = self._sources[self._owner], self._conflict(steady_ns)
        self._hand_out(source, now_ns)
        action = source.action
        if action is None or _too_old(action, now_ns):
            return Choice(self._owner, reason=Limit.STALE, conflict=conflict, displaced=self._displaced)
        return Choice(self._owner, action, source.origin, conflict=conflict, displaced=self._displaced)

    def _queue(self, source: _Source, action: ArmAction, origin: Any) -> None:
        """Let a delta wait for its control period; anything else replaces all that waits."""
        if action.space not in DELTA_SPACES or (source.waiting and source.waiting[-1][0].space != action.space):
            self.dropped += sum(waiting.space in DELTA_SPACES for waiting, _ in source.waiting)
            source.waiting.clear()
        elif len(source.waiting) == QUEUED:
            source.waiting.popleft()
            self.dropped += 1
        source.waiting.append((action, origin))

    def _hand_out(self, source: _Source, now_ns: int) -> None:
        """The oldest that waits and still lives is what the source asks for now."""
        while source.waiting:
            source.action, source.origin = source.waiting.popleft()
            if not _too_old(source.action, now_ns):
                return
            self.dropped += 1

    def _alive(self, name: str, steady_ns: int) -> bool:
        heard_ns = self._sources[name].heard_ns
        return heard_ns is not None and steady_ns - heard_ns <= SILENT_AFTER_NS

    def _autonomous(self, steady_ns: int) -> list[str]:
        """Policy and replay, where they are alive in an episode; the one that has the arm comes first."""
        if not (self._recording or self._execute_always) or TELEOP in self._doubled:
            return []
        alive = [name for name in (POLICY, REPLAY) if self._alive(name, steady_ns) and name not in self._doubled]
        return sorted(alive, key=lambda name: name != self._owner)

    def _choose_owner(self, steady_ns: int) -> None:
        teleop, autonomous = self._sources[TELEOP], self._autonomous(steady_ns)
        held = teleop.deadman and not self.to_be_released
        if held and self._alive(TELEOP, steady_ns) and TELEOP not in self._doubled:
            owner = TELEOP
            # The enable is not asked: letting go of it is how a person stops a policy before taking over.
            before = self._owner if self._owner in (POLICY, REPLAY) else ""
            self._displaced = self._displaced or before or next(iter(autonomous), "")
        else:
            owner = autonomous[0] if autonomous and self.enabled(steady_ns) else ""
            self._displaced = ""
        if owner != self._owner:
            self.forget()
            self._owner = owner

    def _conflict(self, steady_ns: int) -> str:
        others = [name for name in self._autonomous(steady_ns) if name != self._owner]
        return others[0] if others and self._owner != TELEOP else ""


def _too_old(action: ArmAction, now_ns: int) -> bool:
    """Whether the life of an action is over; a period that is none is left to the motion controller, which says so."""
    life_s = ACTION_LIFE_PERIODS * action.period_s if action.period_s > 0.0 else math.inf
    return now_ns - action.stamp_ns > life_s * 1e9
