"""Finds the files that Muse ships beside its code: contracts, parameters, message definitions.

In a checkout they lie in the repository's root, in a ROS install under ``share/muse_ros``. Imports no ROS.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def share_folders(package: str) -> list[Path]:
    """The ``share/<package>`` folders of the ROS prefixes in reach, nearest overlay first."""
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p] + [sys.prefix]
    return [folder for prefix in prefixes if (folder := Path(prefix) / "share" / package).is_dir()]


def resource(relative: str) -> Path:
    """A file or folder that Muse ships, such as ``config/robot``.

    Raises:
        FileNotFoundError: listing where it was looked for.
    """
    candidates = [folder / relative for folder in (Path(__file__).resolve().parents[1], *share_folders("muse_ros"))]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    looked = ", ".join(str(candidate) for candidate in candidates)
    raise FileNotFoundError(f"{relative} of Muse is not installed; looked for {looked}")
