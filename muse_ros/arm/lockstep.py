"""When a simulation that runs faster than real time waits for the action of a tick, so that no source is too slow.

The action of a tick takes effect a fixed latency after it, as in the library's environment and in a live loop: the
simulation halts there until an action stamped at the tick or later has come. The clock comes in as an argument. Must
not import rclpy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from muse_ros.arm.arm_control import ArmControl
from muse_ros.arm.posted_tasks import PostedTasks
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


class Halt:
    """Stands still in simulated time until the action of a tick is here, the episode ends, or nobody answers.

    Args:
        lockstep: Says which tick.
        control: Hears the actions.
        tasks: By which they come; they are done while it waits.
        monotonic_s: The steady clock [s].
        log: A logger.

    Attributes:
        waiting_for_ns: The tick that is being waited for [ns]; None where none is.
    """

    def __init__(
        self, lockstep: Lockstep, control: ArmControl, tasks: PostedTasks, monotonic_s: Callable[[], float], log: Any
    ) -> None:
        self._lockstep, self._control, self._tasks = lockstep, control, tasks
        self._monotonic_s, self._log = monotonic_s, log
        self.waiting_for_ns: int | None = None

    def wait(self, now_ns: int, start_ns: int, closing: Callable[[], bool]) -> None:
        """Return when time may go on.

        Args:
            now_ns: Simulated time [ns].
            start_ns: When the episode that is being recorded began [ns].
            closing: Whether to wait no longer; asked whenever the tasks are woken.
        """
        deadline_s = self._monotonic_s() + GIVE_UP_S
        while self._control.recording and not closing() and not self._control.stopped:
            tick_ns = self._lockstep.tick_to_wait_for(now_ns, start_ns, self._control.newest_action_ns)
            if tick_ns is None:
                return
            left_s = deadline_s - self._monotonic_s()
            if left_s <= 0.0:
                self._lockstep.give_up(tick_ns)
                self._log.warning(f"no action came for the tick at {tick_ns * 1e-9:.3f} s: going on without")
                return
            self.waiting_for_ns = tick_ns
            self._tasks.wait(left_s, closing)
            self.waiting_for_ns = None
            self._tasks.run()
