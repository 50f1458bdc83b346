"""Images between wire, disk and network: the one encoder and the one decoder.

The converter, the live policy node, the simulator and the report all decode through :func:`decode_image`, so
that the same bytes give the same pixels everywhere. Needs numpy and OpenCV (4.5 or newer); no ROS, no torch.
"""

from __future__ import annotations

import struct

import cv2
import numpy as np

Size = tuple[int, int]  # (height, width) [px]
Crop = tuple[int, int, int, int]  # (top, left, height, width) [px] of the source image

_REDUCED_FLAGS = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    1: cv2.IMREAD_COLOR,
}
_JPEG_START = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
_PNG_START = b"\x89PNG\r\n\x1a\n"


class ImageError(ValueError):
    """Bytes that are no whole image, or a size or crop that does not fit the image; the message says which."""


def encode_jpeg(rgb: np.ndarray, quality: int = 90) -> bytes:
    """JPEG bytes of an RGB image.

    Args:
        rgb: (H, W, 3) uint8.
        quality: 1 to 100.

    Raises:
        ImageError: when `rgb` is no such array or the quality is out of range.
    """
    _check_rgb(rgb)
    if not 1 <= quality <= 100:
        raise ImageError(f"JPEG quality must be 1 to 100, got {quality}")
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    if not done:
        raise ImageError(f"OpenCV could not encode an image of shape {rgb.shape}")
    return data.tobytes()


def decode_image(data: bytes, size: Size | None = None, crop: Crop | None = None) -> np.ndarray:
    """The pixels of a JPEG or PNG, cropped and resized.

    A JPEG that shrinks to a half, a quarter or an eighth (or less) is decoded at that scale, which is cheaper, wherever
    the cropped rectangle falls on whole blocks of that scale. The same arguments always take the same path.

    Args:
        data: The compressed image; any bytes-like object.
        size: (height, width) of the result; None keeps the (cropped) source size.
        crop: (top, left, height, width) in source pixels; None keeps the whole image.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        ImageError: when the bytes are empty, cut short or no image, or when the crop leaves the image.
    """
    data = bytes(data)
    source = image_size(data)
    rectangle = checked_crop(source, crop)
    scale = _decode_scale(data, rectangle, size)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED_FLAGS[scale] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:  # such as a header that claims more pixels than OpenCV reads
        pixels = None
    if pixels is None:
        raise ImageError(f"{len(data)} bytes look like an image of {source[0]}x{source[1]} but do not decode")
    rgb = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    return _cut_and_resize(rgb, tuple(n // scale for n in rectangle), size)


def transform(rgb: np.ndarray, size: Size | None = None, crop: Crop | None = None) -> np.ndarray:
    """Crop and resize raw pixels with the geometry of :func:`decode_image`.

    Args:
        rgb: (H, W, 3) uint8.
        size: (height, width) of the result; None keeps the (cropped) source size.
        crop: (top, left, height, width) in source pixels; None keeps the whole image.

    Raises:
        ImageError: when `rgb` is no such array or the crop leaves it.
    """
    _check_rgb(rgb)
    return _cut_and_resize(rgb, checked_crop(rgb.shape[:2], crop), size)


def image_size(data: bytes) -> Size:
    """(height, width) of a JPEG or PNG, read from its header alone.

    Raises:
        ImageError: when the bytes are empty, cut short, or neither.
    """
    if data.startswith(_PNG_START) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return height, width
    if data.startswith(_JPEG_START):
        if data.rfind(_JPEG_END) < 0:
            raise ImageError(f"the JPEG is cut short: {len(data)} bytes without an end marker")
        return _jpeg_size(data)
    raise ImageError(f"expected a JPEG or PNG, got {len(data)} bytes starting with {data[:8].hex(' ') or 'nothing'}")


def _jpeg_size(data: bytes) -> Size:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte before a marker
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a start of frame, not a table
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return height, width
        else:
            at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    raise ImageError(f"the JPEG of {len(data)} bytes has no frame header")


def _decode_scale(data: bytes, rectangle: Crop, size: Size | None) -> int:
    if size is None or not data.startswith(_JPEG_START):
        return 1
    for scale in (8, 4, 2):
        small_enough = size[0] * scale <= rectangle[2] and size[1] * scale <= rectangle[3]
        if small_enough and all(n % scale == 0 for n in rectangle):
            return scale
    return 1


def checked_crop(source: Size, crop: Crop | None) -> Crop:
    """The rectangle that `crop` cuts out of an image of size `source`; the whole image where it is None.

    Raises:
        ImageError: when it leaves the image.
    """
    if crop is None:
        return 0, 0, int(source[0]), int(source[1])
    top, left, height, width = (int(n) for n in crop)
    inside = top >= 0 and left >= 0 and top + height <= source[0] and left + width <= source[1]
    if not inside or height < 1 or width < 1:
        raise ImageError(
            f"crop (top, left, height, width) = {tuple(crop)} does not lie inside an image of "
            f"{source[0]}x{source[1]} (height x width)"
        )
    return top, left, height, width


def _cut_and_resize(rgb: np.ndarray, rectangle: Crop, size: Size | None) -> np.ndarray:
    top, left, height, width = rectangle
    cut = rgb[top : top + height, left : left + width]
    if size is None or tuple(size) == (height, width):
        return np.ascontiguousarray(cut)
    shrinks = size[0] <= height and size[1] <= width
    return cv2.resize(cut, (size[1], size[0]), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _check_rgb(rgb: np.ndarray) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ImageError(f"expected an RGB image (H, W, 3) of uint8, got {rgb.shape} of {rgb.dtype}")
