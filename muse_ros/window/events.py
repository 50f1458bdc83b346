"""What comes from the operator through the window: keys, focus, closing. Must not import rclpy or pygame."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WindowInput:
    """What happened since the last poll.

    Attributes:
        held: Names of the keys that are down; empty without the focus.
        pressed: Names of the keys that went down, in order.
        focused: The window has the keyboard.
        closed: The window was closed.
        clicked: What was clicked: actions of the window's buttons and fields.
        typed: While a text is being typed, what was: ("key", its name) or ("text", characters), in order.
    """

    held: frozenset[str] = frozenset()
    pressed: tuple[str, ...] = ()
    focused: bool = False
    closed: bool = False
    clicked: tuple[str, ...] = ()
    typed: tuple[tuple[str, str], ...] = ()


NO_INPUT = WindowInput()
