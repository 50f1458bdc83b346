"""Whether the arm does what the replay asks, by what the panda node says it applied. Pure; imports no ROS.

A replay that lost the arm, to a person, to the latched stop or to a missing permission, ends; it never goes on by
itself, because where the arm then stands is not where the recording was.
"""

from __future__ import annotations

from dataclasses import dataclass

from muse_core.control.limits import Limit

SILENT_NS = 500_000_000
UNSERVED_NS = 500_000_000
"""An action that nothing has come of for this long is not being carried out; an arm acts on one within 20 ms."""
FORBIDDEN_NS = 100_000_000
"""No hand lets go of an enable and takes it again faster; a heartbeat that comes late on a busy machine is shorter."""
REPLAY = "replay"
HOLDS = Limit.STALE | Limit.NO_DEADMAN | Limit.STOPPED
SHAPES = Limit.JOINT_ACCELERATION | Limit.JOINT_JERK
"""What shapes every start and turn and keeps nothing from being reached."""


@dataclass(frozen=True)
class Applied:
    """What one AppliedAction says, and when it came by the steady clock [ns]."""

    source: str
    action_stamp_ns: int
    limited_by: int
    steady_ns: int


class Follower:
    """Remembers what the arm last did.

    Attributes:
        applied: The newest word of the panda node; None before the first.
        limited: Set-points of this replay that a limit acted on, other than those of acceleration and jerk.
        served: Set-points of this replay.
        carried_out: Actions of this replay that the arm began: the arbiter leaves out one that comes after its life.
    """

    def __init__(self) -> None:
        self.applied: Applied | None = None
        self.limited = 0
        self.served = 0
        self.carried_out = 0
        self._newest_ns = 0  # as in a set-point that holds
        self._asked_ns = 0
        self._asked_since_ns: int | None = None
        self._lost = ""
        self._forbidden_since_ns: int | None = None

    def asked(self, stamp_ns: int, steady_ns: int) -> None:
        """An action of this stamp has been published."""
        self._asked_ns = stamp_ns
        if self._asked_since_ns is None:
            self._asked_since_ns = steady_ns

    def rested(self) -> None:
        """Nothing is asked for any more."""
        self._asked_since_ns = None

    def see(self, applied: Applied) -> None:
        """Take one set-point's report in."""
        self.applied = applied
        if applied.source == REPLAY:
            self.served += 1
            self.limited += bool(applied.limited_by & ~(HOLDS | SHAPES))
            self.carried_out += applied.action_stamp_ns > self._newest_ns
            self._newest_ns = max(self._newest_ns, applied.action_stamp_ns)
            self._asked_since_ns = None if applied.action_stamp_ns >= self._asked_ns else applied.steady_ns
        if not (self.served and applied.limited_by & Limit.NO_DEADMAN):
            self._forbidden_since_ns = None
            return
        if self._forbidden_since_ns is None:
            self._forbidden_since_ns = applied.steady_ns
        if applied.steady_ns - self._forbidden_since_ns >= FORBIDDEN_NS:
            self._lost = self._lost or f"it may not move the arm any more: {forbidden(applied)}"

    def taken_by(self, source: str) -> None:
        """Somebody else has, or asks for and gets, the arm."""
        self._lost = f"{source} has taken the arm"

    def lost(self, steady_ns: int) -> str:
        """Why the replay must end now; empty while all is well."""
        applied = self.applied
        if applied is None or steady_ns - applied.steady_ns > SILENT_NS:
            return "panda/applied_action is silent: does the panda node still run?"
        if applied.limited_by & Limit.STOPPED:
            return "the arm's latched stop is set; panda/recover releases it"
        if applied.source not in ("", REPLAY):
            return f"{applied.source} has taken the arm"
        if self._lost:
            return self._lost
        if self._asked_since_ns is not None and steady_ns - self._asked_since_ns > UNSERVED_NS:
            return f"the arm does not follow: {forbidden(applied) or 'it holds, ' + names(applied.limited_by)}"
        return ""


def forbidden(applied: Applied) -> str:
    """Why a replay that only sends its heartbeat could not move the arm; empty where it could."""
    if applied.limited_by & Limit.STOPPED:
        return "the latched stop is set; call panda/recover"
    if applied.source not in ("", REPLAY):
        return f"{applied.source} has the arm"
    if applied.limited_by & Limit.NO_DEADMAN:
        return (
            "nobody lets a replay move it: start panda with execute_always:=true (as `muse replay` does), or record an "
            "episode meanwhile; on a real arm also hold the teleop device's enable, or set require_enable:=false"
        )
    return ""


def names(limited_by: int) -> str:
    """The names of the limits in a bit mask, for a sentence."""
    return ", ".join(limit.name.lower() for limit in Limit if limit and limited_by & limit) or "for no reason given"
