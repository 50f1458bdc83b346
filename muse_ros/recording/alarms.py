"""Alarms of a running episode: when each begins and ends, without flicker; and the watch over the clock itself.

Pure: troubles and times come in. Imports no ROS.
"""

from __future__ import annotations

from collections.abc import Mapping

from muse_ros.recording.episode_events import Alarms
from muse_ros.recording.health import Health

_NS_PER_S = 1_000_000_000
HOLD_S = 0.5
CLOCK_STANDS_S = 0.35
CLOCK_JUMP_NS = 50_000_000
CLOCK_AHEAD_NS, FASTEST = 10 * _NS_PER_S, 200.0
"""No simulation runs further than this between two looks, or faster than this many times real time."""


class AlarmBook:
    """Turns what is wrong now into alarms that begin once and end once."""

    def __init__(self) -> None:
        self._standing: dict[str, str] = {}
        self._last_seen_s: dict[str, float] = {}

    @property
    def standing(self) -> tuple[str, ...]:
        """What the alarms that have not ended say, as of the last look."""
        return tuple(self._standing.values())

    def look(self, troubles: Mapping[str, str], steady_s: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Take in what is wrong.

        Args:
            troubles: Topic, or ``clock``, to what is wrong with it; empty where nothing is.
            steady_s: Now, on a clock that nobody sets [s].

        Returns:
            What the alarms that begin now say; the topics of those that end, because all has been well for 0.5 s.
        """
        begun = []
        for name, reason in troubles.items():
            if not reason:
                continue
            if name not in self._standing:
                begun.append(reason)
            self._standing[name] = reason
            self._last_seen_s[name] = steady_s
        ended = tuple(name for name in self._standing if steady_s - self._last_seen_s[name] >= HOLD_S)
        for name in ended:
            del self._standing[name]
        return tuple(begun), ended

    def clear(self) -> None:
        """The episode is over, and its alarms with it."""
        self._standing.clear()


class ClockWatch:
    """Says whether the graph's clock goes as a clock should: no standing still, no jumps."""

    def __init__(self, simulated: bool) -> None:
        """`simulated`: the graph's clock is ``/clock``, which may run at any speed but must run."""
        self._simulated = simulated
        self._now_ns: int | None = None
        self._moved_s = 0.0
        self._offset_ns: int | None = None

    def begin(self) -> None:
        """An episode begins: the clock as it goes now is the right one."""
        self._now_ns = self._offset_ns = None

    def look(self, now_ns: int, steady_s: float) -> str:
        """What is wrong with the clock; empty where nothing is.

        Args:
            now_ns: The graph's clock [ns].
            steady_s: A clock that nobody sets [s].
        """
        problem = self._look_at_simulated(now_ns, steady_s) if self._simulated else self._look_at_real(now_ns, steady_s)
        self._now_ns = now_ns
        return problem

    def _look_at_simulated(self, now_ns: int, steady_s: float) -> str:
        before_ns = self._now_ns
        if before_ns is None or now_ns != before_ns:
            since_s, self._moved_s = steady_s - self._moved_s, steady_s
            return "" if before_ns is None else _jump(now_ns - before_ns, since_s)
        if steady_s - self._moved_s < CLOCK_STANDS_S:
            return ""
        return (
            f"/clock has stood still for {steady_s - self._moved_s:.1f} s; its publisher has stopped, or waits in "
            "lockstep for an action"
        )

    def _look_at_real(self, now_ns: int, steady_s: float) -> str:
        offset_ns = now_ns - int(steady_s * _NS_PER_S)
        if self._offset_ns is None:
            self._offset_ns = offset_ns
        change_ns = offset_ns - self._offset_ns
        if abs(change_ns) <= CLOCK_JUMP_NS:
            return ""
        return f"this machine's clock jumped by {change_ns / 1e9:.3f} s since the episode began"


def _jump(change_ns: int, since_s: float) -> str:
    """What is wrong with ``/clock`` where it changed by `change_ns` within `since_s` of real time; empty: nothing."""
    if change_ns < 0:
        return f"/clock jumped back by {-change_ns / _NS_PER_S:.3f} s"
    ahead = change_ns > max(CLOCK_AHEAD_NS, FASTEST * since_s * _NS_PER_S)
    return f"/clock jumped ahead by {change_ns / _NS_PER_S:.3f} s" if ahead else ""


class EpisodeAlarms:
    """The alarms of one episode after the other: of its streams, and of the clock."""

    def __init__(self, health: Health, clock: ClockWatch, abort: bool) -> None:
        """`abort`: an alarm ends the episode."""
        self._health, self._clock, self._abort = health, clock, abort
        self._book = AlarmBook()

    def begin(self) -> None:
        """An episode begins."""
        self._book.clear()
        self._clock.begin()

    def look(self, now_ns: int, steady_s: float) -> Alarms:
        """What the machine must hear of a running episode; ask at 10 Hz or more.

        Args:
            now_ns: The graph's clock [ns].
            steady_s: A clock that nobody sets [s].
        """
        troubles = {state.expected.topic: state.problem for state in self._health.streams(now_ns)}
        troubles["clock"] = self._clock.look(now_ns, steady_s)
        if "jumped" in troubles["clock"]:  # while a clock stands still nothing is stamped wrongly
            self._health.spoil("clock", troubles["clock"])
        begun, ended = self._book.look(troubles, steady_s)
        return Alarms(begun, ended, self._book.standing, now_ns, self._abort)
