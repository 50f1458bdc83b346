"""Opens a camera through OpenCV and checks what it gives against what was asked for: device, pipeline or video file.

Properties are set and read as OpenCV's V4L2 backend knows them: in the device's own units, ``-1`` where a device has
none. Imports no ROS.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from muse_ros.cameras.film import Film
from muse_ros.cameras.opencv_build import build_has
from muse_ros.cameras.settings import CameraError, CameraSettingError, CameraSettings
from muse_ros.cameras.source_kind import DEVICE, FILE, GSTREAMER, device_path, kind_of, stable_name

BY_ID, BY_PATH = "/dev/v4l/by-id", "/dev/v4l/by-path"
RATE_TOLERANCE = 0.05  # of the rate asked for: 29.97 is 30


class Capture(Protocol):
    """What is used of ``cv2.VideoCapture``."""

    def isOpened(self) -> bool:
        """Whether there is a camera behind it."""

    def grab(self) -> bool:
        """Wait for the next picture; False where none came."""

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        """The picture grabbed last, decoded: BGR, or as the device sent it."""

    def get(self, prop: int) -> float:
        """A property; -1 or 0 where there is none."""

    def set(self, prop: int, value: float) -> bool:
        """Set a property; whether that was accepted."""

    def release(self) -> None:
        """Let go of the camera."""


MakeCapture = Callable[[Any, int], Capture]


@dataclass
class OpenCamera:
    """A camera that was opened.

    Attributes:
        capture: What pictures come from.
        kind: ``device``, ``file`` or ``gstreamer``.
        size: (height, width) of its pictures [px].
        rate_hz: Pictures per second by its own account [Hz]; 0 where it does not say.
        fourcc: Pixel format by its own account; empty where it does not say.
        sends_jpeg: It was asked for its own JPEGs, undecoded.
        warnings: What differs from what was asked for, a sentence each.
    """

    capture: Capture
    kind: str
    size: tuple[int, int]
    rate_hz: float
    fourcc: str
    sends_jpeg: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether it is a film that has been played to its end."""
        return isinstance(self.capture, Film) and self.capture.ended

    def decode_from_now_on(self, reason: str) -> None:
        """Have OpenCV decode: the camera's own JPEGs cannot be passed on."""
        self.sends_jpeg = False
        self.capture.set(cv2.CAP_PROP_CONVERT_RGB, 1)
        self.warnings.append(f"the camera's own JPEG is not passed on, but decoded and encoded anew: {reason}")


def device_links(folders: tuple[str, ...] = (BY_ID, BY_PATH)) -> dict[str, str]:
    """Lasting names of the video devices here, and the file that each leads to now."""
    links = [link for folder in folders if Path(folder).is_dir() for link in sorted(Path(folder).iterdir())]
    return {str(link): str(link.resolve()) for link in links}


def unreachable(path: str) -> str:
    """Why a device or a file cannot be opened, and what to do; empty where it can."""
    if not os.path.exists(path):
        there = sorted({*device_links(), *map(str, Path("/dev").glob("video*"))}) if path.startswith("/dev/") else []
        return f"{path} is not there" + (
            f"; cameras here: {', '.join(there) or 'none'}" if path.startswith("/dev/") else ""
        )
    if not os.access(path, os.R_OK):
        return f"{path} may not be opened by this user: sudo usermod -aG video $USER, then log in anew"
    return ""


@dataclass(frozen=True)
class Surroundings:
    """What opening a camera needs of this machine; tests bring their own.

    Attributes:
        make_capture: Opens a source with one of OpenCV's backends.
        unreachable: Why a path cannot be opened; empty where it can.
        links: Lasting names of the video devices, and where they lead.
        build_information: What OpenCV says of its build.
    """

    make_capture: MakeCapture = cv2.VideoCapture
    unreachable: Callable[[str], str] = unreachable
    links: Callable[[], Mapping[str, str]] = device_links
    build_information: Callable[[], str] = cv2.getBuildInformation


def open_camera(settings: CameraSettings, here: Surroundings | None = None) -> OpenCamera:
    """Open what ``source`` names and set what was asked for.

    Args:
        settings: The camera.
        here: The machine; this one where it is None.

    Raises:
        CameraError: where it is not there, or not free.
        CameraSettingError: where it cannot do what was asked for; the message names both and the cure.
    """
    here = here or Surroundings()
    kind = kind_of(settings.source)
    if kind == FILE:
        return _checked(settings, _open_film(settings, here), kind)
    if kind == GSTREAMER:
        camera = _checked(settings, _open_pipeline(settings, here), kind)
        if "drop=" not in settings.source.replace(" ", ""):
            camera.warnings.append("the pipeline may queue old pictures: end it with `appsink drop=true max-buffers=1`")
        return camera
    return _open_device(settings, here)


