"""Whether this machine can show a window, told from the environment alone: no toolkit is imported."""

from __future__ import annotations

import sys
from collections.abc import Mapping


def display_named(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether there is a display to try: elsewhere than on Linux always, there where a variable names one."""
    return not platform.startswith("linux") or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
