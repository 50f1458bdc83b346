"""What OpenCV says of its build. Pure text: imports nothing, so that whoever only asks needs no OpenCV."""

from __future__ import annotations


def build_has(feature: str, build_information: str) -> bool:
    """Whether OpenCV was built with a feature of its video input, such as ``GStreamer``.

    Args:
        feature: As `build_information` names it.
        build_information: What ``cv2.getBuildInformation()`` says.
    """
    for line in build_information.splitlines():
        name, separator, value = line.partition(":")
        if separator and name.strip() == feature:
            return value.strip().startswith("YES")
    return False
