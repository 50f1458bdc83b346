"""What a tick of a live policy can come to, and how long it may go without an action. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Hold(Enum):
    """Why there is no action at a tick; the arm then holds its measured pose."""

    STALE = "stale observation"
    LATE = "late inference"
    NOT_FINITE = "action not finite"
    WRONG_SHAPE = "action of the wrong length"
    FAILED = "policy failed"
    PLANNING = "first plan not ready"
    CLOCK = "clock stands still"


class State(Enum):
    """How a tick went; a PolicyStatus says it by a number of its own."""

    WAITING = "waiting"
    ACTING = "acting"
    HOLDING = "holding"
    STOPPED = "stopped"
    TAKEN_OVER = "taken over"


BEGINNINGS = (Hold.STALE, Hold.PLANNING)
"""At the first ticks of an episode these are no failure yet: streams and plans take a moment to come."""


@dataclass
class Patience:
    """Says what a tick without an action means: wait, hold, or give up.

    Attributes:
        give_up_ns: Held for this long, a policy is stopped until the next episode [ns]; None never stops it.
        in_episodes: Whether it is run episode by episode. Where it is not, nobody has said that the streams are there:
            it waits for the first action as long as that takes.
    """

    give_up_ns: int | None
    in_episodes: bool = True

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """An episode begins."""
        self._since_ns: int | None = None
        self._has_acted = False
        self._stopped = False

    def ease(self) -> None:
        """There is nothing to hold for: a person has the arm."""
        self._since_ns = None

    def judge(self, tick_ns: int, hold: Hold | None) -> State:
        """What a tick comes to.

        Args:
            tick_ns: The tick [ns].
            hold: Why it has no action; None where it has one.
        """
        if self._stopped:
            return State.STOPPED
        if hold is None:
            self._since_ns, self._has_acted = None, True
            return State.ACTING
        beginning = hold in BEGINNINGS and not self._has_acted
        if beginning and not self.in_episodes:
            return State.WAITING
        if self._since_ns is None:
            self._since_ns = tick_ns
        if self.give_up_ns is not None and tick_ns - self._since_ns >= self.give_up_ns:
            self._stopped = True
            return State.STOPPED
        return State.WAITING if beginning else State.HOLDING
