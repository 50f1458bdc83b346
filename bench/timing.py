"""What the benchmarks share: contenders timed in turn, a table, and a file of figures. Nothing here is measured."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def interleave(contenders: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Time every contender once a round, the order reversed each round, so that a machine's moods meet all alike.

    Returns:
        Name to the seconds of its counted calls, in order of the rounds: entries of one place belong together.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(-warm_up, rounds):
        for name in names if number % 2 else reversed(names):
            began = time.perf_counter()
            contenders[name]()
            taken = time.perf_counter() - began
            if number >= 0:
                seconds[name].append(taken)
    return seconds


def spread(values: Sequence[float]) -> dict[str, float]:
    """Smallest, middle and largest, to four figures."""
    found = {"min": min(values), "median": statistics.median(values), "max": max(values)}
    return {name: float(f"{value:.4g}") for name, value in found.items()}


def ratios(above: Sequence[float], below: Sequence[float]) -> dict[str, float]:
    """Spread of the ratio, taken round by round."""
    return spread([a / b for a, b in zip(above, below, strict=True)])


def bar(what: str, value: float, limit: float, at_most: bool = False) -> dict[str, Any]:
    """A figure beside what it is to reach, printed and returned."""
    reached = value <= limit if at_most else value >= limit
    sign = "<=" if at_most else ">="
    print(f"{what}: {value:.3g} (to reach: {sign} {limit:g}): {'reached' if reached else 'MISSED'}")
    return {"what": what, "value": float(f"{value:.4g}"), "limit": limit, "at_most": at_most, "reached": reached}


def table(rows: Sequence[Sequence[object]]) -> None:
    """Print rows under the first one: the first column to the left, numbers to the right."""
    cells = [[f"{c:.4g}" if isinstance(c, float) else str(c) for c in row] for row in rows]
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    for row in cells:
        first, *rest = (c.rjust(w) if k else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True)))
        print("  ".join([first, *rest]).rstrip(), flush=True)


def machine() -> dict[str, Any]:
    """What this runs on, and how busy that is with other work."""
    return {
        "processor": _processor(),
        "cores_used": len(os.sched_getaffinity(0)),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of these packages, where they are installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def parser(text: str) -> argparse.ArgumentParser:
    """A command line with this help and the one option that all have."""
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--results", type=Path, default=RESULTS, help="folder for the file of figures [bench/results]")
    return made


def write(path: Path, figures: Mapping[str, Any], packages: Sequence[str], begun: Mapping[str, Any]) -> None:
    """Write a file of figures, command, versions and machine; `begun` is :func:`machine` before."""
    words = [Path(word).name if os.path.isabs(word) else word for word in sys.argv[1:]]  # no place of this machine
    command = ["python", f"bench/{Path(sys.argv[0]).name}", *words]
    result = {
        "command": " ".join(command),
        "date": time.strftime("%Y-%m-%d"),
        "machine": {**begun, "load_average_at_the_end": round(os.getloadavg()[0], 2)},
        "versions": versions(*packages),
        **figures,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"written: {path}")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
