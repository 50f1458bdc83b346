"""Carries out the commands of the automatic mode: resets the simulation, sends verbs, reports, ends the node."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.clock import Clock
from rclpy.parameter import Parameter as NodeParameter
from rclpy.task import Future
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from muse_ros.bridge import STATUS_QOS
from muse_ros.nodes.parameters import declare
from muse_ros.recording.automatic import AutomaticEpisodes, Do, Finish, Plan, Report, Reset, View

if TYPE_CHECKING:
    from muse_ros.nodes.collect import CollectNode

PERIOD_S = 0.01


class AutomaticCollect:
    """The automatic mode of one collect node."""

    def __init__(self, node: CollectNode, steady: Clock) -> None:
        """Declare the mode's parameters and begin at once."""
        self._node = node
        seed = node.description().seed
        plan = Plan(
            episodes=node.get_parameter("auto_episodes").value,
            seed=max(0, seed),
            max_episode_s=declare(node, "max_episode_s", 15.0, "longest automatic episode [s]", (0.1, 3600.0)),
            keep_failures=declare(node, "keep_failures", True, "failed automatic episodes are kept, labelled"),
            patience_s=declare(node, "patience_s", 30.0, "steady time before a step is given up [s]", (1.0, 3600.0)),
        )
        self._auto_exit = declare(node, "auto_exit", True, "the node ends when its automatic episodes are done")
        self._sequencer = AutomaticEpisodes(plan)
        self._success: bool | None = None
        self._reset_done = False
        self._reset_error = ""
        self._set_parameters = node.create_client(SetParameters, "panda/set_parameters")
        self._reset = node.create_client(Trigger, "sim/reset")
        self._pending_seed: int | None = None
        node.create_subscription(Bool, "sim/success", self._hear_success, STATUS_QOS)
        self._timer = node.create_timer(PERIOD_S, self._step, clock=steady)

    def _hear_success(self, message: Bool) -> None:
        self._success = message.data

    def _step(self) -> None:
        self._try_reset()
        node = self._node
        view = View(
            now_ns=node.now_ns(),
            steady_s=time.monotonic(),
            session=node.session,
            success=self._success,
            reset_done=self._reset_done,
            reset_error=self._reset_error,
        )
        for command in self._sequencer.step(view):
            self._carry_out(command)

    def _carry_out(self, command: Reset | Do | Report | Finish) -> None:
        if isinstance(command, Reset):
            self._reset_done, self._reset_error, self._pending_seed = False, "", command.seed
            self._node.set_parameters([NodeParameter("seed", value=command.seed)])
            self._try_reset()
        elif isinstance(command, Do):
            refusal = self._node.obey(command.verb).refusal
            if refusal:
                for answer in self._sequencer.refused(refusal):
                    self._carry_out(answer)
        elif isinstance(command, Report):
            self._node.get_logger().info(command.text)
        else:
            self._finish(command.error)

    def _try_reset(self) -> None:
        """Send the reset once the simulation's services are there."""
        if self._pending_seed is None or not (
            self._set_parameters.service_is_ready() and self._reset.service_is_ready()
        ):
            return
        value = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=self._pending_seed)
        self._pending_seed = None
        request = SetParameters.Request(parameters=[Parameter(name="seed", value=value)])
        self._set_parameters.call_async(request).add_done_callback(self._seed_is_set)

    def _seed_is_set(self, future: Future) -> None:
        result = future.result().results[0]
        if not result.successful:
            self._reset_error = f"node panda refused the parameter seed: {result.reason}"
            return
        self._reset.call_async(Trigger.Request()).add_done_callback(self._world_is_reset)

    def _world_is_reset(self, future: Future) -> None:
        answer = future.result()
        if not answer.success:
            self._reset_error = f"sim/reset failed: {answer.message}"
            return
        self._success, self._reset_done = None, True
        self._node.world_was_reset()

    def _finish(self, error: str) -> None:
        self._timer.cancel()
        self._node.failure = error
        if error:
            self._node.get_logger().error(error)
        if self._auto_exit or error:
            self._node.finished.set()
