"""Waiting on a node's clock, whichever it is: the system's, or ``/clock`` at any speed.

rclpy's own ``Clock.sleep_until`` cannot be interrupted and registers a shut-down callback at each call, which a loop
that runs for days cannot afford.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from rclpy.clock import JumpThreshold, ROSClock
from rclpy.duration import Duration

NS_PER_S = 1_000_000_000
BACKWARDS_NS = NS_PER_S // 2


class NodeClock:
    """A node's clock that one thread can wait on and any other can wake."""

    def __init__(self, clock: ROSClock) -> None:
        """Wrap a node's clock."""
        self._clock = clock
        self._moved = threading.Condition()
        threshold = JumpThreshold(min_forward=Duration(nanoseconds=1), min_backward=Duration(nanoseconds=-1))
        self._jumps = clock.create_jump_callback(threshold, post_callback=lambda _jump: self.wake())

    def now_ns(self) -> int:
        """The clock's time [ns]."""
        return self._clock.now().nanoseconds

    def wait_until(self, target_ns: int, cancelled: Callable[[], bool]) -> bool:
        """Block until the clock reads `target_ns`.

        Args:
            target_ns: When to return [ns].
            cancelled: Ends the wait when it is true; looked at whenever :meth:`wake` is called.

        Returns:
            False where it was cancelled, or the clock went backwards while it waited.
        """
        newest = self.now_ns()
        with self._moved:
            while not cancelled():
                now = self.now_ns()
                if now >= target_ns:
                    return True
                if now < newest - BACKWARDS_NS:
                    return False
                newest = max(newest, now)
                self._moved.wait(None if self._clock.ros_time_is_active else (target_ns - now) / NS_PER_S)
        return False

    def wake(self) -> None:
        """Make a wait look at its cancellation and at the clock."""
        with self._moved:
            self._moved.notify_all()

    def close(self) -> None:
        """Stop listening to the clock."""
        self._jumps.unregister()
