"""What can be set about one camera: one table for the node's parameters, the file of cameras and the capture itself.

Pure values with their checks. Imports neither ROS nor OpenCV, so that a launch file can read cameras anywhere.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

Value = bool | int | float | str | list[int]
ROTATIONS = (0, 90, 180, 270)
FLIPS = ("none", "horizontal", "vertical")
_FOURCC = re.compile(r"[A-Z0-9 ]{4}|")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class CameraError(RuntimeError):
    """A camera gives no pictures now; trying again may help. The message says why and what to do."""


class CameraSettingError(CameraError, ValueError):
    """What is asked of a camera cannot be had, and trying again does not help; the message names both and the cure."""


@dataclass(frozen=True)
class Parameter:
    """One thing that can be set.

    Attributes:
        name: Its name, of the node's parameter and in files.
        default: Its value where none is given; it also sets the type.
        description: What it is, with its unit.
        limits: Smallest and largest legal number.
        choices: Legal values; any where empty.
    """

    name: str
    default: Value
    description: str
    limits: tuple[float, float] | None = None
    choices: tuple[str | int, ...] = ()


PARAMETERS = (
    Parameter("name", "front", "name of the camera: in its topics and its frame"),
    Parameter(
        "source",
        "",
        "/dev/v4l/by-id/... (stays the same when replugged), /dev/video0, a video file, or a GStreamer pipeline",
    ),
    Parameter("width", 0, "of the source's picture [px]; 0: what the source gives", (0, 7680)),
    Parameter("height", 0, "of the source's picture [px]; 0: what the source gives", (0, 4320)),
    Parameter("rate_hz", 0.0, "pictures per second [Hz]; 0: what the source gives", (0.0, 1000.0)),
    Parameter("fourcc", "", "pixel format asked of a device, such as MJPG or YUYV; empty: the device's own choice"),
    Parameter("loop", True, "a video file begins again at its end; false: it is played once"),
    Parameter("rotate", 0, "turn the picture clockwise [degrees]", choices=ROTATIONS),
    Parameter("flip", "none", "mirror the picture, after turning it", choices=FLIPS),
    Parameter("crop", [0, 0, 0, 0], "top, left, height, width cut out first [px of the source]; all 0: nothing"),
    Parameter("jpeg_quality", 90, "of the published pictures", (1, 100)),
    Parameter("passthrough", True, "publish the JPEG that the camera itself made, where that can be had"),
    Parameter("calibration_file", "", "YAML of camera_calibration, made from the published pictures; empty: none"),
    Parameter("auto_exposure", False, "false: exposure is locked, at `exposure` or at what the camera had found"),
    Parameter("exposure", 0, "exposure time of a device [0.1 ms]; 0: what it has found when it locks", (0, 100000)),
    Parameter("gain", -1, "gain [device's unit]; -1: left alone", (-1, 100000)),
    Parameter("auto_white_balance", False, "false: white balance is locked, as the exposure is"),
    Parameter("white_balance", 0, "colour temperature [K]; 0: what the device has found when it locks", (0, 20000)),
    Parameter("auto_focus", False, "false: the focus stays where it is"),
    Parameter("focus", -1, "focus [device's unit]; -1: left alone", (-1, 100000)),
    Parameter("lock_after_s", 1.0, "automatic exposure and white balance settle for this long first [s]", (0.0, 30.0)),
    Parameter("timeout_s", 1.0, "without a picture for this long the camera counts as lost [s]", (0.05, 60.0)),
    Parameter("retry_max_s", 2.0, "longest wait between two tries to open a lost camera [s]", (0.05, 60.0)),
    Parameter("frozen_s", 2.0, "identical pictures for this long are an alarm [s]; 0: never", (0.0, 3600.0)),
    Parameter("stop_when_frozen", True, "publish no picture of a frozen camera, so that it counts as stale"),
)
BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}


@dataclass(frozen=True)
class CameraSettings:
    """One camera's settings, checked. :data:`PARAMETERS` says what each is."""

    name: str
    source: str
    width: int
    height: int
    rate_hz: float
    fourcc: str
    loop: bool
    rotate: int
    flip: str
    crop: tuple[int, int, int, int]
    jpeg_quality: int
    passthrough: bool
    calibration_file: str
    auto_exposure: bool
    exposure: int
    gain: int
    auto_white_balance: bool
    white_balance: int
    auto_focus: bool
    focus: int
    lock_after_s: float
    timeout_s: float
    retry_max_s: float
    frozen_s: float
    stop_when_frozen: bool

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> CameraSettings:
        """From some parameters; the others have their defaults.

        Raises:
            CameraSettingError: naming the parameter, what was found and what is legal.
        """
        unknown = [name for name in given if name not in BY_NAME]
        if unknown:
            raise CameraSettingError(f"no parameter {unknown[0]!r}{_suggest(str(unknown[0]))}")
        values = {each.name: checked(each, given.get(each.name, each.default)) for each in PARAMETERS}
        values["crop"] = tuple(values["crop"])
        settings = cls(**values)
        settings._check()
        return settings

    def _check(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise CameraSettingError(f"name: small letters, digits and underscores, such as front; got {self.name!r}")
        if not self.source:
            raise CameraSettingError(
                "source must be given: a device such as /dev/v4l/by-id/usb-..., a video file, or a GStreamer pipeline"
            )
        if not _FOURCC.fullmatch(self.fourcc):
            raise CameraSettingError(f"fourcc: four capitals such as MJPG, or empty; got {self.fourcc!r}")
        if bool(self.width) != bool(self.height):
            raise CameraSettingError(f"width and height: give both or neither; got {self.width} and {self.height}")
        if any(self.crop) and (min(self.crop) < 0 or min(self.crop[2:]) < 1):
            raise CameraSettingError(f"crop: top, left, height, width in pixels; got {list(self.crop)}")

    @property
    def reshapes(self) -> bool:
        """Whether the published picture is not the source's as it comes."""
        return self.rotate != 0 or self.flip != "none" or any(self.crop)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {f.name: list(v) if isinstance(v := getattr(self, f.name), tuple) else v for f in fields(self)}


def checked(parameter: Parameter, value: Any) -> Any:
    """`value` as the type of the parameter, where it is one of its legal values.

    Raises:
        CameraSettingError: naming the parameter, what was found and what is legal.
    """
    kind = type(parameter.default)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    elif kind is str and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # `source: 0` is what one types
    elif isinstance(value, (tuple, list)):
        value = [int(n) if isinstance(n, int) and not isinstance(n, bool) else None for n in value]
    fits = type(value) is kind
    if kind is list:
        fits = fits and len(value) == 4 and None not in value
    if parameter.limits is not None and fits:
        fits = math.isfinite(value) and parameter.limits[0] <= value <= parameter.limits[1]
    if parameter.choices:
        fits = fits and value in parameter.choices
    if not fits:
        raise CameraSettingError(f"{parameter.name}: must be {_legal(parameter)}; got {value!r}")
    return value


def _legal(parameter: Parameter) -> str:
    if parameter.choices:
        return f"one of {', '.join(map(str, parameter.choices))}"
    if parameter.limits is not None:
        whole = "a whole number" if isinstance(parameter.default, int) else "a number"
        return f"{whole} from {parameter.limits[0]:g} to {parameter.limits[1]:g}"
    return {bool: "true or false", str: "a text", list: "four whole numbers"}[type(parameter.default)]


def _suggest(name: str) -> str:
    close = difflib.get_close_matches(name, BY_NAME, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(BY_NAME)}"
