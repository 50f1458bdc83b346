"""No teleoperation device: only the heartbeat, which asks for nothing."""

from __future__ import annotations

from typing import Any

from muse_ros.window.events import WindowInput


class NoDevice:
    """Stands where a device would."""

    mapper = None

    def __init__(self, node: Any) -> None:
        """Nothing to open."""

    def beat(self, keys: WindowInput) -> None:
        """Nothing to say."""

    def close(self) -> None:
        """Nothing to close."""
