"""From axes and buttons to what the operator wants: applies a mapping, and remembers which buttons were down.

Buttons that do something once are debounced, triggers have two thresholds, and the deadman counts only after it was
seen up (:mod:`muse_ros.teleop.deadman`). Pure. Must not import rclpy.
"""

from __future__ import annotations

import math

from muse_ros.teleop.deadman import DeadmanGate
from muse_ros.teleop.mapper import DeviceSample
from muse_ros.teleop.mapping import MOTIONS, ButtonRule, Mapping
from muse_ros.teleop.raw_input import DeviceError, RawInput

DEBOUNCE_SAMPLES = 2
"""A button counts as let go once it was up this often in a row, 40 ms at 50 Hz: a contact bounces for 5 to 20 ms."""
AT_ONCE = ("deadman", "enable")
"""Switches that are held: letting go counts at once."""


class InputMapper:
    """Turns raw input into device samples."""

    def __init__(self, mapping: Mapping) -> None:
        """Apply `mapping`."""
        self.mapping = mapping
        self._axes = mapping.used("axis")
        self._buttons = {name: _Button(rule, at_once=name in AT_ONCE) for name, rule in mapping.buttons.items()}
        self._verbs = {name: _Button(rule) for name, rule in mapping.verbs.items()}
        self._counting: frozenset[str] = frozenset()

    @property
    def waits_for_release(self) -> bool:
        """Whether the deadman is down, and does not count until it was let go."""
        return self._buttons["deadman"].waits_for_release

    def step(self, raw: RawInput) -> DeviceSample:
        """What the operator wants.

        Raises:
            DeviceError: where an axis that is mapped is missing or not a number; as after :meth:`lose`.
        """
        wrong = self._wrong(raw)
        if wrong:
            self.lose()
            raise DeviceError(wrong)
        motion = tuple(
            self.mapping.motion[name].deflection(raw.axes, raw.buttons) if name in self.mapping.motion else 0.0
            for name in MOTIONS
        )
        down = {name: button.step(raw) for name, button in self._buttons.items()}
        return DeviceSample(motion[:3], motion[3:], **down, verbs=self._count_verbs(raw, down["deadman"]))

    def lose(self) -> DeviceSample:
        """The device is gone: every button is up, and must be seen up before it counts again."""
        for button in (*self._buttons.values(), *self._verbs.values()):
            button.lose()
        self._counting = frozenset()
        return DeviceSample()

    def _wrong(self, raw: RawInput) -> str:
        lacking = self.mapping.lacking("axis", len(raw.axes))
        if lacking:
            return lacking
        bad = [
            f"axis {i} ({name}) says {raw.axes[i]}" for i, name in self._axes.items() if not math.isfinite(raw.axes[i])
        ]
        return ", ".join(bad)

    def _count_verbs(self, raw: RawInput, deadman: bool) -> frozenset[str]:
        """The verbs that are held down and whose press counted."""
        down = {name for name, button in self._verbs.items() if button.step(raw)}
        pressed = {name for name in down if self._verbs[name].pressed}
        counted = {name for name in pressed if self.mapping.verbs[name].deadman == "any" or not deadman}
        self._counting = frozenset(down & (self._counting | counted))
        return self._counting


class _Button:
    """One button over time."""

    def __init__(self, rule: ButtonRule, at_once: bool = False) -> None:
        self._rule = rule
        self._gate = DeadmanGate()
        self._ups_needed = 1 if at_once else DEBOUNCE_SAMPLES
        self._contact = self._down = self.waits_for_release = self.pressed = False
        self._ups = self._ups_needed

    def step(self, raw: RawInput) -> bool:
        """Whether it is down now; `pressed` tells whether it has just gone down."""
        self._contact = self._rule.down(raw.axes, raw.buttons, self._contact)
        self._ups = 0 if self._contact else self._ups + 1
        held = self._ups < self._ups_needed
        down = self._gate.step(held)
        self.waits_for_release = held and not down
        self.pressed = down and not self._down
        self._down = down
        return down

    def lose(self) -> None:
        """Its device is gone."""
        self._gate.lose()
        self._contact = self._down = self.waits_for_release = self.pressed = False
        self._ups = self._ups_needed
