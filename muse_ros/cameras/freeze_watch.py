"""Notices a camera that sends the same picture again and again: a real sensor's noise never lets two be equal."""

from __future__ import annotations

import numpy as np


class FreezeWatch:
    """Compares every picture with the one before.

    Attributes:
        same_for_s: For how long the pictures have been identical [s].
    """

    def __init__(self, frozen_s: float) -> None:
        """`frozen_s`: identical for so long is frozen [s]; 0: never."""
        self.same_for_s = 0.0
        self._frozen_s = frozen_s
        self._last: np.ndarray | bytes | None = None
        self._since_s = 0.0

    @property
    def frozen(self) -> bool:
        """Whether the camera counts as frozen."""
        return self._frozen_s > 0.0 and self.same_for_s >= self._frozen_s

    def see(self, picture: np.ndarray | bytes, steady_s: float) -> None:
        """Take note of a picture.

        Args:
            picture: Pixels, or compressed.
            steady_s: When it was taken, on a clock that never jumps [s].
        """
        if not self._is_last(picture):
            self._since_s = steady_s
        self._last = picture
        self.same_for_s = steady_s - self._since_s

    def _is_last(self, picture: np.ndarray | bytes) -> bool:
        if isinstance(picture, bytes) or isinstance(self._last, bytes) or self._last is None:
            return type(picture) is type(self._last) and picture == self._last
        return np.array_equal(picture, self._last)
