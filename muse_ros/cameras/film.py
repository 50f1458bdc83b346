"""A video file that behaves like a camera: its pictures come at its own rate, and not before. Imports no ROS."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

DEFAULT_RATE_HZ = 30.0  # of a file that does not say
NS_PER_S = 1_000_000_000


class Film:
    """Plays a capture of a file, again and again or once, with the interface of ``cv2.VideoCapture``.

    Args:
        open_file: Opens the file at its beginning.
        loop: Begin again at the end.
        steady_ns: A clock that never jumps [ns].
        wait: Sleeps for so many seconds.
    """

    def __init__(
        self,
        open_file: Callable[[], Any],
        loop: bool,
        steady_ns: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.ended = False
        self._open_file, self._loop, self._steady_ns, self._wait = open_file, loop, steady_ns, wait
        self._capture = open_file()
        self._since_start = 0
        self._due_ns = 0

    def isOpened(self) -> bool:
        """Whether the file can be played."""
        return self._capture.isOpened()

    def grab(self) -> bool:
        """Wait until the next picture is due; False after the last one, or where the file cannot be read."""
        if self.ended or not (self._capture.grab() or self._grab_first_again()):
            return False
        self._since_start += 1
        period_ns = round(NS_PER_S / self._rate_hz())
        now_ns = self._steady_ns()
        if self._due_ns == 0 or now_ns > self._due_ns + period_ns:  # a film that fell behind does not hurry after
            self._due_ns = now_ns
        self._wait(max(0, self._due_ns - now_ns) / NS_PER_S)
        self._due_ns += period_ns
        return True

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        """The picture that was grabbed."""
        return self._capture.retrieve()

    def get(self, prop: int) -> float:
        """A property of the file; its rate where it says none is 30 Hz."""
        return self._rate_hz() if prop == cv2.CAP_PROP_FPS else self._capture.get(prop)

    def set(self, prop: int, value: float) -> bool:
        """Nothing can be set."""
        return False

    def release(self) -> None:
        """Close the file."""
        self._capture.release()

    def _grab_first_again(self) -> bool:
        if not self._since_start:
            return False  # not even one picture: no film
        if not self._loop:
            self.ended = True
            return False
        self._capture.release()
        self._capture = self._open_file()
        self._since_start = 0
        return self._capture.grab()

    def _rate_hz(self) -> float:
        rate_hz = self._capture.get(cv2.CAP_PROP_FPS)
        return rate_hz if rate_hz > 0.0 else DEFAULT_RATE_HZ
