"""From what a camera gives to the JPEG that is published: cut, turned, mirrored, encoded; or passed on as it is.

Also whether a camera's own JPEG is a whole one. Imports no ROS.
"""

from __future__ import annotations

import cv2
import numpy as np

from muse_core.images import ImageError, checked_crop, encode_jpeg, image_size
from muse_ros.cameras.settings import CameraSettingError, CameraSettings

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_FLIPS = {"horizontal": 1, "vertical": 0}
_JPEG_END = b"\xff\xd9"
_JPEG_SCAN = b"\xff\xda"
_HUFFMAN_TABLES = b"\xff\xc4"


def published_size(settings: CameraSettings, source: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of the published pictures [px].

    Args:
        settings: The camera.
        source: (height, width) of its own pictures.

    Raises:
        CameraSettingError: where the crop leaves the picture.
    """
    try:
        _, _, height, width = checked_crop(source, settings.crop if any(settings.crop) else None)
    except ImageError as error:
        raise CameraSettingError(f"crop: {error}") from error
    return (width, height) if settings.rotate in (90, 270) else (height, width)


def reshape(settings: CameraSettings, picture: np.ndarray) -> np.ndarray:
    """Cut, then turn, then mirror.

    Args:
        settings: The camera.
        picture: (H, W) or (H, W, 3) uint8.
    """
    if any(settings.crop):
        top, left, height, width = settings.crop
        picture = picture[top : top + height, left : left + width]
    if settings.rotate in _TURNS:
        picture = cv2.rotate(picture, _TURNS[settings.rotate])
    if settings.flip in _FLIPS:
        picture = cv2.flip(picture, _FLIPS[settings.flip])
    return picture


def to_jpeg(settings: CameraSettings, picture: np.ndarray | bytes) -> bytes:
    """The JPEG to publish.

    Args:
        settings: The camera.
        picture: BGR or grey uint8, or the camera's own JPEG, which stays as it is.

    Raises:
        CameraSettingError: for pixels that are not 8 bit grey or BGR.
    """
    if isinstance(picture, bytes):
        return picture
    if picture.dtype != np.uint8 or not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] in (1, 3))):
        raise CameraSettingError(
            f"the source gives {picture.dtype} of shape {picture.shape}; pictures are 8 bit grey or colour: "
            "ask for another fourcc, or end the pipeline with `videoconvert ! video/x-raw,format=BGR ! appsink`"
        )
    shaped = reshape(settings, picture)
    grey = shaped.ndim == 2 or shaped.shape[2] == 1
    return encode_jpeg(cv2.cvtColor(shaped, cv2.COLOR_GRAY2RGB if grey else cv2.COLOR_BGR2RGB), settings.jpeg_quality)


def jpeg_within(buffer: np.ndarray, size: tuple[int, int]) -> tuple[bytes, str]:
    """The JPEG in what a device sent: (its bytes, why it cannot be passed on); one of the two is empty.

    Devices pad their pictures, cut them short when the bus is busy, and may leave out the Huffman tables, as Motion
    JPEG allows and JPEG does not.

    Args:
        buffer: The bytes as OpenCV gives them, of any shape.
        size: (height, width) that the device says it sends.

    Raises:
        ImageError: where they are no whole JPEG.
    """
    data = buffer.tobytes()
    data = data[: data.rfind(_JPEG_END) + 2] or data
    found = image_size(data)
    if found != size:
        return b"", f"it is {found[1]}x{found[0]}, the device says {size[1]}x{size[0]}"
    if _HUFFMAN_TABLES not in data[: data.find(_JPEG_SCAN)]:
        return b"", "it has no Huffman tables (Motion JPEG)"
    return data, ""
