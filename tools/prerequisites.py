"""Finds out what the machine lacks before anything is installed, and which Debian/Ubuntu package brings it.

Standard library only; parses on Pythons too old for Muse.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import sys
import sysconfig

PYTHONS = ((3, 10), (3, 12))  # oldest and newest Python that Muse is made for
_NOT_IN_PATHS = "\n\"#$&'*:;<>?\\`|"  # what a shell, CMake or a list of folders reads as something else


def find_missing() -> dict[str, str]:
    """What is missing on this machine: apt package -> what it is needed for. Empty when all is there."""
    missing = {}
    if not (shutil.which("g++") or shutil.which("c++")):
        missing["g++"] = "the C++ compiler builds the ROS messages"
    if not shutil.which("make"):
        missing["make"] = "cmake builds the ROS messages with it"
    system_python = "python3" if sys.executable.startswith("/usr/bin") else f"python3.{sys.version_info[1]}"
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        missing[f"{system_python}-venv"] = "this Python cannot make virtual environments"
    if not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
        missing[f"{system_python}-dev"] = "the ROS messages are built against Python.h"
    for library, package in (
        ("libEGL.so.1", "libegl1"),
        ("libOpenGL.so.0", "libopengl0"),
        ("libGL.so.1", "libgl1"),
    ):
        if not _loads(library):
            missing[package] = f"the simulator renders without a screen through {library}"
    if any(package.startswith("lib") for package in missing):
        missing["libgl1-mesa-dri"] = "it holds the software renderer"
    return missing


def explain(missing: dict[str, str]) -> str:
    """The message for a person: what is missing, why, and the one command that installs it."""
    width = max(len(package) for package in missing)
    reasons = "\n".join(f"  {package:<{width}}  {reason}" for package, reason in missing.items())
    sudo = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "
    return f"Missing on this machine:\n{reasons}\nInstall it with:\n  {sudo}apt-get install -y {' '.join(missing)}"


def explain_python(version: tuple[int, int]) -> str | None:
    """Why Muse cannot be set up on this version of Python, or None where it can."""
    if PYTHONS[0] <= version <= PYTHONS[1]:
        return None
    names = [f"python3.{minor}" for minor in range(PYTHONS[1][1], PYTHONS[0][1] - 1, -1)]
    fitting = next((name for name in names if shutil.which(name)), None)
    return (
        f"Muse runs on {names[-1]} to {names[0]}; {sys.executable} is Python {version[0]}.{version[1]}.\n"
        + ("" if fitting else f"Install {names[0]}. ")
        + f"Then name it, as in: make PYTHON={fitting or names[0]} test"
    )


def explain_path(folder: str) -> str | None:
    """Why Muse cannot be set up in a folder of this name, or None where it can."""
    bad = sorted({character for character in folder if not character.isascii() or character in _NOT_IN_PATHS})
    if not bad:
        return None
    return f"ROS cannot be built in a path with {' '.join(bad)} in it: {folder}\nMove this checkout, then try again."


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
