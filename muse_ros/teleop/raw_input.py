"""What a device with axes and buttons says, before any mapping, and how such a device is read.

A gamepad, a SpaceMouse and a Joy message all become a :class:`RawInput`; a mapping file gives its numbers a meaning.
Must not import rclpy or pygame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class DeviceError(RuntimeError):
    """A device that cannot be read, or says what cannot be: the deadman is then up. The message says what to do."""


@dataclass(frozen=True)
class RawInput:
    """Axes and buttons at one instant, by index.

    Attributes:
        axes: Deflections, in -1 .. 1 by the device's own convention.
        buttons: Which buttons are down.
    """

    axes: tuple[float, ...] = ()
    buttons: tuple[bool, ...] = ()


class InputSource(Protocol):
    """A device that is read without waiting."""

    def read(self, now_ns: int) -> RawInput:
        """What the device says now.

        Args:
            now_ns: Now, by the steady clock [ns].

        Raises:
            DeviceError: where it is not there, or says nothing any more. Reading again works once it is back.
        """

    def close(self) -> None:
        """Let go of it."""
