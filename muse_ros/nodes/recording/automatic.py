"""Carries out the commands of the automatic mode: sends verbs, reports, ends the node."""

from __future__ import annotations

import time
from typing import Any

from rclpy.clock import Clock
from std_msgs.msg import Bool

from muse_ros.bridge import STATUS_QOS
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.recording.parameters import CollectParameters, description
from muse_ros.recording.automatic import AutomaticEpisodes, Do, Finish, Plan, Report, View

PERIOD_S = 0.01


class AutomaticCollect:
    """The automatic mode of one collect node."""

    def __init__(self, node: Any, steady: Clock, given: CollectParameters) -> None:
        """Declare the mode's own parameters and begin at once; `node` is the collect node, which it drives."""
        self._node = node
        plan = Plan(
            episodes=given.auto_episodes,
            seed=max(0, description(node).seed),
            max_episode_s=declare(node, "max_episode_s", 15.0, "longest automatic episode [s]", (0.1, 3600.0)),
            keep_failures=declare(node, "keep_failures", True, "failed automatic episodes are kept, labelled"),
            patience_s=given.patience_s,
            repeats=declare(node, "repeats", 2, "times that an episode that lost messages is repeated", (0, 100)),
        )
        self._auto_exit = declare(node, "auto_exit", True, "the node ends when its automatic episodes are done")
        self._sequencer = AutomaticEpisodes(plan)
        self._success: bool | None = None
        node.create_subscription(Bool, "sim/success", self._hear_success, STATUS_QOS)
        self._timer = node.create_timer(PERIOD_S, self._step, clock=steady)

    def _hear_success(self, message: Bool) -> None:
        self._success = message.data

    def _step(self) -> None:
        session = self._node.session
        if session.resetting:
            self._success = None
        view = View(
            now_ns=self._node.now_ns(),
            steady_s=time.monotonic(),
            session=session,
            success=self._success,
            incomplete=self._node.incomplete(),
        )
        for command in self._sequencer.step(view):
            self._carry_out(command)

    def _carry_out(self, command: Do | Report | Finish) -> None:
        if isinstance(command, Do):
            refusal = self._node.obey(command.verb, command.seed).refusal
            if refusal:
                for answer in self._sequencer.refused(refusal):
                    self._carry_out(answer)
        elif isinstance(command, Report):
            self._node.get_logger().info(command.text)
        else:
            self._finish(command.error)

    def _finish(self, error: str) -> None:
        self._timer.cancel()
        self._node.failure = error
        if error:
            self._node.get_logger().error(error)
        if self._auto_exit or error:
            self._node.finished.set()
