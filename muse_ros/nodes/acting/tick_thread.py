"""The thread in which a policy's ticks happen: away from the executor, on absolute deadlines of the node's clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from muse_ros.nodes.node_clock import BACKWARDS_NS, NodeClock
from muse_ros.policy.pacing import Pacer, Tick

CLOSE_S = 5.0
"""The longest wait for a tick that goes on when the thread is closed [s]."""


@dataclass(frozen=True)
class Run:
    """A stretch of time in which ticks happen: one episode.

    Attributes:
        episode_id: Name of the episode; empty where ticks do not wait for episodes.
        start_ns: No tick lies before this [ns].
    """

    episode_id: str
    start_ns: int


class TickThread:
    """Calls ``take`` at every tick of a run, each a settle time after its instant."""

    def __init__(
        self,
        clock: NodeClock,
        rate_hz: float,
        settle_ns: int,
        begin: Callable[[Run], None],
        take: Callable[[Run, Tick], None],
        end: Callable[[Run], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Start the thread; no tick happens before :meth:`run`.

        Args:
            clock: The clock that ticks lie on; this thread closes nothing of it.
            rate_hz: Ticks per second.
            settle_ns: How long after its instant a tick is taken [ns].
            begin: Called in the thread before the first tick of a run, and again where the clock goes back in it.
            take: Called in the thread at each tick.
            end: Called in the thread after the last tick of a run.
            failed: Called in the thread with what ended it.
        """
        self._clock = clock
        self._rate_hz = rate_hz
        self._settle_ns = settle_ns
        self._begin, self._take, self._end, self._failed = begin, take, end, failed
        self._changed = threading.Condition()
        self._wanted: Run | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="policy ticks", daemon=True)
        self._thread.start()

    def run(self, run: Run | None) -> None:
        """Begin a run, or with None end the one that is going on. Returns at once."""
        with self._changed:
            if run != self._wanted:
                self._wanted = run
                self._changed.notify_all()
        self._clock.wake()

    def close(self) -> bool:
        """End the run and the thread; False where its tick has not returned within :data:`CLOSE_S`."""
        with self._changed:
            self._wanted, self._closing = None, True
            self._changed.notify_all()
        self._clock.wake()
        self._thread.join(CLOSE_S)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            while (run := self._next_run()) is not None:
                self._begin(run)
                try:
                    self._tick_through(run)
                finally:
                    self._end(run)
        except Exception as error:  # a thread has nobody above it to raise to
            self._failed(error)

    def _next_run(self) -> Run | None:
        with self._changed:
            self._changed.wait_for(lambda: self._wanted is not None or self._closing)
            return None if self._closing else self._wanted

    def _tick_through(self, run: Run) -> None:
        pacer = Pacer(self._rate_hz, run.start_ns)
        taken_ns = self._clock.now_ns()
        while self._wanted is run:
            now_ns = self._clock.now_ns()
            went_back = now_ns < taken_ns - BACKWARDS_NS
            if not went_back:
                tick = pacer.next(now_ns)
                if self._clock.wait_until(tick.stamp_ns + self._settle_ns, lambda: self._wanted is not run):
                    taken_ns = tick.stamp_ns
                    self._take(run, tick)
                    continue
                went_back = self._wanted is run
            if went_back:  # as when a bag is played again
                taken_ns = self._clock.now_ns()
                pacer = Pacer(self._rate_hz, taken_ns)
                self._begin(run)
