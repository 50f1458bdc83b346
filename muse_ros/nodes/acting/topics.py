"""What the policy node publishes: its actions with their heartbeat, its status, and that it has given up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.clock import Clock, ClockType

from muse_ros.arm.arbiter import HEARTBEAT_S
from muse_ros.bridge import ACTION_QOS, EVENT_QOS, TICK_QOS, time_message
from muse_ros.contract.contract import Contract
from muse_ros.msg import Action, EpisodeEvent, PolicyStatus
from muse_ros.nodes.acting.messages import action_message


class PolicyTopics:
    """Publishers of one policy. The topic of actions appears once the policy is ready to act: others wait for it."""

    def __init__(
        self,
        node: Any,
        contract: Contract,
        execute: bool,
        now_ns: Callable[[], int],
        silent: Callable[[], list[str]],
    ) -> None:
        """Make the publisher of the status, and begin to look for what the policy reads.

        Args:
            node: The node that the publishers belong to.
            contract: Says in which action space, frame and period actions are.
            execute: False in shadow mode: actions go where no arm listens.
            now_ns: The node's clock [ns].
            silent: The topics that the policy reads and on which nothing has arrived yet.
        """
        self._node, self._contract, self._now_ns, self._silent = node, contract, now_ns, silent
        self._topic = "action/policy" if execute else "policy/shadow_action"
        self._lock = threading.Lock()
        self._actions: Any = None
        self._statuses = node.create_publisher(PolicyStatus, "policy/status", TICK_QOS)
        self._events = node.create_publisher(EpisodeEvent, "collect/events", EVENT_QOS)
        self.rest()
        self._heartbeat = node.create_timer(HEARTBEAT_S, self._beat, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def act(self, values: Sequence[float], stamp_ns: int, compensation_s: float = 0.0) -> None:
        """Publish an action; the heartbeat repeats it until the next one.

        Args:
            values: In the contract's action space.
            stamp_ns: The tick at which it was decided [ns].
            compensation_s: How long after the tick it is meant to begin [s].
        """
        self._last = action_message(values, stamp_ns, self._contract, compensation_s)
        self._open_actions()
        self._actions.publish(self._last)

    def rest(self) -> None:
        """From now on the heartbeat asks for nothing."""
        self._last = action_message((), self._now_ns(), self._contract)

    def status(self, message: PolicyStatus) -> None:
        """Publish how a tick went."""
        self._statuses.publish(message)

    def waiting(self, reason: str, state: int = PolicyStatus.WAITING) -> None:
        """Say that no ticks happen, and why."""
        message = PolicyStatus(state=state, reason=reason)
        message.header.stamp = time_message(self._now_ns())
        self._statuses.publish(message)

    def gave_up(self, stamp_ns: int, episode_id: str, reason: str) -> None:
        """Tell whoever keeps the episode that there will be no more actions in it."""
        message = EpisodeEvent(event=EpisodeEvent.POLICY_STOP, episode_id=episode_id, detail=reason)
        message.header.stamp = time_message(stamp_ns)
        self._events.publish(message)

    def close(self) -> None:
        """Stop the heartbeat and drop the publishers."""
        self._node.destroy_timer(self._heartbeat)
        self._node.destroy_publisher(self._statuses)
        self._node.destroy_publisher(self._events)
        if self._actions is not None:
            self._node.destroy_publisher(self._actions)

    def _beat(self) -> None:
        if self._actions is not None:
            self._actions.publish(self._last)
        elif silent := self._silent():
            self._node.get_logger().warning(f"nothing heard yet on {', '.join(silent)}", throttle_duration_sec=5.0)
        else:
            self._open_actions()

    def _open_actions(self) -> None:
        """Make the topic of actions, from whichever thread comes first."""
        with self._lock:
            if self._actions is None:
                self._actions = self._node.create_publisher(Action, self._topic, ACTION_QOS)
                self.waiting("ready; no episode runs")
