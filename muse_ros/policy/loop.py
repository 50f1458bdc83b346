"""One tick of a live policy: assemble, check, infer, check again, and say how it went.

Everything that decides is here, with the clock, the policy and the source of observations passed in; the policy node
waits, publishes and reports. Imports neither rclpy nor torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from muse_core.policies.policy import Policy
from muse_ros.contract.contract import Contract
from muse_ros.policy.pacing import Tick

if TYPE_CHECKING:
    from muse_ros.contract.assemble import Observation

NS_PER_S = 1_000_000_000


class PolicyMismatch(ValueError):
    """A checkpoint does not fit the contract; the message names the key and both sides."""


@dataclass(frozen=True)
class TickReport:
    """What one tick of the policy came to.

    Attributes:
        tick: The tick.
        observation: What was there by then.
        action: The action, (7,) or (8,) float64; None where the arm is to hold.
        reason: Why it holds; empty where it does not.
        wait_s: From the tick to the start of assembly [s].
        assembly_s: Duration of assembling and decoding [s].
        inference_s: Duration of the policy's call [s]; 0 where it was not called.
    """

    tick: Tick
    observation: Observation
    action: np.ndarray | None
    reason: str
    wait_s: float
    assembly_s: float
    inference_s: float


@dataclass
class PolicyLoop:
    """A policy, and where its observations come from.

    Attributes:
        policy: The policy.
        contract: The contract that the policy was trained with.
        observe: Gives the observation at a tick [ns].
        clock_ns: The clock that ticks lie on [ns].
        steady_ns: A clock for durations [ns].
        on_tick: Called with every report: where a test or a window looks on.
    """

    policy: Policy
    contract: Contract
    observe: Callable[[int], Observation]
    clock_ns: Callable[[], int]
    steady_ns: Callable[[], int]
    on_tick: list[Callable[[TickReport], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = next(iter(self.contract.actions))

    def begin(self) -> None:
        """Forget the last episode."""
        self.policy.reset()

    def take(self, tick: Tick) -> TickReport:
        """Carry out one tick. A policy that raises or answers nonsense makes the arm hold; it is no error here."""
        began_ns = self.steady_ns()
        wait_s = (self.clock_ns() - tick.stamp_ns) / NS_PER_S
        observation = self.observe(tick.stamp_ns)
        assembled_ns = self.steady_ns()
        action, reason, inference_s = None, missing_reason(observation), 0.0
        if not reason:
            action, reason = self._infer(observation.arrays)
            inference_s = (self.steady_ns() - assembled_ns) / NS_PER_S
        assembly_s = (assembled_ns - began_ns) / NS_PER_S
        report = TickReport(tick, observation, action, reason, wait_s, assembly_s, inference_s)
        for look in self.on_tick:
            look(report)
        return report

    def _infer(self, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray | None, str]:
        try:
            answer = self.policy.act(arrays)
        except Exception as error:  # whatever a model raises, the arm holds and the operator reads why
            return None, f"the policy failed: {type(error).__name__}: {error}"
        action = np.asarray(answer.get(self.key, ()), dtype=np.float64)
        reason = action_fault(action, self.contract.actions[self.key].shape)
        return (None, reason) if reason else (action, "")


def action_fault(action: np.ndarray, shape: tuple[int, ...]) -> str:
    """What is wrong with a policy's answer; empty where nothing is.

    Args:
        action: What the policy answered.
        shape: What the contract's action space asks for.
    """
    if action.shape != shape:
        return f"the policy answered an action of shape {list(action.shape)}, the contract's has {list(shape)}"
    if not np.isfinite(action).all():
        return f"the policy answered an action that is not finite: {np.array2string(action, precision=3)}"
    return ""


def missing_reason(observation: Observation) -> str:
    """Which streams kept an observation from being whole, and why; empty where it is whole."""
    return "; ".join(f"{key}: {reason}" for key, reason in observation.missing.items())


def check_fit(observation_keys: dict[str, tuple[int, ...]], action_shape: tuple[int, ...], contract: Contract) -> None:
    """Raise unless a contract gives all that a policy reads, and takes what it answers.

    Args:
        observation_keys: Key to shape of what the policy reads.
        action_shape: Shape of what it answers.
        contract: The contract.

    Raises:
        PolicyMismatch: naming the first key that does not fit, and both sides.
    """
    if len(contract.actions) != 1:
        raise PolicyMismatch(f"the contract must have one action, it has {', '.join(contract.actions) or 'none'}")
    for key, shape in observation_keys.items():
        if key not in contract.observations:
            known = ", ".join(contract.observations)
            raise PolicyMismatch(f"the policy reads {key!r}, which the contract does not have; it has {known}")
        if tuple(shape) != contract.observations[key].shape:
            found = list(contract.observations[key].shape)
            raise PolicyMismatch(f"the policy reads {key!r} as {list(shape)}, the contract gives {found}")
    key, stream = next(iter(contract.actions.items()))
    if tuple(action_shape) != stream.shape:
        raise PolicyMismatch(f"the policy answers {list(action_shape)}, the contract's {key!r} is {list(stream.shape)}")
