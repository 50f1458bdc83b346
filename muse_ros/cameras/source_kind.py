"""What a camera's ``source`` names: a device, a video file or a GStreamer pipeline. Pure text; no OpenCV, no ROS."""

from __future__ import annotations

from collections.abc import Mapping

DEVICE, FILE, GSTREAMER = "device", "file", "gstreamer"


def kind_of(source: str) -> str:
    """Of which kind a source is: a pipeline has a ``!``, a device is a number or below ``/dev``, else it is a file."""
    if "!" in source:
        return GSTREAMER
    if source.isdecimal() or source.startswith("/dev/"):
        return DEVICE
    return FILE


def device_path(source: str) -> str:
    """The file of a device, such as ``/dev/video0`` for ``0``."""
    return f"/dev/video{int(source)}" if source.isdecimal() else source


def stable_name(source: str, links: Mapping[str, str]) -> str:
    """A name of the same device that stays when it is replugged; empty where there is none or the source is one.

    Args:
        source: A device's source.
        links: Link below ``/dev/v4l/by-id`` (or ``by-path``) to the file that it leads to, preferred ones first.
    """
    path = device_path(source)
    if path in links:
        return ""
    return next((link for link, target in links.items() if target == path), "")
