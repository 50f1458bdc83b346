"""What the policy node says, as messages: the action of a tick, and how the tick went."""

from __future__ import annotations

from collections.abc import Sequence

from muse_ros.bridge import time_message
from muse_ros.contract.contract import Contract
from muse_ros.msg import Action, PolicyStatus
from muse_ros.policy.loop import TickReport
from muse_ros.policy.outcomes import State

STATES = {
    State.WAITING: PolicyStatus.WAITING,
    State.ACTING: PolicyStatus.ACTING,
    State.HOLDING: PolicyStatus.HOLDING,
    State.STOPPED: PolicyStatus.STOPPED,
    State.TAKEN_OVER: PolicyStatus.TAKEN_OVER,
}


def action_message(values: Sequence[float], stamp_ns: int, contract: Contract, compensation_s: float = 0.0) -> Action:
    """An action of a policy; without values it is a heartbeat.

    Args:
        values: The action, or nothing.
        stamp_ns: The tick at which it was decided [ns].
        contract: Says which action space, frame and period.
        compensation_s: How long after the tick it is meant to begin [s]; 0: when it comes, to last a period from then.
    """
    stream = next(iter(contract.actions.values()))
    message = Action(action_space=stream.space, values=values, period=contract.period_s, source=Action.POLICY)
    message.header.stamp = time_message(stamp_ns)
    message.header.frame_id = contract.base_frame
    if len(values) and compensation_s:
        message.target_time = time_message(stamp_ns + round((compensation_s + contract.period_s) * 1e9))
    return message


def status_message(
    report: TickReport,
    episode_id: str,
    execute: bool,
    publish_s: float,
    period_s: float,
    late_samples: int,
    overruns: int,
) -> PolicyStatus:
    """How a tick went.

    Args:
        report: The tick.
        episode_id: The episode it belongs to.
        execute: False in shadow mode.
        publish_s: Duration of publishing the action [s].
        period_s: Time since the previous tick's start [s].
        late_samples: Samples so far that arrived after their tick.
        overruns: Ticks so far that were missed.
    """
    state = STATES[report.state]
    message = PolicyStatus(
        state=PolicyStatus.SHADOW if state == PolicyStatus.ACTING and not execute else state,
        episode_id=episode_id,
        tick=report.tick.number,
        keys=list(report.observation.stamps_ns),
        sample_stamps=[time_message(stamp) for stamp in report.observation.stamps_ns.values()],
        ages=list(report.observation.ages_s.values()),
        wait=report.wait_s,
        assembly=report.assembly_s,
        inference=report.inference_s,
        publish=publish_s,
        period=period_s,
        late_samples=late_samples,
        overruns=overruns,
        dropped_actions=report.dropped,
        compensation=report.compensation_s,
        reason=report.reason,
    )
    message.header.stamp = time_message(report.tick.stamp_ns)
    return message
