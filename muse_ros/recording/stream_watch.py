"""The figures of one expected stream as it arrives: rate, age, gaps, lag of reception, losses, and what is wrong.

Times are given, on the clock that stamps are on; where that is simulated, the lag says nothing, because the clock comes
in steps and real delays are not on it, and it is not judged. Imports no ROS.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from itertools import takewhile

_NS_PER_S = 1_000_000_000
_RATE_WINDOW_NS = _NS_PER_S
_LAG_WINDOW_NS = 150_000_000
_JUDGED_RATE_HZ = 5.0  # of a slower stream a second holds too few messages to tell its rate
_TOO_SLOW = 0.8
_SILENT_NS = 350_000_000
_HEART_STANDS_NS = 300_000_000  # the arm holds after 120 ms; a busy machine is late with a beat or two now and then
_LAG_JUMP_NS = 50_000_000
_LOST_AT_ONCE = 0.05
_KEPT = 4096


class Level(IntEnum):
    """How a stream is, numbered as in StreamHealth.msg."""

    OK = 0
    DEGRADED = 1
    MISSING = 2


@dataclass(frozen=True)
class Expected:
    """A topic that must be there before an episode starts.

    Attributes:
        topic: Full topic name.
        type: Message type that it must have; empty: any.
        max_age_s: Oldest sample that an observation may use [s]; None for actions, which need only a publisher.
        rate_hz: Messages a second that it should have [Hz]; 0: any.
        heartbeat: Whoever publishes it says so at 50 Hz, so that its silence in an episode means that it is gone.
    """

    topic: str
    type: str
    max_age_s: float | None
    rate_hz: float = 0.0
    heartbeat: bool = False


@dataclass(frozen=True)
class Figures:
    """What was measured of one stream.

    Attributes:
        rate_hz: Messages over the last second [Hz].
        age_s: Of the newest sample [s]; infinite where there is none.
        largest_gap_s: Longest time between two stamps of this episode, the running one included [s].
        lag_s: From the newest sample's stamp to its reception [s].
        received: Messages of this episode.
        lost: Messages of this episode that were sent and did not arrive.
    """

    rate_hz: float
    age_s: float
    largest_gap_s: float
    lag_s: float
    received: int
    lost: int

    @property
    def lost_share(self) -> float:
        """Share of the episode's messages that did not arrive, 0 to 1."""
        return self.lost / max(1, self.received + self.lost)


