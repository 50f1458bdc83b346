"""Waiting on a node's clock, whichever it is: the system's, or ``/clock`` at any speed.

rclpy's own ``Clock.sleep_until`` cannot be interrupted and registers a shut-down callback at each call, which a loop
that runs for days cannot afford.
"""

from __future__ import annotations

import threading

from rclpy.clock import JumpThreshold, ROSClock
from rclpy.duration import Duration

NS_PER_S = 1_000_000_000
BACKWARDS_NS = NS_PER_S // 2


class NodeClock:
    """A node's clock that one thread can wait on and any other can interrupt."""

    def __init__(self, clock: ROSClock) -> None:
        """Wrap a node's clock."""
        self._clock = clock
        self._moved = threading.Condition()
        self._interrupted = False
        threshold = JumpThreshold(min_forward=Duration(nanoseconds=1), min_backward=Duration(nanoseconds=-1))
        self._jumps = clock.create_jump_callback(threshold, post_callback=self._wake)

    def now_ns(self) -> int:
        """The clock's time [ns]."""
        return self._clock.now().nanoseconds

    def wait_until(self, target_ns: int) -> bool:
        """Block until the clock reads `target_ns`.

        Returns:
            False where it was interrupted, or the clock went backwards while it waited.
        """
        before = self.now_ns()
        with self._moved:
            while not self._interrupted:
                now = self.now_ns()
                if now >= target_ns:
                    return True
                if now < before - BACKWARDS_NS:
                    return False
                simulated = self._clock.ros_time_is_active
                self._moved.wait(None if simulated else (target_ns - now) / NS_PER_S)
        return False

    def interrupt(self) -> None:
        """End the wait that is going on, and every later one."""
        with self._moved:
            self._interrupted = True
            self._moved.notify_all()

    def close(self) -> None:
        """Interrupt, and stop listening to the clock."""
        self.interrupt()
        self._jumps.unregister()

    def _wake(self, _jump: object) -> None:
        with self._moved:
            self._moved.notify_all()
