"""How the server computer's clock stands to ours, from the stamps of the states that it hands out.

A state is read from the arm, waits in the server for at most a cycle until somebody asks, and travels. Of the answers
that came quickest the one that looks freshest was the freshest: it tells the offset to within half its round trip and
half a cycle, however old the others were. Pure: time comes in as arguments.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

BUCKET_NS = 250_000_000
WINDOW = 10
"""The offset is that of the last so many buckets: 2.5 s, in which even a clock that is being slewed hardly moves."""
DRIFT_WINDOW = 240
JUMP_NS = 5_000_000
"""A state from so far beyond what the offset allows was not late: a clock was set."""
OLD_NS = 20_000_000
OLD_SAMPLES = 25
"""So many new states in a row, each older than `OLD_NS` when it was asked for: a clock was set the other way."""


@dataclass(frozen=True)
class _Sample:
    ours_ns: int  # when it was received
    round_trip_ns: int
    offset_ns: int  # ours less theirs, if the state was taken half way between asking and receiving


class ServerClock:
    """The offset between two clocks.

    Args:
        cycle_s: The robot client's period [s]: how old a state may be that is the newest.
    """

    def __init__(self, cycle_s: float = 0.001) -> None:
        self._half_cycle_ns = round(cycle_s * 5e8)
        self.jumps = 0
        """How often one of the two clocks was set."""
        self._bucket: list[_Sample] = []
        self._best: deque[_Sample] = deque(maxlen=DRIFT_WINDOW)
        self._chosen: _Sample | None = None
        self._old = 0

    def note(self, sent_ns: int, received_ns: int, server_ns: int) -> None:
        """Take in a state that was not had before.

        Args:
            sent_ns: When it was asked for, by our clock [ns].
            received_ns: When it came, by our clock [ns].
            server_ns: Its stamp, by the server's clock [ns].
        """
        round_trip_ns = received_ns - sent_ns
        if round_trip_ns < 0:  # our clock was set during the call
            return
        self._watch(sent_ns - server_ns, received_ns - server_ns)
        if self._bucket and abs(received_ns - self._bucket[0].ours_ns) >= BUCKET_NS:
            self._best.append(_freshest(self._bucket))
            self._bucket = []
            self._chosen = _freshest(list(self._best)[-WINDOW:])
        self._bucket.append(_Sample(received_ns, round_trip_ns, received_ns - server_ns - round_trip_ns // 2))
        if not self._best:
            self._chosen = _freshest(self._bucket)

    @property
    def known(self) -> bool:
        """Whether anything is known yet."""
        return self._chosen is not None

    @property
    def offset_ns(self) -> int:
        """Our clock less the server's [ns].

        Raises:
            ValueError: if no state was noted yet.
        """
        return self._sample().offset_ns - self._half_cycle_ns

    @property
    def error_ns(self) -> int:
        """The offset may be wrong by this much [ns]."""
        return self._sample().round_trip_ns // 2 + self._half_cycle_ns

    @property
    def drift_ppm(self) -> float | None:
        """How fast the offset grows [us/s], over the last minute; None before ten seconds are seen."""
        points = list(self._best)
        if not points or points[-1].ours_ns - points[0].ours_ns < 10_000_000_000:
            return None
        seconds = np.array([(each.ours_ns - points[0].ours_ns) * 1e-9 for each in points])
        offsets_us = np.array([(each.offset_ns - points[0].offset_ns) * 1e-3 for each in points])
        return float(np.polyfit(seconds, offsets_us, 1)[0])

    def to_ours(self, server_ns: int) -> int:
        """A stamp of the server's by our clock [ns].

        Raises:
            ValueError: if no state was noted yet.
        """
        return server_ns + self.offset_ns

    def _sample(self) -> _Sample:
        if self._chosen is None:
            raise ValueError("the server's clock is not known before a state was noted")
        return self._chosen

    def _watch(self, at_least_ns: int, at_most_ns: int) -> None:
        """Notice that a clock was set: had it not been, the offset would lie in [at_least - age, at_most]."""
        if self._chosen is None:
            return
        self._old = self._old + 1 if at_least_ns > self.offset_ns + self.error_ns + OLD_NS else 0
        from_the_future = at_most_ns < self.offset_ns - self.error_ns - JUMP_NS
        if from_the_future or self._old >= OLD_SAMPLES:
            self.jumps += 1
            self._old, self._bucket = 0, []
            self._best.clear()  # the sample at hand is chosen next, so that who reads beside us always finds one


def _freshest(samples: list[_Sample]) -> _Sample:
    """Of the samples with a quick round trip the one whose state was the youngest."""
    quick_ns = 2 * min(each.round_trip_ns for each in samples) + 100_000
    return min((each for each in samples if each.round_trip_ns <= quick_ns), key=lambda each: each.offset_ns)
