"""When a simulation that runs faster than real time waits for the action of a tick, so that no source is too slow.

The action of a tick takes effect a fixed latency after it, as in the library's environment and in a live loop: the
simulation halts there until an action stamped at the tick or later has come. Pure. Must not import rclpy.
"""

from __future__ import annotations

from muse_ros.contract.ticks import tick_at_or_after

GIVE_UP_S = 5.0


class Lockstep:
    """Says which tick's action to wait for.

    Args:
        rate_hz: Ticks per second.
        latency_s: From a tick to the instant at which its action takes effect [s].
    """

    def __init__(self, rate_hz: float, latency_s: float) -> None:
        self._rate_hz = rate_hz
        self._latency_ns = round(latency_s * 1e9)
        self._given_up_ns = -1

    def tick_to_wait_for(self, now_ns: int, start_ns: int, newest_action_ns: int) -> int | None:
        """The tick whose action must come before time goes on; None where it may go on.

        Args:
            now_ns: Simulated time [ns].
            start_ns: When the episode that is being recorded began [ns]; earlier ticks are not waited for.
            newest_action_ns: Stamp of the newest action so far [ns].
        """
        tick_ns = now_ns - self._latency_ns
        if tick_at_or_after(tick_ns, self._rate_hz) != tick_ns or tick_ns < start_ns:
            return None
        given_up = self._given_up_ns >= max(newest_action_ns, start_ns)
        return None if newest_action_ns >= tick_ns or given_up else tick_ns

    def give_up(self, tick_ns: int) -> None:
        """Wait for no more ticks until a newer action than `tick_ns` comes, or another episode begins."""
        self._given_up_ns = tick_ns
