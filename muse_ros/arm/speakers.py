"""On whose action topic two publishers speak: a forgotten teleop in another terminal, a policy started twice.

Each publisher numbers its messages. One publisher's numbers only rise, and begin again once when its process is
restarted; those of two publishers, interleaved, fall back again and again. Where the middleware gives no numbers, the
number of publishers that it lists counts, in which a killed one stays for some 20 s. Pure: numbers and times come in as
arguments.
"""

from __future__ import annotations

from collections import deque

TOGETHER_NS = 1_000_000_000
"""Numbers that fall back twice within this time are those of two publishers; one that does not within it is alone."""


class Speakers:
    """Remembers the numbers of the messages of each source."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._falls: dict[str, deque[int]] = {}
        self._listed: dict[str, int] = {}

    def hear(self, source: str, number: int | None, steady_ns: int) -> None:
        """Take the number of a message in.

        Args:
            source: By whose topic it came.
            number: Its publisher's number of it; None where the middleware gives none.
            steady_ns: When it was received, by the steady clock [ns].
        """
        if number is None:
            return
        if number <= self._last.get(source, -1):
            self._falls.setdefault(source, deque(maxlen=2)).append(steady_ns)
        self._last[source] = number

    def listed(self, source: str, publishers: int) -> None:
        """Say how many publishers the middleware lists on a source's topic."""
        self._listed[source] = publishers

    def doubled(self, steady_ns: int) -> frozenset[str]:
        """The sources on whose topics two publishers speak.

        Args:
            steady_ns: Now, by the steady clock [ns].
        """
        falling = {
            source
            for source, falls in self._falls.items()
            if len(falls) == 2 and falls[1] - falls[0] <= TOGETHER_NS and steady_ns - falls[1] <= TOGETHER_NS
        }
        unnumbered = {source for source, n in self._listed.items() if n > 1 and source not in self._last}
        return frozenset(falling | unnumbered)
