"""A camera's calibration as ROS's tools write it: YAML of ``camera_calibration_parsers``. Imports no ROS.

The file is what ``ros2 run camera_calibration cameracalibrator`` saves: ``image_width``, ``image_height``,
``camera_matrix``, ``distortion_model``, ``distortion_coefficients``, ``rectification_matrix``, ``projection_matrix``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from muse_ros.cameras.settings import CameraSettingError

_MATRICES = {"camera_matrix": (3, 3), "rectification_matrix": (3, 3), "projection_matrix": (3, 4)}


@dataclass(frozen=True)
class Calibration:
    """What a CameraInfo message holds of a calibration.

    Attributes:
        size: (height, width) of the pictures that it was made from [px].
        model: Distortion model, such as ``plumb_bob``; empty where nothing is calibrated.
        d: Distortion coefficients.
        k: Camera matrix, row by row; zeros mean an uncalibrated camera.
        r: Rectification, row by row.
        p: Projection, row by row.
    """

    size: tuple[int, int]
    model: str = ""
    d: tuple[float, ...] = ()
    k: tuple[float, ...] = (0.0,) * 9
    r: tuple[float, ...] = (0.0,) * 9
    p: tuple[float, ...] = (0.0,) * 12


def read_calibration(path: str | Path) -> Calibration:
    """Read a calibration file.

    Raises:
        CameraSettingError: naming the file, the entry, what was found and what is needed.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CameraSettingError(f"{path}: not readable as a calibration: {error}") from error
    if not isinstance(content, Mapping):
        raise CameraSettingError(f"{path}: a calibration has image_width, camera_matrix, ...; this is no mapping")
    width, height = (_pixels(path, content, name) for name in ("image_width", "image_height"))
    k, r, p = (_matrix(path, content, name, shape) for name, shape in _MATRICES.items())
    if k[0] <= 0.0 or k[4] <= 0.0:
        raise CameraSettingError(f"{path}: camera_matrix: the focal lengths must be > 0, got {k[0]:g} and {k[4]:g}")
    model = content.get("distortion_model", "plumb_bob")  # the file's older form had no other
    return Calibration((height, width), str(model), _matrix(path, content, "distortion_coefficients", None), k, r, p)


def fitting(calibration: Calibration, path: str, size: tuple[int, int]) -> Calibration:
    """The same calibration, where it is of pictures of this (height, width).

    Raises:
        CameraSettingError: naming both sizes, and what to do.
    """
    if calibration.size != size:
        raise CameraSettingError(
            f"{path} is of pictures of {calibration.size[1]}x{calibration.size[0]} (width x height), this camera "
            f"publishes {size[1]}x{size[0]}: set width, height, crop and rotate as they were when it was made, or "
            "calibrate anew with the pictures as they are now"
        )
    return calibration


def _pixels(path: Path, content: Mapping[str, Any], name: str) -> int:
    value = content.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise CameraSettingError(f"{path}: {name}: must be a number of pixels, got {value!r}")
    return value


def _matrix(path: Path, content: Mapping[str, Any], name: str, shape: tuple[int, int] | None) -> tuple[float, ...]:
    """The numbers of a matrix, row by row; of any size where `shape` is None."""
    value = content.get(name)
    data = value.get("data") if isinstance(value, Mapping) else None
    if not isinstance(data, list):
        raise CameraSettingError(f"{path}: {name}: must have rows, cols and data, got {value!r}")
    found = (value.get("rows"), value.get("cols"))
    rows, columns = shape or found
    numbers = [n for n in data if isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n)]
    if (
        found != (rows, columns)
        or len(numbers) != len(data)
        or not isinstance(rows, int)
        or len(data) != rows * columns
    ):
        wanted = f"{shape[0]} x {shape[1]} numbers" if shape else "rows x cols numbers"
        raise CameraSettingError(f"{path}: {name}: must be {wanted}, got {found[0]} x {found[1]} and {data!r}")
    return tuple(float(n) for n in numbers)
