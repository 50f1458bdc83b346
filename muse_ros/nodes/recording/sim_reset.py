"""The one client of ``sim/reset``: the seed goes to the simulated arm, then the world is reset with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_srvs.srv import Trigger

SERVICE = "sim/reset"


class SimReset:
    """Asks for one scene after the other; each step waits for the answer of the one before, in the node's executor."""

    def __init__(self, node: Node, simulator: str) -> None:
        """Make the clients; `simulator` is the node that has the seed."""
        self._simulator = simulator
        self._get = node.create_client(GetParameters, f"{simulator}/get_parameters")
        self._set = node.create_client(SetParameters, f"{simulator}/set_parameters")
        self._reset = node.create_client(Trigger, SERVICE)

    def is_ready(self) -> bool:
        """Whether a simulated arm is there."""
        return all(client.service_is_ready() for client in (self._get, self._set, self._reset))

    def begin(self, seed: int | None, done: Callable[[str, int], None]) -> None:
        """Reset the world.

        Args:
            seed: Its seed; None: one more than the last.
            done: Is told why it failed (empty: it did not), and the seed.
        """
        if seed is None:
            future = self._get.call_async(GetParameters.Request(names=["seed"]))
            future.add_done_callback(lambda got: self._set_seed(got.result().values[0].integer_value + 1, done))
        else:
            self._set_seed(seed, done)

    def _set_seed(self, seed: int, done: Callable[[str, int], None]) -> None:
        request = SetParameters.Request(parameters=[Parameter("seed", value=seed).to_parameter_msg()])
        self._set.call_async(request).add_done_callback(partial(self._reset_world, seed, done))

    def _reset_world(self, seed: int, done: Callable[[str, int], None], future: Future) -> None:
        result = future.result().results[0]
        if not result.successful:
            done(f"node {self._simulator} refused the parameter seed: {result.reason}", seed)
            return
        answered = partial(self._answer, seed, done)
        self._reset.call_async(Trigger.Request()).add_done_callback(answered)

    @staticmethod
    def _answer(seed: int, done: Callable[[str, int], None], future: Future) -> None:
        answer = future.result()
        done("" if answer.success else f"sim/reset failed: {answer.message}", seed)
