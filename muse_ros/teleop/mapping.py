"""A mapping as values: which axis of a device moves what, which button means what. See ``config/teleop/*.yaml``.

:mod:`muse_ros.teleop.mapping_file` reads it from YAML, :class:`muse_ros.teleop.input_mapper.InputMapper` applies it.
Pure. Must not import rclpy or pygame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field

MOTIONS = ("x", "y", "z", "roll", "pitch", "yaw")
"""Translation along x, y, z, then rotation about x, y, z: of the arm's base or of its tool, as the node was told."""
BUTTONS = ("deadman", "enable", "gripper", "click", "faster", "slower")
VERBS = ("start_stop", "keep", "discard", "success", "failure", "undo", "reset", "home", "stop", "recover")


@dataclass(frozen=True)
class AxisRule:
    """One motion from one axis, from two axes that pull against each other, or from two buttons.

    Attributes:
        axis: Index of the axis; None where buttons move it.
        minus_axis: Index of an axis that pulls the other way, as a second trigger does.
        plus: Index of the button of the positive direction.
        minus: Index of the button of the negative direction.
        sign: 1, or -1 to turn the direction round.
        scale: Share of full speed at full deflection, above 0 and at most 1.
        dead_zone: Deflections up to this are rest; motion starts at 0 beyond it, and is full at full deflection.
        curve: 0 is straight, 1 is cubic: finer near rest, as fast at the end.
        rest: What the axis says at rest.
        full: What the axis says at full deflection.
    """

    axis: int | None = None
    minus_axis: int | None = None
    plus: int | None = None
    minus: int | None = None
    sign: int = 1
    scale: float = 1.0
    dead_zone: float = 0.05
    curve: float = 0.0
    rest: float = 0.0
    full: float = 1.0

    def __post_init__(self) -> None:
        if (self.axis is None) == (self.plus is None or self.minus is None):
            raise ValueError("needs either `axis`, or `plus` and `minus` (two buttons)")
        if self.sign not in (1, -1):
            raise ValueError(f"sign must be 1 or -1, got {self.sign}")
        _check_range("scale", self.scale, 0.0, 1.0, open_low=True)
        _check_range("dead_zone", self.dead_zone, 0.0, 0.9)
        _check_range("curve", self.curve, 0.0, 1.0)
        _check_travel(self.rest, self.full)

    def deflection(self, axes: tuple[float, ...], buttons: tuple[bool, ...]) -> float:
        """The motion, in -1 .. 1; the axes that it looks at are there and finite."""
        if self.axis is None:
            return self.sign * self.scale * (_down(self.plus, buttons) - _down(self.minus, buttons))
        travel = self._travel(axes[self.axis])
        if self.minus_axis is not None:
            travel -= self._travel(axes[self.minus_axis])
        beyond = max(min(abs(travel), 1.0) - self.dead_zone, 0.0) / (1.0 - self.dead_zone)
        shaped = (1.0 - self.curve) * beyond + self.curve * beyond**3
        return self.sign * self.scale * math.copysign(shaped, travel)

    def _travel(self, raw: float) -> float:
        return (raw - self.rest) / (self.full - self.rest)


