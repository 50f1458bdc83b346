"""Which processors may be used: how many CPUs, and which device for torch. Importing this does not import torch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from muse_core.configs import ConfigError

if TYPE_CHECKING:
    import torch

_CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
_CGROUP_V1 = Path("/sys/fs/cgroup/cpu")


def usable_processors() -> int:
    """CPUs, at least 1. Under ``docker --cpus 2`` every core is visible, but more than two threads only wait."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(_CGROUP_V2, _CGROUP_V1)
    return cores if quota is None else max(1, min(cores, round(quota)))


def choose_device(name: str) -> torch.device:
    """The device of that name; ``auto`` is a GPU where there is one.

    Raises:
        ConfigError: when it cannot be used here.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"device {name!r} cannot be used here: {error}; use cpu or auto") from error
    return device


def _quota(v2: Path, v1: Path) -> float | None:
    """Processors' worth of time that the container has; None where it is not limited."""
    try:
        if v2.is_file():
            quota, period = v2.read_text(encoding="ascii").split()
        else:
            quota, period = ((v1 / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period"))
        return None if quota == "max" or int(quota) <= 0 else int(quota) / int(period)
    except (OSError, ValueError):
        return None
