"""What the policy node says of its ticks: actions, statuses, the end of its patience, diagnostics, log and summary.

Ticks come from the tick thread, the timers from the executor. What is decided lies in ``muse_ros.policy``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType

from muse_ros.bridge import Bridge
from muse_ros.contract.contract import Contract
from muse_ros.msg import PolicyStatus
from muse_ros.nodes.acting.diagnostics import PolicyDiagnostics
from muse_ros.nodes.acting.messages import status_message
from muse_ros.nodes.acting.shadow_topics import ShadowTopics
from muse_ros.nodes.acting.tick_thread import Run
from muse_ros.nodes.acting.topics import PolicyTopics
from muse_ros.policy.loop import TickReport
from muse_ros.policy.outcomes import Hold, State
from muse_ros.policy.summary import PolicySummary

WATCH_S = 1.0
LOG_EVERY_S = 5.0
"""One kind of hold is logged this often while it goes on."""


class PolicyVoice:
    """Everything that leaves a policy node.

    Attributes:
        summary: Of the session.
    """

    def __init__(
        self,
        node: Any,
        contract: Contract,
        execute: bool,
        now_ns: Callable[[], int],
        bridge: Bridge,
        inference: str,
    ) -> None:
        """Make the publishers and start the timers.

        Args:
            node: The node that they belong to.
            contract: In force.
            execute: False in shadow mode.
            now_ns: The node's clock [ns].
            bridge: Where observations come from.
            inference: ``synchronous`` or ``asynchronous``.
        """
        self._node, self._contract, self._execute, self._bridge = node, contract, execute, bridge
        self._now_ns, self._log = now_ns, node.get_logger()
        self.summary = PolicySummary()
        self._topics = PolicyTopics(node, contract, execute, now_ns, bridge.silent)
        self._diagnostics = PolicyDiagnostics(node, self.summary, inference)
        self._shadow = None if execute else ShadowTopics(node, contract, now_ns)
        self._run: Run | None = None
        self._logged: dict[Hold, float] = {}
        self._watched_ns = -1
        self._timer = node.create_timer(WATCH_S, self._watch, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def begin(self, run: Run) -> None:
        """A run begins, or begins anew because the clock went back."""
        if run is self._run:
            self._log.warning("the clock went back: the policy begins anew, without memory of what it saw")
        self._run = run
        self._watched_ns = -1
        self._logged.clear()
        self.summary.begin()

    def end(self, run: Run) -> None:
        """A run has ended."""
        self._run = None
        self._topics.rest()
        self._diagnostics.rest()
        self._topics.waiting("the episode has ended")
        self._log.info(f"{run.episode_id or 'run'}: {self.summary.of_run().text()}{self._open_loop()}")

    def tell(self, run: Run, report: TickReport) -> None:
        """Publish what a tick came to."""
        began_ns = time.monotonic_ns()
        if report.action is not None:
            self._topics.act(report.action.tolist(), report.tick.stamp_ns, report.compensation_s)
        publish_s = (time.monotonic_ns() - began_ns) / 1e9
        if report.state in (State.TAKEN_OVER, State.STOPPED):
            self._topics.rest()
        period_s = self.summary.add(report, publish_s, self._contract.period_s)
        self._topics.status(
            status_message(
                report, run.episode_id, self._execute, publish_s, period_s, self._bridge.late, self.summary.overruns
            )
        )
        self._diagnostics.take(report, period_s)
        if self._shadow is not None and report.action is not None:
            self._shadow.propose(report.tick.stamp_ns, report.action)
        if report.hold is not None:
            self._explain(run, report, report.hold)

    def summarize(self) -> None:
        """Log what the session came to."""
        self._log.info(f"session: {self.summary.text()}{self._open_loop()}")

    def close(self) -> None:
        """Stop the timers and drop the publishers."""
        self._node.destroy_timer(self._timer)
        if self._shadow is not None:
            self._shadow.close()
        self._diagnostics.close()
        self._topics.close()

    def _explain(self, run: Run, report: TickReport, hold: Hold) -> None:
        if report.state is State.STOPPED:  # told once: later ticks of a stopped policy have no hold of their own
            reason = f"{hold.value}: {report.reason}"
            self._topics.gave_up(report.tick.stamp_ns, run.episode_id, reason)
            self._log.error(f"the policy has given up until the next episode: {reason}")
            return
        now_s = time.monotonic()
        if now_s - self._logged.get(hold, -LOG_EVERY_S) >= LOG_EVERY_S:
            self._logged[hold] = now_s
            self._log.warning(f"{report.state.value}: {hold.value}: {report.reason}")

    def _open_loop(self) -> str:
        found = self._shadow.finish() if self._shadow is not None else ""
        return f"; {found}" if found else ""

    def _watch(self) -> None:
        """At 1 Hz by the steady clock: diagnostics, and whether the clock that ticks lie on goes on."""
        now_ns = self._now_ns()
        self._diagnostics.publish(now_ns)
        still, self._watched_ns = now_ns == self._watched_ns, now_ns
        if self._run is None or not still:
            return
        reason = f"{Hold.CLOCK.value} at {now_ns * 1e-9:.3f} s: is /clock being published?"
        self.summary.holds[Hold.CLOCK.value] += 1
        self._topics.rest()
        self._topics.waiting(reason, PolicyStatus.HOLDING)
        self._log.warning(reason, throttle_duration_sec=LOG_EVERY_S)
