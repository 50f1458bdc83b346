"""Copying the rows of one window out of an episode's array, whole or through a view."""

from __future__ import annotations

import numpy as np

from muse_core.datasets.views import copy_view


def copy_window(
    source: np.ndarray, out: np.ndarray, rows: np.ndarray, mask: np.ndarray, corners: np.ndarray | None = None
) -> None:
    """Copy a window; steps outside the episode repeat its nearest row.

    Args:
        source: (L, ...) rows of an episode.
        out: (T, ...) the window to write.
        rows: (T,) row of each step, evenly spaced where the mask is True.
        mask: (T,) whether the step lies in the episode.
        corners: Of a view of images, (2,) or (T, 2); what is seen has the size of `out`.
    """
    if corners is not None and corners.ndim == 2:
        for step, (top, left) in enumerate(corners.tolist()):
            row = int(rows[step])
            copy_view(source[row : row + 1], out[step : step + 1], top, left)
        return
    if mask[0] and mask[-1]:  # nearly every window lies in its episode whole: this way is a tenth faster for those
        first, last = int(rows[0]), int(rows[-1])
        skip = (last - first) // (len(rows) - 1) if len(rows) > 1 else 1
        _copy(source[first : last + 1 : skip], out, corners)
        return
    real = np.flatnonzero(mask)
    begin, end = (int(real[0]), int(real[-1]) + 1) if len(real) else (0, 0)
    if end:
        skip = int(rows[begin + 1] - rows[begin]) if end - begin > 1 else 1
        _copy(source[int(rows[begin]) : int(rows[end - 1]) + 1 : skip], out[begin:end], corners)
    for some in (slice(0, begin), slice(end, len(out))):
        if some.start < some.stop:
            row = int(rows[some.start])
            _copy(source[row : row + 1], out[some], corners)


def copy_frame(source: np.ndarray, out: np.ndarray, row: int, corners: np.ndarray | None = None) -> None:
    """Copy one row, (...), through a view whose corner is (2,) or (1, 2) where it is given."""
    corner = None if corners is None else corners.reshape(2)
    _copy(source[row : row + 1], out[None], corner)


def _copy(rows: np.ndarray, out: np.ndarray, corner: np.ndarray | None) -> None:
    if corner is None:
        out[:] = rows
    else:
        copy_view(rows, out, int(corner[0]), int(corner[1]))
