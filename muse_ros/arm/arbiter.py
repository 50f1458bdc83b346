"""Who moves the arm: the one place that chooses between teleop, policy and replay.

Order: teleop while its deadman is held; then policy or replay, while an episode is recorded (or always, where that was
asked for). Of policy and replay the one that has the arm keeps it until it falls silent; the other is a conflict, which
is reported. A source is silent when its 50 Hz heartbeat is late by the steady clock; its action is stale 2.5 of its
periods after its stamp by the node's clock. An action that arrives while its source does not have the arm is dropped,
and never carried out later. The latched stop lies in the motion controller, behind this and above all of it.

Pure: both clocks come in as arguments. Must not import rclpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from muse_core.control.limits import Limit
from muse_core.control.motion import ACTION_LIFE_PERIODS
from muse_core.control.state import ArmAction

TELEOP, POLICY, REPLAY = "teleop", "policy", "replay"
SOURCES = (TELEOP, POLICY, REPLAY)
HEARTBEAT_S = 0.02
SILENT_AFTER_NS = 150_000_000 + round(HEARTBEAT_S * 1e9)
"""A source whose last message is older than this, a heartbeat's period and 0.15 s, is gone."""


@dataclass(frozen=True)
class Choice:
    """What the arm is to do now.

    Attributes:
        source: Who has the arm; empty where nobody has.
        action: What that source asks for; None where the arm holds.
        origin: What came with that action into :meth:`Arbiter.hear`.
        reason: Why the arm holds: STALE or NO_DEADMAN; NOT_LIMITED where it does not.
        conflict: A second source that asks for the arm in vain; empty where there is none.
    """

    source: str = ""
    action: ArmAction | None = None
    origin: Any = None
    reason: Limit = Limit.NOT_LIMITED
    conflict: str = ""


@dataclass
class _Source:
    heard_ns: int | None = None
    stamp_ns: int = -1
    deadman: bool = False
    action: ArmAction | None = None
    origin: Any = None

    def forget_action(self) -> None:
        self.action = self.origin = None


class Arbiter:
    """Remembers what each source last said and says who has the arm.

    Args:
        execute_always: Let policy and replay move the arm without an episode.
    """

    def __init__(self, execute_always: bool = False) -> None:
        self._execute_always = execute_always
        self._recording = False
        self._sources = {name: _Source() for name in SOURCES}
        self._owner = ""

    def record(self, recording: bool) -> None:
        """Say whether an episode is being recorded."""
        self._recording = recording

    def hear(self, action: ArmAction, now_ns: int, steady_ns: int, origin: Any = None) -> None:
        """Take a message in: an action, or where its stamp is not newer than the last or it has no values, a heartbeat.

        A stamp that lies in the future counts as now, lest one wrong clock make its source a mere heartbeat for ever.

        Args:
            action: With `source` one of :data:`SOURCES`; its deadman holds until the next message.
            now_ns: Now, by the clock of the actions' stamps [ns].
            steady_ns: When it was received, by the steady clock [ns].
            origin: Anything to be handed out with the action.

        Raises:
            KeyError: on an unknown source; it lists the known ones.
        """
        if action.source not in self._sources:
            raise KeyError(f"no source {action.source!r}; there are {', '.join(SOURCES)}")
        source = self._sources[action.source]
        source.heard_ns, source.deadman = steady_ns, action.deadman
        newer = action.stamp_ns > min(source.stamp_ns, now_ns) and action.stamp_ns != source.stamp_ns
        fresh = len(action.values) > 0 and newer
        if fresh:
            source.stamp_ns = action.stamp_ns
        self._choose_owner(steady_ns)
        if fresh and self._owner == action.source:
            source.action, source.origin = action, origin

    def forget(self) -> None:
        """Drop every action: for a world that was reset, or a stop. Who is alive stays known."""
        for source in self._sources.values():
            source.forget_action()

    def choose(self, now_ns: int, steady_ns: int) -> Choice:
        """What the arm is to do.

        Args:
            now_ns: Now, by the clock of the actions' stamps [ns].
            steady_ns: Now, by the steady clock [ns].
        """
        self._choose_owner(steady_ns)
        if not self._owner:
            return Choice(reason=Limit.NO_DEADMAN)
        source, conflict = self._sources[self._owner], self._conflict(steady_ns)
        action = source.action
        # a period that is none lets the action through: the motion controller refuses it, and says so
        life_s = ACTION_LIFE_PERIODS * action.period_s if action is not None and action.period_s > 0.0 else math.inf
        if action is None or now_ns - action.stamp_ns > life_s * 1e9:
            return Choice(self._owner, reason=Limit.STALE, conflict=conflict)
        return Choice(self._owner, action, source.origin, conflict=conflict)

    def _alive(self, name: str, steady_ns: int) -> bool:
        heard_ns = self._sources[name].heard_ns
        return heard_ns is not None and steady_ns - heard_ns <= SILENT_AFTER_NS

    def _autonomous(self, steady_ns: int) -> list[str]:
        """Policy and replay, where they are alive and allowed to move; the one that has the arm comes first."""
        if not (self._recording or self._execute_always):
            return []
        return sorted(
            (name for name in (POLICY, REPLAY) if self._alive(name, steady_ns)), key=lambda name: name != self._owner
        )

    def _choose_owner(self, steady_ns: int) -> None:
        if self._sources[TELEOP].deadman and self._alive(TELEOP, steady_ns):
            owner = TELEOP
        else:
            owner = next(iter(self._autonomous(steady_ns)), "")
        if owner != self._owner:
            self.forget()
            self._owner = owner

    def _conflict(self, steady_ns: int) -> str:
        others = [name for name in self._autonomous(steady_ns) if name != self._owner]
        return others[0] if others and self._owner != TELEOP else ""
