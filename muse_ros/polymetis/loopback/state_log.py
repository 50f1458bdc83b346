"""The last five minutes of states, numbered from the first: what Polymetis' server keeps for its clients. Pure."""

from __future__ import annotations

CAPACITY = 300_000


class StateLog:
    """A ring of encoded states; an index counts all that ever came. One writer, any number of readers.

    Args:
        capacity: How many are kept.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._states: list[bytes] = []
        self._count = 0

    @property
    def count(self) -> int:
        """How many states came, those that are forgotten included."""
        return self._count

    def append(self, state: bytes) -> None:
        """Keep one more."""
        place = self._count % self._capacity
        if place < len(self._states):
            self._states[place] = state
        else:
            self._states.append(state)
        self._count += 1

    def get(self, index: int) -> bytes | None:
        """The state of this index; None where it has not come yet or is forgotten."""
        count = self._count
        if not max(0, count - self._capacity) <= index < count:
            return None
        return self._states[index % self._capacity]
