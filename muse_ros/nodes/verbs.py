"""The verbs of the episode and of the arm, called by name of their service; what they answered, as one line.

Keys, the window's buttons and the buttons of a gamepad all call verbs through this. No call waits for its answer.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from std_srvs.srv import Trigger


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
        self.answer = ""

    def call(self, service: str) -> None:
        """Ask for a verb; its answer is shown when it comes."""
        client = self._clients[service]
        if not client.service_is_ready():
            self.tell(f"{service} cannot be reached: is the {service.partition('/')[0]} node running?")
            return
        client.call_async(Trigger.Request()).add_done_callback(partial(self._take_answer, service))

    def tell(self, text: str) -> None:
        """Show a line; :attr:`answer` is the last one, and empty once it is over."""
        self.answer = text

    def _take_answer(self, service: str, future: Any) -> None:
        answer = future.result()
        if not answer.success:
            self._node.get_logger().warning(f"{service}: {answer.message}")
        if not answer.success or not service.startswith("collect/"):  # the episode's own state is shown anyway
            self.tell(answer.message or f"{service} was refused")
