"""The one client of ``sim/reset``: the seed goes to the simulated arm, then the world is reset with it.

A question without an answer is asked again: where a simulator has just taken the place of one that was killed, the
middleware may still be joining the two sides, and an answer is lost. To ask twice for one scene does no harm.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_srvs.srv import Trigger

SERVICE = "sim/reset"
AGAIN_S = 3.0


class SimReset:
    """Asks for one scene after the other; each step waits for the answer of the one before, in the node's executor."""

    def __init__(self, node: Node, simulator: str) -> None:
        """Make the clients; `simulator` is the node that has the seed."""
        self._simulator = simulator
        self._get = node.create_client(GetParameters, f"{simulator}/get_parameters")
        self._set = node.create_client(SetParameters, f"{simulator}/set_parameters")
        self._reset = node.create_client(Trigger, SERVICE)
        self._question: tuple[Any, Any, Callable[[Any], None]] | None = None
        self._number = 0
        self._asked_s = 0.0

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
            request = GetParameters.Request(names=["seed"])
            self._ask(self._get, request, lambda got: self._set_seed(got.values[0].integer_value + 1, done))
        else:
            self._set_seed(seed, done)

    def look(self) -> None:
        """Ask again where no answer has come for :data:`AGAIN_S`; call it while a reset goes on."""
        if self._question is not None and time.monotonic() - self._asked_s > AGAIN_S:
            self._send()

    def _set_seed(self, seed: int, done: Callable[[str, int], None]) -> None:
        request = SetParameters.Request(parameters=[Parameter("seed", value=seed).to_parameter_msg()])
        self._ask(self._set, request, partial(self._reset_world, seed, done))

    def _reset_world(self, seed: int, done: Callable[[str, int], None], answer: SetParameters.Response) -> None:
        result = answer.results[0]
        if not result.successful:
            done(f"node {self._simulator} refused the parameter seed: {result.reason}", seed)
            return
        self._ask(self._reset, Trigger.Request(), partial(self._tell, seed, done))

    @staticmethod
    def _tell(seed: int, done: Callable[[str, int], None], answer: Trigger.Response) -> None:
        done("" if answer.success else f"sim/reset failed: {answer.message}", seed)

    def _ask(self, client: Any, request: Any, then: Callable[[Any], None]) -> None:
        self._number += 1
        self._question = (client, request, then)
        self._send()

    def _send(self) -> None:
        client, request, _ = self._question
        self._asked_s = time.monotonic()
        client.call_async(request).add_done_callback(partial(self._hear, self._number))

    def _hear(self, number: int, future: Future) -> None:
        """Go on with the first answer to a question; a second one to the same is of no interest."""
        if number != self._number or self._question is None:
            return
        (_, _, then), self._question = self._question, None
        then(future.result())
