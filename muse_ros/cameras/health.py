"""What a camera's capture comes to, for ``diagnostics``: a verdict in words and the figures behind it. No ROS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from muse_ros.cameras.capture_thread import CaptureStatus
from muse_ros.cameras.settings import CameraSettings

NS_PER_S = 1_000_000_000
SLOW = 0.8  # of the camera's own rate: less than this share is a warning


class Level(IntEnum):
    """How bad it is; the numbers are those of DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2


@dataclass(frozen=True)
class Published:
    """What became of the captured pictures.

    Attributes:
        count: Published so far.
        withheld: Not published, because the camera is frozen.
        unstamped: Not published, because the clock stood still or said nothing yet.
        same_for_s: For how long the pictures have been identical [s].
        frozen: They count as frozen.
        encode_ms: What the last picture cost to encode [ms].
        bytes: Size of the last JPEG.
    """

    count: int = 0
    withheld: int = 0
    unstamped: int = 0
    same_for_s: float = 0.0
    frozen: bool = False
    encode_ms: float = 0.0
    bytes: int = 0


@dataclass(frozen=True)
class Health:
    """One line of diagnostics."""

    level: Level
    message: str
    values: dict[str, str]


def judge(
    settings: CameraSettings,
    before: CaptureStatus,
    now: CaptureStatus,
    published: Published,
    rate_published_hz: float,
    elapsed_s: float,
    steady_ns: int,
) -> Health:
    """Judge a camera by what happened since the last time.

    Args:
        settings: The camera.
        before: The capture when it was judged last.
        now: The capture now.
        published: What became of its pictures.
        rate_published_hz: Pictures published per second since then [Hz].
        elapsed_s: Time since then [s].
        steady_ns: The steady clock [ns].
    """
    rate_hz = (now.captured - before.captured) / elapsed_s
    age_s = (steady_ns - now.newest_ns) / NS_PER_S if now.newest_ns else None
    level, message = _verdict(settings, before, now, published, rate_hz, age_s)
    camera = now.camera
    values = {
        "source": settings.source,
        "state": "open" if now.is_open else "ended" if now.ended else "lost" if now.opened else "never opened",
        "picture [px]": f"{camera.size[1]}x{camera.size[0]}" if camera else "none",
        "pixel format": (camera.fourcc or "unknown") if camera else "none",
        "rate captured [Hz]": f"{rate_hz:.1f}",
        "rate published [Hz]": f"{rate_published_hz:.1f}",
        "rate of the source [Hz]": f"{camera.rate_hz:g}" if camera and camera.rate_hz else "unknown",
        "age of the newest [s]": "none" if age_s is None else f"{age_s:.3f}",
        "captured": str(now.captured),
        "published": str(published.count),
        "dropped for a newer one": str(now.dropped),
        "skipped as old": str(now.skipped),
        "broken": str(now.broken),
        "withheld as frozen": str(published.withheld),
        "reopened": str(max(0, now.opened - 1)),
        "identical for [s]": f"{published.same_for_s:.1f}",
        "frozen": str(published.frozen),
        "passes the camera's JPEG on": str(bool(camera and camera.sends_jpeg)),
        "JPEG [bytes]": str(published.bytes),
        "encoding [ms]": f"{published.encode_ms:.2f}",
        "exposure locked": str(now.locked),
    }
    values |= {name: "no such control" if value is None else f"{value:g}" for name, value in now.controls.items()}
    return Health(level, message, values)


def _verdict(
    settings: CameraSettings,
    before: CaptureStatus,
    now: CaptureStatus,
    published: Published,
    rate_hz: float,
    age_s: float | None,
) -> tuple[Level, str]:
    if now.ended:
        return Level.WARN, "the video has been played; loop: true would begin it again"
    if not now.is_open:
        return Level.ERROR, now.problem or "not opened yet"
    if age_s is None or age_s > settings.timeout_s:
        since = "since it was opened" if age_s is None else f"for {age_s:.1f} s"
        return Level.ERROR, f"no picture {since}: unplugged, or its driver stalls"
    if published.frozen:
        acts = "; they are not published" if settings.stop_when_frozen else ""
        return Level.ERROR, (
            f"frozen: identical pictures for {published.same_for_s:.1f} s{acts}. Replug the camera, or take the lens "
            "cap off; where a still picture is right, set frozen_s: 0"
        )
    if now.opened > max(1, before.opened):
        return Level.WARN, f"was lost and has been opened anew ({now.opened - 1} times so far)"
    if now.warnings:
        return Level.WARN, "; ".join(now.warnings)
    if not now.locked:
        return Level.WARN, "exposure and white balance are settling, and are locked in a moment"
    source_hz = now.camera.rate_hz if now.camera else 0.0
    if before.captured and rate_hz < SLOW * source_hz:
        return Level.WARN, (
            f"{rate_hz:.1f} of {source_hz:g} pictures a second: in the dark a long exposure costs rate, and so does a "
            "USB bus shared by cameras; fourcc: MJPG needs less of it"
        )
    return Level.OK, f"{rate_hz:.1f} pictures a second"
