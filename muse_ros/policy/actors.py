"""How a live policy comes to the action of a tick: asked at each tick, by a schedule of chunks, or planning meanwhile.

Imports neither rclpy nor torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from muse_core.control.motion import ACTION_LIFE_PERIODS
from muse_core.policies.policy import PlanningPolicy, Policy, Readiness
from muse_ros.contract.contract import Contract
from muse_ros.policy.fit import PolicyMismatch
from muse_ros.policy.schedule import Chunk, Schedule
from muse_ros.policy.worker import Worker

AUTO, SYNCHRONOUS, ASYNCHRONOUS = INFERENCE = ("auto", "synchronous", "asynchronous")
Arrays = dict[str, np.ndarray]


class NotReady(Exception):
    """There is no action for this tick yet; the message says why."""


class OutOfActions(Exception):
    """The next plan comes too late; the message says by how much."""


class Actor(Protocol):
    """What a tick asks of a policy. Whatever the policy raises comes out of :meth:`act` and :meth:`look_on`.

    Attributes:
        dropped: Actions so far whose time was over when they were ready.
        compensation_s: How far ahead of its tick an action is taken [s].
        planned_s: How long the plans took that the last tick heard of, where ticks do not wait for them [s].
    """

    dropped: int
    compensation_s: float
    planned_s: tuple[float, ...]

    def begin(self) -> None:
        """Forget the last episode."""

    def act(self, tick_ns: int, arrays: Arrays) -> np.ndarray:
        """The action of a tick.

        Raises:
            NotReady: before the first plan has come.
            OutOfActions: where the next plan comes too late.
        """

    def look_on(self, tick_ns: int, arrays: Arrays) -> None:
        """Take an observation in while somebody else acts."""

    def replan(self) -> None:
        """Forget what was planned, but not what was observed."""

    def close(self) -> None:
        """Let go of the policy."""


class StepActor:
    """Asks the policy at each tick."""

    dropped, compensation_s, planned_s = 0, 0.0, ()

    def __init__(self, policy: Policy, key: str) -> None:
        self._policy, self._key = policy, key
        self._planner = policy if isinstance(policy, PlanningPolicy) else None

    def begin(self) -> None:
        """Forget the last episode."""
        self._policy.reset()

    def act(self, tick_ns: int, arrays: Arrays) -> np.ndarray:
        """The policy's answer, empty where it has none for this key."""
        return np.asarray(self._policy.act(arrays).get(self._key, ()))

    def look_on(self, tick_ns: int, arrays: Arrays) -> None:
        """Observe; a policy that cannot do that alone acts, and is not heard."""
        if self._planner is not None:
            self._planner.observe(arrays)
        else:
            self._policy.act(arrays)

    def replan(self) -> None:
        """Forget what was planned."""
        if self._planner is not None:
            self._planner.replan()

    def close(self) -> None:
        """Nothing to let go of."""


class _Scheduled:
    """What is told of whoever acts by a schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.planned_s: tuple[float, ...] = ()

    @property
    def dropped(self) -> int:
        """Actions so far whose time was over when they were ready."""
        return self._schedule.dropped

    @property
    def compensation_s(self) -> float:
        """How far ahead of its tick an action is taken [s]."""
        return self._schedule.compensation_s


class ChunkActor(_Scheduled):
    """Plans when the schedule says so, while the tick waits."""

    def __init__(self, policy: PlanningPolicy, key: str, schedule: Schedule) -> None:
        super().__init__(schedule)
        self._policy, self._key = policy, key

    def begin(self) -> None:
        """Forget the last episode."""
        self._policy.reset()
        self._schedule.clear()

    def act(self, tick_ns: int, arrays: Arrays) -> np.ndarray:
        """The action that is due, planned now where that is due."""
        self._policy.observe(arrays)
        if self._schedule.plan_due(tick_ns):
            self._schedule.add(Chunk(tick_ns, np.asarray(self._policy.plan()[self._key])), tick_ns)
        action = self._schedule.action(tick_ns)
        if action is None:
            raise OutOfActions("the plan does not reach as far ahead as latency_s")
        return action

    def look_on(self, tick_ns: int, arrays: Arrays) -> None:
        """Observe."""
        self._policy.observe(arrays)

    def replan(self) -> None:
        """Forget what was planned."""
        self._schedule.clear()

    def close(self) -> None:
        """Nothing to let go of."""


class AsynchronousActor(_Scheduled):
    """Has a worker observe and plan, early enough for the next plan to be there when the last one is used up."""

    def __init__(self, policy: PlanningPolicy, key: str, schedule: Schedule) -> None:
        super().__init__(schedule)
        self._worker = Worker(policy, key)

    def begin(self) -> None:
        """Forget the last episode."""
        self._worker.begin()
        self._schedule.clear()

    def act(self, tick_ns: int, arrays: Arrays) -> np.ndarray:
        """The action that is due by the plans that have come; the observation goes to the worker."""
        failure = self._hear(tick_ns)
        self._worker.submit(tick_ns, arrays, not self._worker.busy and self._schedule.plan_due(tick_ns))
        if failure is not None:
            raise failure
        action = self._schedule.action(tick_ns)
        if action is not None:
            return action
        if self._schedule.empty:
            raise NotReady("the first plan is being made")
        raise OutOfActions(f"the next plan is not there yet; it was expected to take {self._schedule.lead} periods")

    def look_on(self, tick_ns: int, arrays: Arrays) -> None:
        """Have the worker observe."""
        self.planned_s = ()
        self._worker.submit(tick_ns, arrays, plan=False)

    def replan(self) -> None:
        """Forget what was planned, also what is being planned."""
        self._worker.drop_plans()
        self._schedule.clear()

    def close(self) -> None:
        """End the worker's thread."""
        self._worker.close()

    def _hear(self, tick_ns: int) -> Exception | None:
        failure, finished = None, self._worker.finished()
        self.planned_s = tuple(planned.taken_ns * 1e-9 for planned in finished)
        for planned in finished:
            failure = planned.error
            if planned.chunk is not None:
                self._schedule.add(planned.chunk, tick_ns, planned.taken_ns)
        return failure


