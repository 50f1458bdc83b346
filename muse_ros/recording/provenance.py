"""What made a recording: versions of Muse, Python and ROS, and the commit of a checkout. Imports no ROS."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path


def software() -> dict[str, str | None]:
    """Versions of what runs, None where one cannot be told."""
    return {
        "muse": _version("muse"),
        "python": platform.python_version(),
        "ros_distro": os.environ.get("ROS_DISTRO"),
        "rclpy": _version("rclpy") or _version("ros-rclpy"),
        "rmw": os.environ.get("RMW_IMPLEMENTATION"),
        "git_commit": git_commit(),
    }


def git_commit() -> str | None:
    """Commit of the checkout that this module lies in, with ``+changes`` where it differs; None outside of one."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return None
    return f"{commit}+changes" if _git("status", "--porcelain", "--untracked-files=no") else commit


def _git(*arguments: str) -> str:
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10.0, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
