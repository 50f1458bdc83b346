"""No teleoperation device: only the heartbeat, which asks for nothing."""

from __future__ import annotations

from typing import Any


class NoDevice:
    """Stands where a device would."""

    def __init__(self, node: Any) -> None:
        """Nothing to open."""

    def beat(self) -> None:
        """Nothing to say."""

    def close(self) -> None:
        """Nothing to close."""
