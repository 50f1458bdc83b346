"""A policy that plans in a thread of its own, so that one which thinks for longer than a period delays no tick.

What it is given is taken in the order in which it came: every observation is seen, also those of ticks at which it was
busy. Imports neither rclpy nor torch.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from muse_core.policies.policy import PlanningPolicy
from muse_ros.policy.schedule import Chunk

CLOSE_S = 5.0
"""The longest wait for a plan that is being made when the worker is closed [s]."""


@dataclass(frozen=True)
class Planned:
    """What came of asking for a plan.

    Attributes:
        chunk: The plan; None where it failed.
        taken_ns: From asking for it to having it [ns].
        error: What the policy raised; None where it did not.
    """

    chunk: Chunk | None
    taken_ns: int
    error: Exception | None = None


@dataclass(frozen=True)
class _Task:
    episode: int
    wish: int
    tick_ns: int
    arrays: dict[str, np.ndarray]
    plan: bool
    asked_ns: int


class Worker:
    """Observes and plans; nothing here waits for it but :meth:`close`.

    Args:
        policy: The policy; from now on nobody else may call it.
        key: Which of its actions is wanted.
    """

    def __init__(self, policy: PlanningPolicy, key: str) -> None:
        self._policy, self._key = policy, key
        self._tasks: deque[_Task] = deque()
        self._done: deque[tuple[int, Planned]] = deque()
        self._changed = threading.Condition()
        self._episode = 0
        self._wish = 0  # plans that were asked for under an earlier one are not wanted any more
        self._planning: int | None = None  # the wish of the plan that was asked for and has not come yet
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="policy plans", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a plan that is still wanted has been asked for and has not come yet."""
        with self._changed:
            return self._planning == self._wish

    def begin(self) -> None:
        """An episode begins: what waits is dropped, what is being planned will not be heard of, memory is reset."""
        with self._changed:
            self._episode += 1
            self._wish += 1
            self._tasks.clear()

    def drop_plans(self) -> None:
        """Plans that were asked for will not be heard of; what was observed stays in memory."""
        with self._changed:
            self._wish += 1
            self._tasks = deque(replace(task, plan=False) for task in self._tasks)

    def submit(self, tick_ns: int, arrays: dict[str, np.ndarray], plan: bool) -> None:
        """Hand over an observation.

        Args:
            tick_ns: Its tick [ns].
            arrays: What is observed.
            plan: Whether a plan is wanted from there on.
        """
        with self._changed:
            self._tasks.append(_Task(self._episode, self._wish, tick_ns, arrays, plan, time.monotonic_ns()))
            if plan:
                self._planning = self._wish
            self._changed.notify_all()

    def finished(self) -> list[Planned]:
        """What has come of the plans that are still wanted since the last call, in order."""
        with self._changed:
            found = [planned for wish, planned in self._done if wish == self._wish]
            self._done.clear()
            return found

    def close(self) -> None:
        """End the thread, after the plan that it is at. Safe to call twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(CLOSE_S)

    def _work(self) -> None:
        episode = 0
        while (task := self._next()) is not None:
            planned = None
            try:
                if task.episode != episode:
                    self._policy.reset()
                    episode = task.episode
                planned = self._carry_out(task)
            except Exception as error:  # it belongs to the tick that hears of it next
                planned = Planned(None, time.monotonic_ns() - task.asked_ns, error)
            with self._changed:
                if planned is not None:
                    self._done.append((task.wish, planned))
                if task.plan and self._planning == task.wish:
                    self._planning = None

    def _next(self) -> _Task | None:
        with self._changed:
            self._changed.wait_for(lambda: self._tasks or self._closing)
            return None if self._closing else self._tasks.popleft()

    def _carry_out(self, task: _Task) -> Planned | None:
        self._policy.observe(task.arrays)
        if not task.plan:
            return None
        chunk = Chunk(task.tick_ns, np.asarray(self._policy.plan()[self._key]))
        return Planned(chunk, time.monotonic_ns() - task.asked_ns)
