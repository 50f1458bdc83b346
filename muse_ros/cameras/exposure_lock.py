"""Locks exposure, white balance and focus of a device, so that a policy sees what its demonstrations showed.

Where a value is given it is set; where none is, the device's automatic has a moment to settle, and what it has found is
kept, also when the camera is replugged. What the device says afterwards is read back. Numbers are V4L2's. No ROS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2

from muse_ros.cameras.settings import CameraSettings

EXPOSURE_BY_HAND, EXPOSURE_AUTOMATIC = 1, 3  # V4L2_EXPOSURE_MANUAL, V4L2_EXPOSURE_APERTURE_PRIORITY: what webcams have


@dataclass(frozen=True)
class _Control:
    """One value with its automatic: OpenCV's properties, and the automatic's values when on and off."""

    name: str
    value: int
    automatic: int
    on: int
    off: int


_EXPOSURE = _Control(
    "exposure", cv2.CAP_PROP_EXPOSURE, cv2.CAP_PROP_AUTO_EXPOSURE, EXPOSURE_AUTOMATIC, EXPOSURE_BY_HAND
)
_WHITE_BALANCE = _Control("white_balance", cv2.CAP_PROP_WB_TEMPERATURE, cv2.CAP_PROP_AUTO_WB, 1, 0)
_CONTROLS = (_EXPOSURE, _WHITE_BALANCE)


class ExposureLock:
    """One camera's exposure, white balance, gain and focus, from one opening to the next.

    Attributes:
        values: What the device says now, by name; None where it has no such control.
        warnings: What could not be set, a sentence each.
        settled: Nothing is left to be locked.
    """

    def __init__(self, settings: CameraSettings) -> None:
        self.values: dict[str, float | None] = {}
        self.warnings: list[str] = []
        self.settled = False
        self._settings = settings
        self._found: dict[str, float] = {}

    def begin(self, capture: Any) -> None:
        """Set what is known, right after the camera was opened; what is to be found has its automatic on."""
        self.warnings, self.settled = [], False
        settings = self._settings
        for control in _CONTROLS:
            wanted = self._wanted(control)
            if wanted:
                self._set(capture, control, wanted)
            else:
                capture.set(control.automatic, control.on)
        if settings.gain >= 0:
            self._set_plain(capture, "gain", cv2.CAP_PROP_GAIN, settings.gain)
        capture.set(cv2.CAP_PROP_AUTOFOCUS, int(settings.auto_focus))
        if settings.focus >= 0:
            self._set_plain(capture, "focus", cv2.CAP_PROP_FOCUS, settings.focus)
        self._read_back(capture)
        if not self._to_find():
            self.settled = True

    def after(self, capture: Any, open_for_s: float) -> bool:
        """Lock what the automatic has found, once it had its time; whether that happened now.

        Args:
            capture: The open camera.
            open_for_s: Since when it gives pictures [s].
        """
        if self.settled or open_for_s < self._settings.lock_after_s:
            return False
        for control in self._to_find():
            found = capture.get(control.value)
            if found > 0:
                self._found[control.name] = found
                self._set(capture, control, found)
        self._read_back(capture)
        self.settled = True
        return True

    def _wanted(self, control: _Control) -> float:
        """The value to lock at; 0 for the automatic, or while it is not known."""
        if getattr(self._settings, f"auto_{control.name}"):
            return 0
        return getattr(self._settings, control.name) or self._found.get(control.name, 0)

    def _to_find(self) -> list[_Control]:
        controls = [control for control in _CONTROLS if not self._wanted(control)]
        return [control for control in controls if not getattr(self._settings, f"auto_{control.name}")]

    def _set(self, capture: Any, control: _Control, value: float) -> None:
        capture.set(control.automatic, control.off)
        self._set_plain(capture, control.name, control.value, value)
        state = capture.get(control.automatic)
        if state >= 0 and state != control.off:
            self.warnings.append(f"{control.name} is not locked: the device's automatic stays on ({state:g})")

    def _set_plain(self, capture: Any, name: str, prop: int, value: float) -> None:
        capture.set(prop, value)
        said = capture.get(prop)
        if said < 0:
            self.warnings.append(f"{name}: {value:g} was asked for, the device has no such control")
        elif said != value:
            self.warnings.append(f"{name}: {value:g} was asked for, the device says {said:g}")

    def _read_back(self, capture: Any) -> None:
        properties = {
            "auto_exposure": cv2.CAP_PROP_AUTO_EXPOSURE,
            "exposure": cv2.CAP_PROP_EXPOSURE,
            "gain": cv2.CAP_PROP_GAIN,
            "auto_white_balance": cv2.CAP_PROP_AUTO_WB,
            "white_balance": cv2.CAP_PROP_WB_TEMPERATURE,
            "auto_focus": cv2.CAP_PROP_AUTOFOCUS,
            "focus": cv2.CAP_PROP_FOCUS,
            "brightness": cv2.CAP_PROP_BRIGHTNESS,
        }
        read = {name: capture.get(prop) for name, prop in properties.items()}
        self.values = {name: value if value >= 0 else None for name, value in read.items()}