@dataclass(frozen=True)
class Way:
    """How a policy is to be run, and why in words.

    Attributes:
        inference: ``synchronous`` or ``asynchronous``.
        why: For the log.
    """

    inference: str
    why: str


def choose_way(asked: str, readiness: Readiness | None, period_s: float, simulated: bool) -> Way:
    """Whether ticks wait for the policy.

    Args:
        asked: One of :data:`INFERENCE`.
        readiness: What the policy showed while it was warmed up; None for one that cannot plan ahead.
        period_s: Between two ticks [s].
        simulated: Whether the node is on ``/clock``.

    Raises:
        PolicyMismatch: where the policy cannot be run as asked.
    """
    chunk = readiness.chunk if readiness else 1
    if asked == ASYNCHRONOUS and chunk < 2:
        raise PolicyMismatch(
            "inference:=asynchronous is for models that plan several actions at once; this one answers one at a time, "
            "which would always come too late: leave parameter inference at auto"
        )
    if asked != AUTO:
        return Way(asked, "as parameter inference says")
    if readiness is None or chunk < 2:
        return Way(SYNCHRONOUS, "the model answers one action at a time")
    if simulated:
        return Way(SYNCHRONOUS, "time on /clock waits for it, or is played at a speed of its own")
    taken = f"planning {chunk} actions takes {1e3 * readiness.inference_s:.0f} ms of a period of {1e3 * period_s:.0f}"
    slow = readiness.inference_s > 0.5 * period_s
    return Way(ASYNCHRONOUS if slow else SYNCHRONOUS, taken)


def make_actor(
    policy: Policy, contract: Contract, readiness: Readiness | None, inference: str, latency_s: float
) -> Actor:
    """What runs a policy.

    Args:
        policy: The policy.
        contract: Its one action is what the policy is asked for.
        readiness: What the policy showed while it was warmed up; None for one that cannot plan ahead.
        inference: ``synchronous`` or ``asynchronous``.
        latency_s: The compensation [s].

    Raises:
        PolicyMismatch: where actions of one step are to be taken ahead, or further ahead than the model plans or an
            arm allows.
    """
    key = next(iter(contract.actions))
    chunk = readiness.chunk if readiness else 1
    if not isinstance(policy, PlanningPolicy) or readiness is None or chunk < 2:
        if latency_s:
            raise PolicyMismatch(
                f"latency_s is {latency_s:g}, but the model answers one action at a time: it has none to take ahead"
            )
        return StepActor(policy, key)
    lead = readiness.inference_s / contract.period_s if inference == ASYNCHRONOUS else 0.0
    if round(latency_s / contract.period_s + lead) >= chunk:
        raise PolicyMismatch(
            f"the model plans {chunk} actions, {chunk * contract.period_s:g} s; latency_s {latency_s:g} and "
            f"{lead * contract.period_s:.2f} s of planning leave none of them in time"
        )
    longest_s = (ACTION_LIFE_PERIODS - 1.0) * contract.period_s
    if latency_s > longest_s:
        raise PolicyMismatch(
            f"latency_s is {latency_s:g}, but an arm refuses actions that are to be complete later than "
            f"{ACTION_LIFE_PERIODS:g} periods after their tick: it may be {longest_s:g} at most"
        )
    schedule = Schedule(
        round(contract.period_s * 1e9),
        policy.execution,
        round(latency_s * 1e9),
        round(readiness.inference_s * 1e9) if inference == ASYNCHRONOUS else 0,
        contract.spec()[key].quaternion,
    )
    return (AsynchronousActor if inference == ASYNCHRONOUS else ChunkActor)(policy, key, schedule)
