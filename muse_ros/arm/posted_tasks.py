"""What other threads ask the control loop to do: done in the loop's thread, in the order it was posted.

Pure. Must not import rclpy.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class PostedTasks:
    """A queue of tasks, which can be waited at."""

    def __init__(self) -> None:
        self._tasks: deque[Callable[[], None]] = deque()
        self._posted = threading.Condition()

    def post(self, task: Callable[[], Any]) -> Future:
        """Have `task` run by the next :meth:`run`; its result or exception is the future's.

        A future that is cancelled before that takes its task away.
        """
        future: Future = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(task())
            except Exception as error:  # it belongs to whoever asked
                future.set_exception(error)

        with self._posted:
            self._tasks.append(run)
            self._posted.notify()
        return future

    def run(self) -> None:
        """Do what was posted."""
        while self._tasks:
            self._tasks.popleft()()

    def wake(self) -> None:
        """End a :meth:`wait` as if something had been posted."""
        with self._posted:
            self._posted.notify()

    def wait(self, timeout_s: float, ends: Callable[[], bool]) -> None:
        """Block until something is posted, `ends` says so after a :meth:`wake`, or `timeout_s` [s] is over."""
        with self._posted:
            self._posted.wait_for(lambda: self._tasks or ends(), timeout_s)