class StreamWatch:
    """Sees every message of one stream; cheap enough for 1 kHz."""

    def __init__(self, expected: Expected, slack_s: float, judge_lag: bool) -> None:
        """`slack_s` is added to the age limit [s]; `judge_lag`: stamps and receptions are on the same real clock."""
        self.expected = expected
        self.newest_ns: int | None = None
        self.zero_stamps = 0
        self._slack_ns = int(slack_s * _NS_PER_S)
        self._judge_lag = judge_lag
        self._receptions: deque[int] = deque(maxlen=_KEPT)
        self._first_ns = 0
        self._lag_ns = 0
        self._lag_since_ns = 0
        self._lag_least_ns: int | None = None
        self._lag_usual_ns: int | None = None
        self._lag_of_start_ns: int | None = None
        self._losses: deque[tuple[int, int]] = deque(maxlen=_KEPT)
        self._counting = False
        self._received = self._lost = self._largest_gap_ns = 0
        self._frozen: Figures | None = None

    def arrived(self, stamp_ns: int | None, received_ns: int, lost: int = 0) -> None:
        """One message; `stamp_ns` is None where its type carries none, `lost` others went missing before it."""
        if stamp_ns == 0:
            self.zero_stamps += 1
            return
        time_ns = received_ns if stamp_ns is None else stamp_ns
        if self._counting:
            self._received += 1
            self._lost += lost
            if self.newest_ns is not None:
                self._largest_gap_ns = max(self._largest_gap_ns, time_ns - self.newest_ns)
        if lost:
            self._losses.append((received_ns, lost))
        self.newest_ns = time_ns
        self._note_reception(received_ns)
        self._note_lag(received_ns, received_ns - time_ns)

    def begin(self) -> None:
        """An episode begins: its counts start anew, and the lag that the stream has now is its usual one."""
        self._counting, self._frozen = True, None
        self._received = self._lost = self._largest_gap_ns = 0
        self._lag_of_start_ns = self._lag_usual_ns

    def end(self, now_ns: int) -> None:
        """The episode has ended at `now_ns` [ns]: its counts stay as they are."""
        if self._counting:
            self._frozen = self.figures(now_ns)
        self._counting = False

    def figures(self, now_ns: int) -> Figures:
        """The figures at `now_ns`; what belongs to an episode is the current or the last one's."""
        age_s = float("inf") if self.newest_ns is None else (now_ns - self.newest_ns) / _NS_PER_S
        received, lost, gap_s = self._received, self._lost, self._largest_gap_ns / _NS_PER_S
        if self._frozen is not None:
            received, lost, gap_s = self._frozen.received, self._frozen.lost, self._frozen.largest_gap_s
        elif self._counting and self.newest_ns is not None:
            gap_s = max(gap_s, age_s)
        return Figures(self._rate_hz(now_ns), age_s, gap_s, self._lag_ns / _NS_PER_S, received, lost)

    def too_old(self, now_ns: int) -> str:
        """Why no observation could use the newest sample at `now_ns`; empty where one could."""
        name, limit_s = self.expected.topic, self.expected.max_age_s
        if limit_s is None or self.newest_ns is None:
            return ""
        age_ns = now_ns - self.newest_ns
        if age_ns > limit_s * _NS_PER_S + self._slack_ns:
            return f"{name}: newest sample is {age_ns / _NS_PER_S:.2f} s old, {limit_s:g} s allowed"
        return ""

    def trouble(self, now_ns: int) -> tuple[Level, str]:
        """What is wrong with the stream at `now_ns`, though it may still be fresh enough; (OK, "") where nothing is."""
        if self.expected.heartbeat and self._judge_lag and self._counting:
            return self._heart(now_ns)
        if self.expected.max_age_s is None or self.newest_ns is None:
            return Level.OK, ""
        stopped = self.too_old(now_ns) or self._silent(now_ns)
        if stopped:
            return Level.MISSING, stopped
        problem = self._jumped() or self._losing(now_ns) or self._slow(now_ns)
        return (Level.DEGRADED, problem) if problem else (Level.OK, "")

    def shortcomings(self, now_ns: int, allowed_lost: float) -> list[str]:
        """What makes the current or last episode less than it should be; empty where nothing does.

        Args:
            now_ns: Now [ns].
            allowed_lost: Share of a stream's messages that may be lost, 0 to 1.
        """
        figures, name, limit_s = self.figures(now_ns), self.expected.topic, self.expected.max_age_s
        found = []
        if figures.lost_share > allowed_lost:
            found.append(
                f"{name}: {figures.lost} of {figures.received + figures.lost} messages lost "
                f"({100 * figures.lost_share:.1f} %, {100 * allowed_lost:g} % allowed)"
            )
        if limit_s is not None and figures.largest_gap_s > limit_s:
            found.append(f"{name}: a gap of {figures.largest_gap_s:.2f} s, {limit_s:g} s allowed")
        return found

    def _note_reception(self, received_ns: int) -> None:
        receptions = self._receptions
        if receptions and (received_ns < receptions[-1] or received_ns - receptions[-1] > _RATE_WINDOW_NS):
            receptions.clear()  # the clock was set back, or the stream comes again: its rate is not known yet
        if not receptions:
            self._first_ns = received_ns
        receptions.append(received_ns)
        while receptions[0] <= received_ns - _RATE_WINDOW_NS:
            receptions.popleft()

    def _note_lag(self, received_ns: int, lag_ns: int) -> None:
        """The least lag of a short window tells clocks apart from delays, which only ever add."""
        self._lag_ns = lag_ns
        if self._lag_least_ns is None:
            self._lag_since_ns, self._lag_least_ns = received_ns, lag_ns
        elif abs(received_ns - self._lag_since_ns) >= _LAG_WINDOW_NS:
            self._lag_usual_ns = self._lag_least_ns
            if self._counting and self._lag_of_start_ns is None:
                self._lag_of_start_ns = self._lag_usual_ns
            self._lag_since_ns, self._lag_least_ns = received_ns, lag_ns
        else:
            self._lag_least_ns = min(self._lag_least_ns, lag_ns)

    def _rate_hz(self, now_ns: int) -> float:
        oldest_ns = now_ns - _RATE_WINDOW_NS
        old = sum(1 for _ in takewhile(lambda received_ns: received_ns <= oldest_ns, self._receptions))
        return (len(self._receptions) - old) * _NS_PER_S / _RATE_WINDOW_NS

    def _silent(self, now_ns: int) -> str:
        """A stream of at least ten a second is missed before its age limit is over, where that is long."""
        silence_ns = now_ns - self.newest_ns
        often = len(self._receptions) >= 10 or self.expected.rate_hz >= 10.0
        if often and silence_ns > _SILENT_NS:
            return f"{self.expected.topic}: silent for {silence_ns / _NS_PER_S:.2f} s"
        return ""

    def _heart(self, now_ns: int) -> tuple[Level, str]:
        """Whether its publisher lives, by when it was last heard: a heartbeat repeats the stamp of its last action."""
        silence_ns = now_ns - self._receptions[-1] if self._receptions else 0
        if silence_ns <= _HEART_STANDS_NS:
            return Level.OK, ""
        return Level.MISSING, (
            f"{self.expected.topic}: no heartbeat for {silence_ns / _NS_PER_S:.2f} s: its node hangs, is gone, or is "
            "not heard; the arm holds"
        )

    def _jumped(self) -> str:
        if not (self._judge_lag and self._counting) or None in (self._lag_of_start_ns, self._lag_usual_ns):
            return ""
        change_ns = self._lag_usual_ns - self._lag_of_start_ns
        if abs(change_ns) <= _LAG_JUMP_NS:
            return ""
        return (
            f"{self.expected.topic}: from stamp to reception it was {self._lag_of_start_ns / 1e6:.0f} ms, now it is "
            f"{self._lag_usual_ns / 1e6:.0f} ms; the publisher's clock jumped, or the network has slowed down"
        )

    def _losing(self, now_ns: int) -> str:
        lost = sum(count for received_ns, count in self._losses if received_ns > now_ns - _RATE_WINDOW_NS)
        if lost < 2 or lost <= _LOST_AT_ONCE * (lost + self._rate_hz(now_ns)):
            return ""
        return f"{self.expected.topic}: {lost} messages were lost in the last second"

    def _slow(self, now_ns: int) -> str:
        wanted_hz, rate_hz = self.expected.rate_hz, self._rate_hz(now_ns)
        known = now_ns - self._first_ns >= _RATE_WINDOW_NS
        if wanted_hz < _JUDGED_RATE_HZ or not known or rate_hz >= _TOO_SLOW * wanted_hz:
            return ""
        return f"{self.expected.topic}: {rate_hz:.0f} Hz, the contract wants {wanted_hz:g} Hz"
