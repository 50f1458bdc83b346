"""The verbs of the episode and of the arm, called by name of their service, and the texts of the collect node.

Keys, the window's buttons and the buttons of a gamepad all come through this. No call waits: what came of each is kept
for as long as it is to be seen.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from muse_ros.window.view import CallView

NO_ANSWER_S = 3.0
FLASH_S = 0.5
SHOWN_S = 8.0


@dataclass(frozen=True)
class _Call:
    state: str
    text: str
    since: float


class Verbs:
    """Trigger clients by service name, made when the node is."""

    def __init__(self, node: Any, services: tuple[str, ...]) -> None:
        """Make the clients.

        Args:
            node: The node that they belong to.
            services: Names of the services, relative to the namespace.
        """
        self._node = node
        self._clients = {s: node.create_client(Trigger, s) for s in sorted({*services})}
        self._texts = node.create_client(SetParameters, "collect/set_parameters")
        self._calls: dict[str, _Call] = {}

    def call(self, service: str) -> None:
        """Ask for a verb; its answer is shown when it comes."""
        client = self._clients[service]
        if not client.service_is_ready():
            node = service.partition("/")[0]
            self._settle(service, "refused", f"{service} cannot be reached: is the {node} node running?")
            return
        self._settle(service, "pending")
        client.call_async(Trigger.Request()).add_done_callback(partial(self._take_answer, service))

    def set_text(self, field: str, text: str) -> None:
        """Set the parameter of the collect node that has a field's name; a seed is a number."""
        name = f"type/{field}"
        if not self._texts.service_is_ready():
            self._settle(name, "refused", f"the {field} was not saved: the collect node cannot be reached")
            return
        parameter = Parameter(field, value=int(text) if field == "seed" else text)
        request = SetParameters.Request(parameters=[parameter.to_parameter_msg()])
        self._settle(name, "pending")
        self._texts.call_async(request).add_done_callback(partial(self._take_result, name, field))

    def calls(self) -> tuple[CallView, ...]:
        """What is still to be seen, newest first: answers for a while, and calls that nobody answers."""
        now = time.monotonic()
        for service, call in list(self._calls.items()):
            age = now - call.since
            if call.state == "pending" and age > NO_ANSWER_S:
                self._settle(service, "refused", f"no answer for {NO_ANSWER_S:g} s: is its node still running?")
            elif call.state == "done" and age > FLASH_S:
                self._calls[service] = _Call("over", call.text, call.since)
            elif call.state != "pending" and age > SHOWN_S:
                del self._calls[service]
        return tuple(CallView(service, call.state, call.text) for service, call in reversed(self._calls.items()))

    def forget(self) -> None:
        """The episode's state has changed: what was answered before is over, except what has just been done."""
        now = time.monotonic()
        self._calls = {
            service: call
            for service, call in self._calls.items()
            if call.state == "pending" or (call.state == "done" and now - call.since < FLASH_S)
        }

    def _settle(self, service: str, state: str, text: str = "") -> None:
        """Note what has become of a call; the newest is the last."""
        self._calls.pop(service, None)
        self._calls[service] = _Call(state, text, time.monotonic())

    def _take_answer(self, service: str, future: Any) -> None:
        answer = future.result()
        if not answer.success:
            self._node.get_logger().warning(f"{service}: {answer.message}")
            self._settle(service, "refused", answer.message or f"{service} was refused")
            return
        # the episode's own state is shown anyway, but not which one an undo was about
        own = service.startswith("collect/") and service != "collect/undo"
        self._settle(service, "done", "" if own else answer.message)

    def _take_result(self, name: str, field: str, future: Any) -> None:
        result = future.result().results[0]
        text = "" if result.successful else f"the {field} was not saved: {result.reason}"
        self._settle(name, "done" if result.successful else "refused", text)
