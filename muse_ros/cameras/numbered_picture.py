"""Pictures that carry a number as a bar code, so that whoever gets one can say which it is, also after JPEG.

For tests and benchmarks of whatever handles pictures: a video of these stands in for a camera. Imports no ROS.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

BITS = 16
SIZE = (48, 64)  # (height, width) [px]: four columns of pixels for each bit


def draw(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture of a number: bit by bit from the left, white for 1, and the opposite in the lower half.

    Args:
        number: From 0 to 65535.
        size: (height, width) [px]; each bit takes a sixteenth of the width.

    Returns:
        (H, W, 3) uint8, grey.
    """
    height, width = size
    bits = np.array([number >> (BITS - 1 - place) & 1 for place in range(BITS)], bool)
    row = bits[np.arange(width) * BITS // width]
    rows = np.where(np.arange(height)[:, None] < height // 2, row, ~row)
    return np.repeat(np.where(rows, 230, 25).astype(np.uint8)[:, :, None], 3, axis=2)


def read(picture: np.ndarray) -> int:
    """The number in a picture.

    Raises:
        ValueError: where its two halves do not say the same.
    """
    height, width = picture.shape[:2]
    columns = (np.arange(BITS) * 2 + 1) * width // (2 * BITS)
    rows = picture.reshape(height, width, -1)[[height // 4, height * 3 // 4]][:, columns]
    upper, lower = rows.mean(axis=2) > 127
    if (upper == lower).any():
        raise ValueError(f"no number in this picture of {height}x{width}")
    return sum(int(bit) << (BITS - 1 - place) for place, bit in enumerate(upper))


def write_film(path: str | Path, numbers: Iterable[int], rate_hz: float = 30.0, size: tuple[int, int] = SIZE) -> None:
    """Write a video (Motion JPEG in .avi) of these numbers."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate_hz, (size[1], size[0]))
    if not writer.isOpened():
        raise OSError(f"{path}: this OpenCV cannot write Motion JPEG")
    for number in numbers:
        writer.write(draw(number, size))
    writer.release()