def _open_film(settings: CameraSettings, here: Surroundings) -> Capture:
    problem = here.unreachable(settings.source)
    if problem:
        raise CameraError(problem)
    film = Film(lambda: here.make_capture(settings.source, cv2.CAP_ANY), settings.loop)
    if not film.isOpened():
        raise CameraError(f"{settings.source} is no video that OpenCV can play")
    return film


def _open_pipeline(settings: CameraSettings, here: Surroundings) -> Capture:
    if not build_has("GStreamer", here.build_information()):
        raise CameraSettingError(
            f"this OpenCV ({cv2.__version__}) was built without GStreamer, as those from PyPI are: take the system's "
            "(apt-get install python3-opencv, in a venv made with --system-site-packages), or name the device instead"
        )
    capture = here.make_capture(settings.source, cv2.CAP_GSTREAMER)
    if not capture.isOpened():
        raise CameraError(f"the pipeline does not start; try: gst-launch-1.0 {settings.source}")
    return capture


def _open_device(settings: CameraSettings, here: Surroundings) -> OpenCamera:
    path = device_path(settings.source)
    problem = here.unreachable(path)
    if problem:
        raise CameraError(problem)
    # Read by OpenCV at its first wait; its own 10 s is how long a silent camera would go unnoticed.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(max(1, math.ceil(settings.timeout_s))))
    capture = here.make_capture(path, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise CameraError(
            f"{path} is there and does not open: another program may have it; `fuser -v {path}` says which"
        )
    if settings.fourcc:  # before the size: what sizes there are depends on it
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*settings.fourcc))
    if settings.width:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
    if settings.rate_hz:
        capture.set(cv2.CAP_PROP_FPS, settings.rate_hz)
    camera = _checked(settings, capture, DEVICE)
    lasting = stable_name(settings.source, here.links())
    if lasting:
        camera.warnings.append(f"{path} may be another camera after replugging; {lasting} stays this one")
    if settings.passthrough and camera.fourcc == "MJPG" and not settings.reshapes:
        camera.sends_jpeg = bool(capture.set(cv2.CAP_PROP_CONVERT_RGB, 0))
    return camera


def _checked(settings: CameraSettings, capture: Capture, kind: str) -> OpenCamera:
    """The camera with what it says of itself, compared with what was asked for."""
    size = (round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)), round(capture.get(cv2.CAP_PROP_FRAME_WIDTH)))
    rate_hz = max(0.0, capture.get(cv2.CAP_PROP_FPS))
    camera = OpenCamera(capture, kind, size, rate_hz, fourcc_text(capture.get(cv2.CAP_PROP_FOURCC)))
    wanted = (settings.height, settings.width)
    if settings.width and size != wanted:
        capture.release()
        raise CameraSettingError(
            f"asked for pictures of {settings.width}x{settings.height} (width x height), "
            f"{settings.source} gives {size[1]}x{size[0]}; {_what_it_can(settings, kind)}"
        )
    if settings.rate_hz and rate_hz and abs(rate_hz - settings.rate_hz) > RATE_TOLERANCE * settings.rate_hz:
        camera.warnings.append(f"asked for {settings.rate_hz:g} pictures a second, the source gives {rate_hz:g}")
    if settings.fourcc and camera.fourcc != settings.fourcc:
        camera.warnings.append(f"asked for pixel format {settings.fourcc}, the source gives {camera.fourcc or 'none'}")
    return camera


def _what_it_can(settings: CameraSettings, kind: str) -> str:
    if kind == DEVICE:
        return f"`v4l2-ctl -d {device_path(settings.source)} --list-formats-ext` lists what it can"
    return "leave width and height out to take it as it is"


def fourcc_text(code: float) -> str:
    """A pixel format as text; empty where the number is none."""
    number = int(code)
    letters = bytes((number >> shift) & 0xFF for shift in (0, 8, 16, 24))
    return letters.decode("ascii") if number > 0 and all(32 <= letter < 127 for letter in letters) else ""
