"""A gamepad through SDL, by pygame: plugged in and out at will, and read without a window and without its focus.

SDL knows most pads and names their axes and buttons alike, whoever made them; one that it does not know is read by
number. One thread makes and reads it. Must not import rclpy.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from muse_ros.teleop.mapping import LAYOUTS, Mapping
from muse_ros.teleop.raw_input import DeviceError, RawInput

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
# The pad's own deadman is its safety: it works whichever window has the focus. SDL reads this when it starts.
os.environ["SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS"] = "1"
import pygame
from pygame._sdl2 import controller

_AXES, _BUTTONS = LAYOUTS["gamepad"]
_FULL = 32767.0
_EVENTS = [
    getattr(pygame, name) for name in dir(pygame) if name.startswith(("JOY", "CONTROLLERAXIS", "CONTROLLERBUTTON"))
]
_EVENTS += [pygame.CONTROLLERDEVICEADDED, pygame.CONTROLLERDEVICEREMOVED, pygame.CONTROLLERDEVICEREMAPPED]


class Gamepad:
    """The first pad whose name fits.

    Args:
        mapping: It says whether the pad is read by SDL's names or by number, and which axes must be there.
        name: Part of the pad's name, in any case; empty: any pad.
        input_folder: Where Linux lists its joysticks.
    """

    def __init__(self, mapping: Mapping, name: str = "", input_folder: Path = Path("/dev/input")) -> None:
        pygame.joystick.init()
        controller.init()
        if pygame.display.get_init():
            # A window empties the queue of events, and pygame fails on those of a pad that was unplugged. State is
            # read here without them.
            pygame.event.set_blocked(_EVENTS)
        self._mapping, self._wanted, self._input_folder = mapping, name.lower(), input_folder
        self._pad: _NamedPad | _NumberedPad | None = None
        self._last_name = ""

    def read(self, now_ns: int) -> RawInput:
        """What the pad says now.

        Raises:
            DeviceError: where there is none, it was unplugged, or has less than the mapping names.
        """
        controller.update()
        if self._pad is not None and not self._pad.attached():
            self.close()  # another pad may take its place, but not within the same press of its deadman
            raise DeviceError(f"gamepad {self._last_name!r} was unplugged")
        if self._pad is None:
            self._connect()
        return self._pad.read()

    def close(self) -> None:
        """Let go of the pad. Safe to call twice."""
        if self._pad is not None:
            self._pad.close()
            self._pad = None

    def _connect(self) -> None:
        names = [_name(index) for index in range(pygame.joystick.get_count())]
        index = next((i for i, name in enumerate(names) if self._wanted in name.lower()), None)
        if index is None:
            gone = f"gamepad {self._last_name!r} was unplugged" if self._last_name else "there is no gamepad"
            wanted = f" whose name holds {self._wanted!r}" if self._wanted and not self._last_name else ""
            others = f"; there are {', '.join(names)}" if names else f": {self._cure()}"
            raise DeviceError(f"{gone}{wanted}{others}")
        by_name = self._mapping.layout == "gamepad"
        if by_name and not controller.is_controller(index):
            raise DeviceError(
                f"SDL does not know the buttons of {names[index]!r}: describe it in the environment variable "
                "SDL_GAMECONTROLLERCONFIG, or choose a mapping of layout index, such as mapping:=xbox_by_index"
            )
        pad = _NamedPad(index) if by_name else _NumberedPad(index)
        found = pad.read()
        lacking = self._mapping.lacking("axis", len(found.axes)) or self._mapping.lacking("button", len(found.buttons))
        if lacking:
            pad.close()
            raise DeviceError(f"{names[index]}: {lacking}")
        self._pad, self._last_name = pad, names[index]

    def _cure(self) -> str:
        """What to do where SDL sees no pad at all."""
        listed = sorted(self._input_folder.glob("js*"))
        if listed:
            return f"{listed[0]} is there, but SDL may not read it: join the group `input`, and log in anew"
        return "plug one in"


class _NamedPad:
    """A pad that SDL knows: axes and buttons in the order of the layout ``gamepad``."""

    def __init__(self, index: int) -> None:
        self._pad: Any = controller.Controller(index)

    def attached(self) -> bool:
        return bool(self._pad.attached())

    def read(self) -> RawInput:
        axes = tuple(max(self._pad.get_axis(i) / _FULL, -1.0) for i in range(len(_AXES)))
        return RawInput(axes, tuple(bool(self._pad.get_button(i)) for i in range(len(_BUTTONS))))

    def close(self) -> None:
        self._pad.quit()


class _NumberedPad:
    """A pad by its driver's numbers; each cross is two more axes, right and up positive, behind the others."""

    def __init__(self, index: int) -> None:
        self._pad = pygame.joystick.Joystick(index)

    def attached(self) -> bool:
        wanted = self._pad.get_instance_id()
        return any(pygame.joystick.Joystick(i).get_instance_id() == wanted for i in range(pygame.joystick.get_count()))

    def read(self) -> RawInput:
        pad = self._pad
        crosses = [float(value) for i in range(pad.get_numhats()) for value in pad.get_hat(i)]
        axes = [pad.get_axis(i) for i in range(pad.get_numaxes())]
        return RawInput((*axes, *crosses), tuple(bool(pad.get_button(i)) for i in range(pad.get_numbuttons())))

    def close(self) -> None:
        self._pad.quit()


def _name(index: int) -> str:
    if controller.is_controller(index):
        return controller.name_forindex(index)
    return pygame.joystick.Joystick(index).get_name()
