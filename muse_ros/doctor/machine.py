"""Reads facts of this computer: files, programs, packages, clocks. Every check is given one; tests bring facts by hand.

Nothing here decides anything, and nothing raises where a fact cannot be had.
"""

from __future__ import annotations

import glob
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

BLOCK = 1 << 20


class Machine:
    """This computer."""

    environment: Mapping[str, str] = os.environ
    python = sys.executable

    def read(self, path: str) -> str | None:
        """A text file without the white space around it; None where it cannot be read."""
        try:
            return Path(path).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None

    def paths(self, pattern: str) -> list[str]:
        """The files that match a pattern, in order."""
        return sorted(glob.glob(pattern))

    def may(self, path: str, write: bool = False) -> bool:
        """Whether this user may read (and write) a file."""
        return os.access(path, os.R_OK | (os.W_OK if write else 0))

    def run(self, command: Sequence[str], timeout_s: float = 10.0) -> tuple[int, str]:
        """Run a program: (exit code, what it said); -1 where it is not there or takes too long."""
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL, errors="replace"
            )
        except FileNotFoundError:
            return -1, f"{command[0]} is not installed"
        except (OSError, subprocess.TimeoutExpired) as error:
            return -1, str(error)
        return done.returncode, (done.stdout or done.stderr).strip()

    def has_package(self, name: str) -> bool:
        """Whether a Python package can be imported, without importing it."""
        try:
            return find_spec(name) is not None
        except (ImportError, ValueError):
            return False

    def version(self, distribution: str) -> str:
        """The version of an installed distribution; empty where there is none."""
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            return ""

    def free_bytes(self, folder: str) -> int:
        """Free space where `folder` is, or will be."""
        return shutil.disk_usage(self.existing(folder)).free

    def existing(self, folder: str) -> str:
        """`folder`, or the nearest folder above it that exists."""
        path = Path(folder).expanduser().absolute()
        return str(next(each for each in (path, *path.parents) if each.is_dir()))

    def write_rate(self, folder: str, size: int) -> float:
        """How fast `size` bytes reach the disk in `folder`, flushed [bytes/s].

        Raises:
            OSError: where nothing can be written there.
        """
        block = os.urandom(BLOCK)
        path = Path(self.existing(folder)) / f".muse_doctor_{os.getpid()}"
        try:
            with path.open("wb") as file:
                began_s = time.monotonic()
                for _ in range(max(1, size // BLOCK)):
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
                return file.tell() / max(1e-6, time.monotonic() - began_s)
        finally:
            path.unlink(missing_ok=True)

    def clock_pairs(self, seconds: float, count: int = 11) -> list[tuple[int, int]]:
        """(system clock [ns], steady clock [ns]), `count` times over so many seconds."""
        pairs = []
        for number in range(count):
            if number:
                time.sleep(seconds / (count - 1))
            pairs.append((time.time_ns(), time.monotonic_ns()))
        return pairs

    def limit(self, name: str) -> int:
        """The soft resource limit of this process, such as ``RTPRIO``; -1: none."""
        return resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0]

    def kernel(self) -> str:
        """Release and version of the kernel."""
        names = os.uname()
        return f"{names.release} {names.version}"

    def opencv(self) -> tuple[str, str]:
        """(version, build information) of OpenCV; two empty texts where it cannot be imported."""
        try:
            import cv2
        except ImportError:
            return "", ""
        return cv2.__version__, cv2.getBuildInformation()
