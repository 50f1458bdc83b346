"""Free disk space: shown, warned of, and acted on before it is gone. Imports no ROS."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DiskGuard:
    """Watches the disk that a session is written to.

    Attributes:
        folder: The session's folder.
        min_free_gb: With less, no episode starts and a running one is ended [GB].
        warn_free_gb: With less, the operator is warned [GB].
    """

    folder: Path
    min_free_gb: float
    warn_free_gb: float

    def free_gb(self) -> float:
        """Free space now [GB]; 0 where the folder cannot be reached: unplugged, unmounted, deleted."""
        try:
            return shutil.disk_usage(self.folder).free / 1e9
        except OSError:
            return 0.0

    def problem(self, free_gb: float) -> str:
        """Why nothing may be recorded; empty where it may."""
        if not self.folder.is_dir():
            return f"{self.folder} is gone; bring its disk back, or start again with another root_dir"
        if free_gb >= self.min_free_gb:
            return ""
        return f"{free_gb:.2f} GB free in {self.folder}, {self.min_free_gb:g} GB wanted (min_free_gb): make room"

    def warning(self, free_gb: float) -> str:
        """What to tell the operator before it is too late; empty where there is room."""
        if free_gb >= self.warn_free_gb or not self.folder.is_dir():
            return ""
        return (
            f"only {free_gb:.1f} GB free in {self.folder}: recording ends at {self.min_free_gb:g} GB (min_free_gb), "
            "make room"
        )
