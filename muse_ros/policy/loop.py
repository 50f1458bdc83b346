"""One tick of a live policy: assemble, check, infer, check again, and say how it went.

Everything that decides is here, with the clock, the policy and the source of observations passed in; the policy node
waits, publishes and reports. Imports neither rclpy nor torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from muse_ros.contract.assemble import Observation
from muse_ros.contract.contract import Contract
from muse_ros.policy.actors import Actor, NotReady, OutOfActions
from muse_ros.policy.outcomes import Hold, Patience, State
from muse_ros.policy.pacing import Tick

NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class TickReport:
    """What one tick of the policy came to.

    Attributes:
        tick: The tick.
        observation: What was there by then; empty once the policy has been stopped.
        action: The action, (7,) or (8,) float64; None where the arm is to hold, or somebody else has it.
        reason: Why there is none; empty where there is.
        wait_s: From the tick to the start of assembly [s].
        assembly_s: Duration of assembling and decoding [s].
        inference_s: Duration of the policy's call [s]; 0 where it was not called.
        state: How the tick went.
        hold: The kind of `reason`; None where there is an action, or a person has the arm.
        dropped: Actions so far whose time was over when they were ready.
        compensation_s: How far ahead of its tick the action was taken [s].
        planned_s: How long the plans took that came by this tick, where ticks do not wait for them [s].
    """

    tick: Tick
    observation: Observation
    action: np.ndarray | None
    reason: str
    wait_s: float
    assembly_s: float
    inference_s: float
    state: State = State.ACTING
    hold: Hold | None = None
    dropped: int = 0
    compensation_s: float = 0.0
    planned_s: tuple[float, ...] = ()


class NoAction(Exception):
    """A tick has no action: of which kind the reason is, and the reason."""

    def __init__(self, hold: Hold, reason: str) -> None:
        super().__init__(reason)
        self.hold = hold


@dataclass
class PolicyLoop:
    """A policy, and where its observations come from.

    Attributes:
        actor: Runs the policy.
        contract: The contract that the policy was trained with.
        observe: Gives the observation at a tick [ns].
        clock_ns: The clock that ticks lie on [ns].
        steady_ns: A clock for durations [ns].
        patience: How long it may go without an action.
        on_tick: Called with every report: where a test or a window looks on.
    """

    actor: Actor
    contract: Contract
    observe: Callable[[int], Observation]
    clock_ns: Callable[[], int]
    steady_ns: Callable[[], int]
    patience: Patience
    on_tick: list[Callable[[TickReport], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._shape = next(iter(self.contract.actions.values())).shape
        self._stop_reason = ""
        self._looking_on = False

    def begin(self) -> None:
        """Forget the last episode."""
        self.actor.begin()
        self.patience.begin()
        self._stop_reason = ""
        self._looking_on = False

    def take(self, tick: Tick, taken_over: bool = False) -> TickReport:
        """Carry out one tick. A policy that raises or answers nonsense makes the arm hold; it is no error here.

        Args:
            tick: The tick.
            taken_over: Whether a person has the arm: then the policy only looks on.
        """
        wait_s = (self.clock_ns() - tick.stamp_ns) / NS_PER_S
        if self._stop_reason:
            nothing = Observation(tick.stamp_ns, {}, {}, {})
            report = TickReport(
                tick, nothing, None, self._stop_reason, wait_s, 0.0, 0.0, State.STOPPED, dropped=self.actor.dropped
            )
        else:
            report = self._take(tick, wait_s, taken_over)
        for look in self.on_tick:
            look(report)
        return report

    def _take(self, tick: Tick, wait_s: float, taken_over: bool) -> TickReport:
        began_ns = self.steady_ns()
        observation = self.observe(tick.stamp_ns)
        assembled_ns = self.steady_ns()
        if self._looking_on and not taken_over:  # what was planned before or meanwhile starts from elsewhere
            self.actor.replan()
        self._looking_on = taken_over
        action, hold, reason = None, None, ""
        try:
            missing = missing_reason(observation)
            if missing:
                raise NoAction(Hold.STALE, missing)
            action = self._ask(tick, observation, taken_over)
        except NoAction as nothing:
            hold, reason = nothing.hold, str(nothing)
        called = hold is not Hold.STALE
        inference_s = (self.steady_ns() - assembled_ns) / NS_PER_S if called else 0.0
        state = self._judge(tick, hold, taken_over)
        if state is State.STOPPED:
            self._stop_reason = reason
        return TickReport(
            tick,
            observation,
            action,
            reason,
            wait_s,
            (assembled_ns - began_ns) / NS_PER_S,
            inference_s,
            state,
            None if taken_over else hold,
            self.actor.dropped,
            self.actor.compensation_s,
            self.actor.planned_s if called else (),
        )

    def _judge(self, tick: Tick, hold: Hold | None, taken_over: bool) -> State:
        if taken_over:
            self.patience.ease()
            return State.TAKEN_OVER
        return self.patience.judge(tick.stamp_ns, hold)

    def _ask(self, tick: Tick, observation: Observation, taken_over: bool) -> np.ndarray | None:
        """The action of a tick; None where a person has the arm.

        Raises:
            NoAction: where there is none.
        """
        try:
            if taken_over:
                self.actor.look_on(tick.stamp_ns, observation.arrays)
                return None
            action = np.asarray(self.actor.act(tick.stamp_ns, observation.arrays), dtype=np.float64)
        except NotReady as error:
            raise NoAction(Hold.PLANNING, str(error)) from error
        except OutOfActions as error:
            raise NoAction(Hold.LATE, str(error)) from error
        except Exception as error:  # whatever a model raises, the arm holds and the operator reads why
            raise NoAction(Hold.FAILED, f"the policy failed: {type(error).__name__}: {error}") from error
        check_action(action, self._shape)
        late_s = (self.clock_ns() - tick.stamp_ns) / NS_PER_S - self.contract.period_s
        if late_s > 0.0:
            period_ms = 1e3 * self.contract.period_s
            raise NoAction(
                Hold.LATE, f"the action came {1e3 * late_s:.0f} ms after its period of {period_ms:.0f} ms was over"
            )
        return action


def check_action(action: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise unless a policy's answer is one that an arm may be given.

    Args:
        action: What the policy answered.
        shape: What the contract's action space asks for.

    Raises:
        NoAction: saying what is wrong with it.
    """
    if action.shape != shape:
        found, wanted = list(action.shape), list(shape)
        raise NoAction(Hold.WRONG_SHAPE, f"the policy answered an action of shape {found}, the contract's has {wanted}")
    if not np.isfinite(action).all():
        figures = np.array2string(action, precision=3)
        raise NoAction(Hold.NOT_FINITE, f"the policy answered an action that is not finite: {figures}")


def missing_reason(observation: Observation) -> str:
    """Which streams kept an observation from being whole, and why; empty where it is whole."""
    return "; ".join(f"{key}: {reason}" for key, reason in observation.missing.items())
