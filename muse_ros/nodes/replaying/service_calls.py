"""Calling services from a thread that may wait for the answer, while the executor spins in another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

POLL_S = 0.05


class ServiceError(RuntimeError):
    """A service was not there, did not answer or refused; the message names it and says why."""


class ServiceCalls:
    """Waits for services and for their answers; must not be used in the executor's thread."""

    def __init__(self, node: Any, cancelled: Callable[[], bool], patience_s: float) -> None:
        """Remember whose services they are.

        Args:
            node: The node that the clients belong to; it spins elsewhere.
            cancelled: Ends a wait when it is true.
            patience_s: Longest wait for a service to appear, and then for its answer [s].
        """
        self._node, self._cancelled, self._patience_s = node, cancelled, patience_s

    def trigger(self, name: str) -> str:
        """Call a Trigger service; returns its message.

        Raises:
            ServiceError: where it cannot be reached, or says no.
        """
        answer = self._call(Trigger, name, Trigger.Request())
        if not answer.success:
            raise ServiceError(f"{name}: {answer.message}")
        return str(answer.message)

    def set_integer(self, node: str, parameter: str, value: int) -> None:
        """Set an integer parameter of another node.

        Raises:
            ServiceError: where the node cannot be reached, or refuses.
        """
        request = SetParameters.Request(parameters=[Parameter(parameter, value=value).to_parameter_msg()])
        (result,) = self._call(SetParameters, f"{node}/set_parameters", request).results
        if not result.successful:
            raise ServiceError(f"{node}: parameter {parameter} cannot be {value}: {result.reason}")

    def _call(self, kind: Any, name: str, request: Any) -> Any:
        client = self._node.create_client(kind, name)
        try:
            self._wait(
                client.service_is_ready, f"{name} cannot be reached: is the {name.partition('/')[0]} node there?"
            )
            answered = threading.Event()
            future = client.call_async(request)
            future.add_done_callback(lambda _: answered.set())
            self._wait(answered.is_set, f"{name} did not answer")
            return future.result()
        finally:
            self._node.destroy_client(client)

    def _wait(self, done: Callable[[], bool], otherwise: str) -> None:
        end_s = time.monotonic() + self._patience_s
        while not done():
            if self._cancelled():
                raise ServiceError(f"{otherwise} before this node was ended")
            if time.monotonic() > end_s:
                raise ServiceError(f"{otherwise} (waited {self._patience_s:g} s)")
            time.sleep(POLL_S)
