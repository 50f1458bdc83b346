"""Turns one message into one array, as its stream of the contract says. The only place that does.

Called through :mod:`muse_ros.contract.assemble` by the live policy node and by the converter. Messages are duck-typed:
rclpy's and the rosbags package's give the same bytes. Imports no ROS.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from muse_core.geometry import euler_from_quaternion
from muse_core.images import decode_image
from muse_ros.contract.message_fields import DecodeError, field_value
from muse_ros.contract.raw_image import pixels, resized
from muse_ros.contract.stream import COMPRESSED_IMAGE, Stream


def decode(stream: Stream, message: Any, gripper_max_width: float | None = None) -> np.ndarray:
    """The array that `stream` makes of `message`: of the stream's shape and dtype, finite.

    Args:
        stream: What to take from the message.
        message: A message of the stream's type.
        gripper_max_width: The contract's, for the transform ``gripper_closed`` [m].

    Raises:
        DecodeError: naming the stream, the field and what was found.
    """
    try:
        array = _image(stream, message) if stream.is_image else _numbers(stream, message, gripper_max_width)
    except DecodeError as error:
        raise DecodeError(f"{stream.where} from {stream.topic}: {error}") from error
    return array


def _numbers(stream: Stream, message: Any, gripper_max_width: float | None) -> np.ndarray:
    if stream.space is not None and message.action_space != stream.space:
        raise DecodeError(f"action_space is {message.action_space!r}, the contract says {stream.space!r}")
    numbers: list[float] = []
    for path in stream.fields:
        value = field_value(message, path)
        if isinstance(value, (float, int)):
            numbers.append(value)
        else:
            numbers.extend(np.asarray(value, np.float64).ravel())
    values = _transformed(stream.transform, np.array(numbers, np.float64), gripper_max_width)
    if values.size != int(np.prod(stream.shape)):
        raise DecodeError(f"{values.size} values from {', '.join(stream.fields)}, expected shape {list(stream.shape)}")
    if not np.isfinite(values).all():
        raise DecodeError(f"not finite: {values.tolist()}")
    return values.reshape(stream.shape).astype(stream.dtype)


def _transformed(transform: str, values: np.ndarray, gripper_max_width: float | None) -> np.ndarray:
    if transform == "sum":
        return values.sum(keepdims=True)
    if transform == "gripper_closed":
        if gripper_max_width is None:
            raise DecodeError("transform gripper_closed needs the contract's gripper_max_width")
        return np.clip(1.0 - values.sum(keepdims=True) / gripper_max_width, 0.0, 1.0)
    if transform == "euler_xyz":
        if not np.linalg.norm(values) > 0.5:
            raise DecodeError(f"no unit quaternion: {values.tolist()}")
        return np.asarray(euler_from_quaternion(values))
    return values


def _image(stream: Stream, message: Any) -> np.ndarray:
    if stream.type == COMPRESSED_IMAGE:
        try:
            image = decode_image(bytes(message.data), stream.size, stream.crop)
        except ValueError as error:
            raise DecodeError(str(error)) from error
    else:
        image = resized(pixels(message), stream.size, stream.crop)
    if image.ndim == 3 and image.shape[2] == 1 and stream.shape[2] == 3:
        image = np.repeat(image, 3, axis=2)
    if image.shape != stream.shape or image.dtype.name != stream.dtype:
        raise DecodeError(f"image is {image.dtype.name} {image.shape}, expected {stream.dtype} {stream.shape}")
    return np.ascontiguousarray(image)