@dataclass(frozen=True)
class ButtonRule:
    """One button, or an axis used as one: a trigger.

    Attributes:
        button: Index of the button; None where an axis is used.
        axis: Index of the axis.
        press: The button goes down where the axis is this far deflected.
        release: It goes up again only below this: below `press`, so that a trembling trigger is one press.
        rest: What the axis says at rest.
        full: What the axis says at full deflection.
        deadman: For verbs: ``up`` counts a press only while the deadman is up, so that the same button may move the
            arm while it is held; ``any`` counts every press.
    """

    button: int | None = None
    axis: int | None = None
    press: float = 0.6
    release: float = 0.4
    rest: float = 0.0
    full: float = 1.0
    deadman: str = "any"

    def __post_init__(self) -> None:
        if (self.button is None) == (self.axis is None):
            raise ValueError("needs either `button` or `axis`")
        _check_range("press", self.press, 0.0, 1.0, open_low=True)
        if not 0.0 < self.release < self.press:
            raise ValueError(f"release must be above 0 and below press ({self.press}), got {self.release}")
        _check_travel(self.rest, self.full)
        if self.deadman not in ("any", "up"):
            raise ValueError(f"deadman must be 'any' or 'up', got {self.deadman!r}")

    def down(self, axes: tuple[float, ...], buttons: tuple[bool, ...], before: bool) -> bool:
        """Whether it is down, given whether it was `before`; a button that the device does not have is up."""
        if self.button is not None:
            return _down(self.button, buttons)
        travel = (axes[self.axis] - self.rest) / (self.full - self.rest)
        return travel >= (self.release if before else self.press)


@dataclass(frozen=True)
class Mapping:
    """What every axis and button of a device means.

    Attributes:
        name: Name of its file, for messages.
        layout: One of :data:`LAYOUTS`: what the file may call axes and buttons, and so how the device is read.
        motion: Motion (of :data:`MOTIONS`) to rule; what is left out does not move.
        buttons: Button (of :data:`BUTTONS`) to rule; the deadman is always there.
        verbs: Verb (of :data:`VERBS`) to rule.
    """

    name: str
    layout: str
    motion: MappingType[str, AxisRule] = field(default_factory=dict)
    buttons: MappingType[str, ButtonRule] = field(default_factory=dict)
    verbs: MappingType[str, ButtonRule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "deadman" not in self.buttons:
            raise ValueError("buttons.deadman is missing: without a switch that is held nothing may move")

    def used(self, kind: str) -> dict[int, str]:
        """Index to what it is for, of every axis or button that the mapping names.

        Args:
            kind: ``axis`` or ``button``.
        """
        keys = ("axis", "minus_axis") if kind == "axis" else ("button", "plus", "minus")
        rules = {**self.motion, **self.buttons, **self.verbs}
        return {
            index: name
            for name, rule in rules.items()
            for key in keys
            if (index := getattr(rule, key, None)) is not None
        }

    def lacking(self, kind: str, count: int) -> str:
        """What the mapping names and a device with `count` axes or buttons does not have, in words; or nothing."""
        missing = [f"{kind} {index} ({name})" for index, name in sorted(self.used(kind).items()) if index >= count]
        return f"mapping {self.name} names {', '.join(missing)}, and the device has {count}" if missing else ""


LAYOUTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "index": ((), ()),
    "gamepad": (
        ("left_x", "left_y", "right_x", "right_y", "left_trigger", "right_trigger"),
        (
            "a", "b", "x", "y", "back", "guide", "start", "left_stick", "right_stick", "left_shoulder",
            "right_shoulder", "dpad_up", "dpad_down", "dpad_left", "dpad_right",
        ),
    ),
    "spacemouse": (("x", "y", "z", "rx", "ry", "rz"), ("left", "right")),
}  # fmt: skip
"""Names of axes and of buttons, in the order of their indices. ``gamepad`` is SDL's order of game controllers, which
``game_controller_node`` of the ROS package ``joy`` keeps, too: the letters are an Xbox pad's, by place."""


def _down(index: int | None, buttons: tuple[bool, ...]) -> bool:
    return index is not None and index < len(buttons) and bool(buttons[index])


def _check_range(name: str, value: float, low: float, high: float, open_low: bool = False) -> None:
    if not (low <= value <= high) or (open_low and value == low):
        raise ValueError(f"{name} must be {'above' if open_low else 'at least'} {low} and at most {high}, got {value}")


def _check_travel(rest: float, full: float) -> None:
    if not (math.isfinite(rest) and math.isfinite(full)) or rest == full:
        raise ValueError(f"rest and full must be two different numbers, got {rest} and {full}")
