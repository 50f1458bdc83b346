"""A SpaceMouse through Linux's hidraw: found by its maker's numbers, read without waiting, plugged in and out at will.

Reports: 1 holds three translations, or three translations and three rotations; 2 three rotations; 3 a mask of buttons;
the rest (battery and the like) is skipped. Numbers are little-endian, 16 bits, full at 350. A displaced cap reports
all the time and a cap at rest is silent, so silence counts as a loss only while the cap is displaced. Its axes as it
sees them: x right, y towards the operator, z down. Must not import rclpy or pygame.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

from muse_ros.resources import resource
from muse_ros.teleop.raw_input import DeviceError, RawInput

FULL_SCALE = 350.0
MAKER = 0x256F
LOGITECH = 0x046D
LOGITECH_PRODUCTS = (0xC603, 0xC605, 0xC606, 0xC621, 0xC623, 0xC625, 0xC626, 0xC627, 0xC628, 0xC629, 0xC62B)
"""Before 2013 3Dconnexion's devices bore Logitech's number, which keyboards bear, too."""
SEARCH_EVERY_NS = 500_000_000
SILENT_AFTER_NS = 250_000_000
"""A displaced cap reports every 8 to 16 ms; wireless ones pause for a few of these."""
LONGEST_REPORT = 64
UDEV_RULE = "config/udev/70-muse-spacemouse.rules"


class SpaceMouse:
    """The first SpaceMouse there is.

    Args:
        sys_folder: Where Linux describes its hidraw devices.
        dev_folder: Where they can be opened.
        open_device: Opens a path for reading without waiting, and returns its file descriptor.
    """

    def __init__(
        self,
        sys_folder: Path = Path("/sys/class/hidraw"),
        dev_folder: Path = Path("/dev"),
        open_device: Callable[[str], int] = lambda path: os.open(path, os.O_RDONLY | os.O_NONBLOCK),
    ) -> None:
        self._sys_folder, self._dev_folder, self._open = sys_folder, dev_folder, open_device
        self._file: int | None = None
        self._problem = ""
        self._search_ns = 0
        self._forget()

    def read(self, now_ns: int) -> RawInput:
        """What the device says now: every report that has come since the last call.

        Args:
            now_ns: Now, by the steady clock [ns].

        Raises:
            DeviceError: where there is none, it may not be read, was unplugged, or fell silent.
        """
        if self._file is None:
            self._connect(now_ns)
        self._take_reports(now_ns)
        if any(self._axes) and now_ns - self._heard_ns > SILENT_AFTER_NS:
            self._axes = [0.0] * 6
            raise DeviceError("the SpaceMouse fell silent while its cap was displaced: is its battery empty?")
        return RawInput(tuple(self._axes), self._buttons)

    def close(self) -> None:
        """Let go of the device. Safe to call twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _connect(self, now_ns: int) -> None:
        if now_ns >= self._search_ns:
            self._search_ns = now_ns + SEARCH_EVERY_NS
            self._problem = self._try_to_connect()
            self._heard_ns = now_ns
        if self._file is None:
            raise DeviceError(self._problem)

    def _try_to_connect(self) -> str:
        """Open the first device that lets itself be opened; why none does."""
        problem = f"there is no SpaceMouse (none of 3Dconnexion's under {self._sys_folder}): plug it in"
        for name in find_spacemice(self._sys_folder):
            path = self._dev_folder / name
            try:
                self._file = self._open(str(path))
            except PermissionError:
                problem = f"{path} is a SpaceMouse and may not be read: install {resource(UDEV_RULE)}, which says how"
            except OSError as error:
                problem = f"{path} is a SpaceMouse and cannot be opened: {error}"
            else:
                self._forget()
                return ""
        return problem

    def _take_reports(self, now_ns: int) -> None:
        try:
            while report := os.read(self._file, LONGEST_REPORT):
                self._heard_ns = now_ns
                self._take(report)
        except BlockingIOError:
            return
        except OSError:
            pass  # an unplugged device is an error of reading; its end is one, too
        self.close()
        self._forget()
        raise DeviceError("the SpaceMouse was unplugged")

    def _take(self, report: bytes) -> None:
        kind, data = report[0], report[1:]
        if kind == 1 and len(data) >= 6:
            count = 6 if len(data) >= 12 else 3
            self._axes[:count] = _deflections(data, count)
        elif kind == 2 and len(data) >= 6:
            self._axes[3:] = _deflections(data, 3)
        elif kind == 3:
            mask = int.from_bytes(data, "little")
            self._buttons = tuple(bool(mask >> i & 1) for i in range(8 * len(data)))

    def _forget(self) -> None:
        self._axes = [0.0] * 6
        self._buttons: tuple[bool, ...] = ()
        self._heard_ns = 0


def find_spacemice(sys_folder: Path) -> list[str]:
    """Names of the hidraw devices that are SpaceMice, such as ``hidraw3``, in the order of their numbers.

    Args:
        sys_folder: Where Linux describes its hidraw devices.
    """
    found = []
    for folder in sys_folder.glob("hidraw*"):
        try:
            text = (folder / "device" / "uevent").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # it went while we looked
        match = re.search(r"^HID_ID=[0-9A-Fa-f]+:([0-9A-Fa-f]+):([0-9A-Fa-f]+)$", text, re.MULTILINE)
        if match and _is_spacemouse(int(match[1], 16), int(match[2], 16)):
            found.append(folder.name)
    return sorted(found, key=lambda name: (len(name), name))


def _is_spacemouse(vendor: int, product: int) -> bool:
    return vendor == MAKER or (vendor == LOGITECH and product in LOGITECH_PRODUCTS)


def _deflections(data: bytes, count: int) -> list[float]:
    return [min(max(value / FULL_SCALE, -1.0), 1.0) for value in struct.unpack_from(f"<{count}h", data)]
