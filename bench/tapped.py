"""The panda node and the loopback server of ``set_points.py``, each made to note when what passes through it.

Each writes its notes to a file when it ends; times are of the steady clock, which all processes share [s].
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def node(notes: dict[str, Any], arguments: list[str]) -> int:
    """The panda node; notes when an action was received, when its set-point was decided, sent, and answered for."""
    from muse_ros.arm.drivers.polymetis import PolymetisDriver
    from muse_ros.contract.message_fields import time_ns
    from muse_ros.nodes import panda
    from muse_ros.nodes.arm.actions import ActionTopics
    from muse_ros.polymetis.set_point_sender import SetPointSender

    received, begun, put_s, sent = {}, {}, [], []
    notes |= {"received": received, "begun": begun, "put": put_s, "sent": sent}
    stamps: dict[float, int] = {}
    now: list[int] = [0]

    def hear(self: Any, source: str, message: Any, number: int | None, of: Callable = ActionTopics._hear) -> None:
        received.setdefault(time_ns(message.header.stamp), time.monotonic())
        of(self, source, message, number)

    def send(self: Any, set_point: Any, period_s: float, of: Callable = PolymetisDriver.send) -> None:
        now[0] = set_point.action_stamp_ns
        of(self, set_point, period_s)

    def put(self: Any, position: Any, velocity: Any, along_s: float, of: Callable = SetPointSender.put) -> None:
        put_s.append(time.monotonic())
        begun.setdefault(now[0], put_s[-1])
        stamps[along_s] = now[0]
        of(self, position, velocity, along_s)

    def begin(self: Any, of: Callable = SetPointSender.begin) -> None:
        stamps.clear()
        of(self)

    def go(self: Any, wanted: Any, duration_s: float, of: Callable = SetPointSender._send) -> Any:
        number, stamp, began = self._number, stamps.get(wanted.along_s, 0), time.monotonic()
        error = of(self, wanted, duration_s)
        sent.append([number, stamp, began, time.monotonic(), error is None])
        return error

    ActionTopics._hear, PolymetisDriver.send = hear, send
    SetPointSender.put, SetPointSender.begin, SetPointSender._send = put, begin, go
    return panda.main(arguments)


def server(notes: dict[str, Any], arguments: list[str]) -> int:
    """The loopback server; notes when the running controller had taken which set-point."""
    from muse_ros.polymetis.loopback import main
    from muse_ros.polymetis.loopback.hosted_controller import HostedController

    taken = notes["taken"] = []

    def update(self: Any, parameters: Any, of: Callable = HostedController.update) -> None:
        of(self, parameters)
        taken.append([int(parameters["number"]), time.monotonic()])

    HostedController.update = update
    return main.main(arguments)


def main(role: str, path: str, *arguments: str) -> int:
    """Be one of the two until told to end; answers its exit code."""
    notes: dict[str, Any] = {}
    status = {"node": node, "server": server}[role](notes, list(arguments))
    Path(path).write_text(json.dumps(notes))
    return status
