"""Services and actions of other nodes that are asked without waiting: the answer comes in words, whatever it was.

All of it runs in the thread of the executor that has the node, which the caller sees to.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.node import Node

from muse_ros.arm.drivers.driver import DriverError
from muse_ros.missing_package import explain

Take = Callable[[str], None]
"""Takes why a request failed, in words; empty where it did not. Called once, at the end."""
_STATUSES = {GoalStatus.STATUS_ABORTED: "aborted", GoalStatus.STATUS_CANCELED: "cancelled"}


def interface(name: str) -> Any:
    """The class of a message, service or action such as ``std_srvs/srv/Trigger``.

    Raises:
        DriverError: where its package is not installed, or has no such type.
    """
    package, kind, last = name.split("/")
    try:
        return getattr(import_module(f"{package}.{kind}"), last)
    except ImportError as error:
        raise DriverError(f"{name} is not installed here: {explain(error)}") from error
    except AttributeError as error:
        raise DriverError(f"package {package} has no {kind} {last}") from error


class ServiceRequest:
    """One service, asked with an empty request.

    Args:
        node: The node that asks.
        kind: Type of the service.
        name: Its name.
    """

    def __init__(self, node: Node, kind: Any, name: str) -> None:
        self._kind, self._name = kind, name
        self._client = node.create_client(kind, name)

    def ask(self, take: Take) -> None:
        """Ask; `take` has the answer."""
        if not self._client.service_is_ready():
            take(f"there is no service {self._client.srv_name}")
            return
        self._client.call_async(self._kind.Request()).add_done_callback(lambda future: take(_failed(future.result())))

    def close(self) -> None:
        """Nothing: the client goes with its node."""


class ActionRequest:
    """One action; goals are sent one after another.

    Args:
        node: The node that asks.
        kind: Type of the action.
        name: Its name.
    """

    def __init__(self, node: Node, kind: Any, name: str) -> None:
        self._kind, self._name = kind, name
        self._client = ActionClient(node, kind, name)

    def ask(self, take: Take, goal: Any = None) -> None:
        """Send a goal, an empty one by default; `take` has its end."""
        if not self._client.server_is_ready():
            take(f"there is no action {self._name}")
            return
        sending = self._client.send_goal_async(self._kind.Goal() if goal is None else goal)
        sending.add_done_callback(lambda future: self._follow(future.result(), take))

    def _follow(self, handle: Any, take: Take) -> None:
        if not handle.accepted:
            take("the goal was refused")
            return
        handle.get_result_async().add_done_callback(lambda future: take(_ended(future.result())))

    def close(self) -> None:
        """Let go of the action; a node does not do that for it."""
        self._client.destroy()


class HandAction:
    """The hand's ``control_msgs/action/GripperCommand``.

    Args:
        node: The node that asks.
        name: Of the action.
        effort: Largest effort [N].

    Attributes:
        busy: Whether the last goal has not ended yet.
        said: How the last one went, in words.

    Raises:
        DriverError: where control_msgs is not installed.
    """

    def __init__(self, node: Node, name: str, effort: float) -> None:
        self._kind, self._effort = interface("control_msgs/action/GripperCommand"), effort
        self._request = ActionRequest(node, self._kind, name)
        self.busy = False
        self.said = "not asked yet"

    def ask(self, position: float) -> None:
        """Send a goal [m]."""
        goal = self._kind.Goal()
        goal.command.position, goal.command.max_effort = position, self._effort
        self.busy, self.said = True, f"on its way to {position:.4f} m"
        self._request.ask(lambda why_not: self._end(position, why_not), goal)

    def close(self) -> None:
        """Let go of the action."""
        self._request.close()

    def _end(self, position: float, why_not: str) -> None:
        self.busy, self.said = False, f"to {position:.4f} m: {why_not or 'done'}"


def _failed(response: Any) -> str:
    """Why a service says no; services without a word for it always say yes."""
    if getattr(response, "success", True):
        return ""
    return getattr(response, "message", "") or getattr(response, "error", "") or "it did not succeed"


def _ended(response: Any) -> str:
    if response.status == GoalStatus.STATUS_SUCCEEDED:
        return ""
    why = getattr(response.result, "error", "") or getattr(response.result, "message", "")
    return f"the goal was {_STATUSES.get(response.status, 'lost')}{f': {why}' if why else ''}"
