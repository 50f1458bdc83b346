"""The topic ``diagnostics``: what every node says of its own health, in one form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from muse_ros.bridge import time_message

NO_VALUES: Mapping[str, str] = MappingProxyType({})


class DiagnosticsTopic:
    """One node's publisher."""

    def __init__(self, node: Any) -> None:
        """Advertise the topic."""
        self._node = node
        self._publisher = node.create_publisher(DiagnosticArray, "diagnostics", 10)

    def publish(self, stamp_ns: int, statuses: Iterable[DiagnosticStatus]) -> None:
        """Publish how things stand at `stamp_ns`, by the node's clock [ns]."""
        message = DiagnosticArray(status=list(statuses))
        message.header.stamp = time_message(stamp_ns)
        self._publisher.publish(message)

    def close(self) -> None:
        """Take the topic back."""
        self._node.destroy_publisher(self._publisher)


def diagnostic(
    level: bytes, name: str, message: str, values: Mapping[str, str] = NO_VALUES, hardware_id: str = ""
) -> DiagnosticStatus:
    """One line of the topic.

    Args:
        level: A constant of DiagnosticStatus: OK, WARN or ERROR.
        name: The node, a colon, and what of it this is about.
        message: How it is, in words.
        values: The figures behind it, by name with their unit.
        hardware_id: The device that it is about.
    """
    pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
    return DiagnosticStatus(level=level, name=name, message=message, hardware_id=hardware_id, values=pairs)
