"""Raw ``sensor_msgs/Image`` messages as pixels: RGB or one channel, whatever the encoding. Imports no ROS."""

from __future__ import annotations

from typing import Any

import numpy as np

from muse_core.images import transform
from muse_ros.contract.message_fields import DecodeError

# Encoding: (dtype, channels as sent, order of channels that makes RGB).
_ENCODINGS = {
    "rgb8": (np.uint8, 3, (0, 1, 2)),
    "bgr8": (np.uint8, 3, (2, 1, 0)),
    "8UC3": (np.uint8, 3, (2, 1, 0)),
    "rgba8": (np.uint8, 4, (0, 1, 2)),
    "bgra8": (np.uint8, 4, (2, 1, 0)),
    "mono8": (np.uint8, 1, (0,)),
    "8UC1": (np.uint8, 1, (0,)),
    "mono16": (np.uint16, 1, (0,)),
    "16UC1": (np.uint16, 1, (0,)),
}
# OpenCV names a Bayer pattern after its second row and column, ROS after its first.
_BAYER = {"bayer_rggb8": "BG", "bayer_bggr8": "RG", "bayer_gbrg8": "GR", "bayer_grbg8": "GB"}


def pixels(message: Any) -> np.ndarray:
    """The (height, width, channels) pixels: RGB uint8, or one channel of uint8 or uint16.

    Raises:
        DecodeError: naming the encoding and those known, or the sizes that disagree.
    """
    encoding = str(message.encoding)
    bayer = _BAYER.get(encoding)
    if bayer is None and encoding not in _ENCODINGS:
        raise DecodeError(f"encoding {encoding!r}; known are {', '.join((*_ENCODINGS, *_BAYER))}")
    dtype, channels, order = _ENCODINGS["mono8" if bayer else encoding]
    item = np.dtype(dtype).newbyteorder(">" if message.is_bigendian else "<")
    height, width, step = int(message.height), int(message.width), int(message.step)
    data = np.frombuffer(message.data, np.uint8)
    used = width * channels * item.itemsize
    if step < used or data.size < height * step or not height:
        raise DecodeError(f"{data.size} bytes in rows of {step} for {height}x{width} pixels of {encoding}")
    rows = data[: height * step].reshape(height, step)[:, :used]
    image = np.ascontiguousarray(rows).view(item).reshape(height, width, channels).astype(dtype, copy=False)
    if bayer:
        import cv2  # type: ignore[import-untyped]

        return cv2.cvtColor(image, getattr(cv2, f"COLOR_Bayer{bayer}2RGB"))
    return image if order == tuple(range(channels)) else np.ascontiguousarray(image[:, :, order])


def resized(image: np.ndarray, size: tuple[int, int] | None, crop: tuple[int, int, int, int] | None) -> np.ndarray:
    """Crop and resize as compressed images are; 16-bit images (depth) by nearest neighbour, which mixes no surfaces.

    Raises:
        DecodeError: if the crop lies outside the image.
    """
    try:
        if image.dtype == np.uint8:
            if image.shape[2] == 1:
                return transform(np.repeat(image, 3, axis=2), size, crop)[:, :, :1]
            return transform(image, size, crop)
    except ValueError as error:
        raise DecodeError(str(error)) from error
    top, left, height, width = crop or (0, 0, *image.shape[:2])
    cut = image[top : top + height, left : left + width]
    if cut.shape[:2] != (height, width):
        raise DecodeError(f"crop {crop} lies outside the image of {image.shape[0]}x{image.shape[1]} pixels")
    rows, columns = size or (height, width)
    return cut[np.arange(rows) * height // rows][:, np.arange(columns) * width // columns]
