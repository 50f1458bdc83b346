"""Copying images of a batch out of the arrays of episodes, whole or through views."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from muse_core.datasets.views import View, copy_view

Span = tuple[int, int, int, int, int, int]


def copy_windows(
    sources: Sequence[np.ndarray],
    out: np.ndarray,
    places: np.ndarray,
    rows: np.ndarray,
    mask: np.ndarray,
    skip: int = 1,
    view: View | None = None,
) -> None:
    """Copy one window for each sample; steps outside the episode repeat its nearest row.

    Args:
        sources: Of each of N samples the (L, ...) frames of its episode.
        out: (B, T, ...) the batch to write to; what is seen through a view has the size of its images.
        places: (N,) samples of the batch to write.
        rows: (N, T) row of each step.
        mask: (N, T) whether the step lies in the episode.
        skip: Rows from one step to the next.
        view: What is seen of each sample.
    """
    if view is not None and view.corners.ndim == 3:
        for source, place, some, corners in zip(sources, places.tolist(), rows, view.corners, strict=True):
            for step, (row, (top, left)) in enumerate(zip(some.tolist(), corners.tolist(), strict=True)):
                copy_view(source[row : row + 1], out[place, step : step + 1], top, left)
        return
    seen = [None] * len(sources) if view is None else [tuple(corner) for corner in view.corners.tolist()]
    for source, place, span, corner in zip(sources, places.tolist(), _spans(rows, mask), seen, strict=True):
        begin, end, first, last, before, after = span
        window = out[place]
        if end > begin:
            _copy(source[first : last + 1 : skip], window[begin:end], corner)
        if begin:
            _copy(source[before : before + 1], window[:begin], corner)
        if end < len(window):
            _copy(source[after : after + 1], window[end:], corner)


def copy_images(
    sources: Sequence[np.ndarray],
    out: np.ndarray,
    places: np.ndarray,
    rows: np.ndarray | None,
    view: View | None = None,
) -> None:
    """Copy one image for each sample.

    Args:
        sources: Of each of N samples the (L, ...) frames of its episode, or its one image (...).
        out: (B, ...) the batch to write to.
        places: (N,) samples of the batch to write.
        rows: (N,) which row of the episode; None where there is but one image.
        view: What is seen of each sample.
    """
    corners = [None] * len(sources) if view is None else [tuple(c) for c in view.corners.reshape(-1, 2).tolist()]
    for i, (source, place, corner) in enumerate(zip(sources, places.tolist(), corners, strict=True)):
        image = source[None] if rows is None else source[int(rows[i]) : int(rows[i]) + 1]
        _copy(image, out[place][None], corner)


def _spans(rows: np.ndarray, mask: np.ndarray) -> list[Span]:
    """Of each window the first real step and the one after the last, their rows, and the rows that padding repeats."""
    begin = mask.argmax(axis=1)
    end = begin + mask.sum(axis=1)
    each = np.arange(len(rows))
    first, last = rows[each, begin], rows[each, np.maximum(end, 1) - 1]
    return list(zip(*(a.tolist() for a in (begin, end, first, last, rows[:, 0], rows[:, -1])), strict=True))


def _copy(rows: np.ndarray, out: np.ndarray, corner: tuple[int, int] | None) -> None:
    if corner is None:
        out[:] = rows
    else:
        copy_view(rows, out, *corner)
