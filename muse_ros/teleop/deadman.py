"""When a deadman counts: never through a gap. Pure: time comes in. Must not import rclpy.

A switch that is down when its device appears, or comes back after it was gone, has not been pressed by anybody who saw
that: it counts again once it was let go and pressed anew.
"""

from __future__ import annotations


class DeadmanGate:
    """Lets a deadman through, except from a loss of its device until it is seen up."""

    def __init__(self) -> None:
        self._armed = False

    def step(self, down: bool) -> bool:
        """Whether the operator allows motion.

        Args:
            down: Whether the switch is down.
        """
        self._armed = self._armed or not down
        return down and self._armed

    def lose(self) -> None:
        """The device is gone, silent, or says what cannot be."""
        self._armed = False


class Freshness:
    """Whether a source still speaks, by the steady clock: senders' clocks may be wrong, silence is not."""

    def __init__(self, stale_s: float) -> None:
        """`stale_s`: silence for longer than this [s] means that the source is gone."""
        self._stale_ns = round(stale_s * 1e9)
        self._heard_ns: int | None = None

    def hear(self, now_ns: int) -> None:
        """A message came at `now_ns` [ns]."""
        self._heard_ns = now_ns

    def fresh(self, now_ns: int) -> bool:
        """Whether a message came lately."""
        return self._heard_ns is not None and now_ns - self._heard_ns <= self._stale_ns
