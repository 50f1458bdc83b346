"""Crops and shifts of frames as slices: only the pixels that are seen are read, straight from where they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class View:
    """The rectangle that is seen of each sample's frames.

    Attributes:
        size: (height, width) of what is seen [px].
        corners: Its row and column of the top left pixel in the source image; (B, 2) where all frames of a window are
            seen alike, (B, T, 2) otherwise. It may leave the image: the nearest pixel of the border is repeated there.
    """

    size: tuple[int, int]
    corners: np.ndarray


def crop_size(height: int, width: int, share: float) -> tuple[int, int]:
    """(height, width) of a crop that keeps this share of both sides, at least one pixel of each.

    Raises:
        ValueError: when `share` is not in (0, 1].
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"the share of an image that a crop keeps must be above 0 and at most 1, got {share}")
    return max(1, round(height * share)), max(1, round(width * share))


def copy_view(frames: np.ndarray, out: np.ndarray, top: int, left: int) -> None:
    """Copy what is seen through a rectangle: ``out[:, y, x]`` is the pixel of `frames` nearest to (top + y, left + x).

    Args:
        frames: (T, height, width, channels), or T = 1 for one frame in every place of `out`.
        out: (T, rows, columns, channels) to write to; rows and columns are the size of the rectangle.
        top: First row of the rectangle in the source.
        left: First column of it.

    Raises:
        ValueError: when the rectangle does not touch the image.
    """
    height, width = frames.shape[1:3]
    rows, columns = out.shape[1:3]
    y0, y1 = max(0, -top), min(rows, height - top)
    x0, x1 = max(0, -left), min(columns, width - left)
    if y0 >= y1 or x0 >= x1:
        raise ValueError(f"a view of {rows}x{columns} pixels from ({top}, {left}) misses the image, {height}x{width}")
    out[:, y0:y1, x0:x1] = frames[:, top + y0 : top + y1, left + x0 : left + x1]
    if x0 > 0:
        out[:, y0:y1, :x0] = out[:, y0:y1, x0 : x0 + 1]
    if x1 < columns:
        out[:, y0:y1, x1:] = out[:, y0:y1, x1 - 1 : x1]
    if y0 > 0:
        out[:, :y0] = out[:, y0 : y0 + 1]
    if y1 < rows:
        out[:, y1:] = out[:, y1 - 1 : y1]
