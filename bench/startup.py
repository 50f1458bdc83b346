"""How long a start takes: `import muse_core` and `muse --help`, as whole processes, files in the page cache.

    python bench/startup.py [--rounds 15]

Beside them, in turn: an empty Python and `import torch`, which neither may need. Prints seconds of wall time; writes
``bench/results/startup.json``. The interpreter's own start-up files count too: `python -c pass` shows them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import timing

ROOT = Path(__file__).resolve().parents[1]
IMPORT = "import muse_core"
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    f"python -c '{IMPORT}'": ["-c", IMPORT],
    "muse --help": ["-m", "muse_ros.command", "--help"],
    "muse train --help": ["-m", "muse_ros.command", "train", "--help"],
    "muse eval --help": ["-m", "muse_ros.command", "eval", "--help"],
    "python -c 'import torch'": ["-c", "import torch"],
}
BARS_S = {f"python -c '{IMPORT}'": 0.3, "muse --help": 0.5}
HEAVY = ("torch", "cv2", "mujoco", "rclpy", "matplotlib")


def start(arguments: list[str]) -> Callable[[], None]:
    """A call that runs Python with these arguments to its end."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}

    def run() -> None:
        subprocess.run([sys.executable, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL, cwd=ROOT)

    return run


def imported(arguments: list[str]) -> list[str]:
    """Which of the heavy packages a command imports."""
    command = [sys.executable, "-X", "importtime", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    log = subprocess.run(command, check=True, env=environment, capture_output=True, text=True, cwd=ROOT).stderr
    names = {line.rpartition("|")[2].strip() for line in log.splitlines()}
    return [name for name in HEAVY if name in names]


def main() -> int:
    parser = timing.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--commands", nargs="+", choices=list(COMMANDS), default=list(COMMANDS), metavar="COMMAND")
    arguments = parser.parse_args()
    begun = timing.machine()
    seconds = timing.interleave({name: start(COMMANDS[name]) for name in arguments.commands}, arguments.rounds)
    found = {name: timing.spread(taken) for name, taken in seconds.items()}
    heavy = {name: imported(COMMANDS[name]) for name in found if name not in ("python -c pass", list(COMMANDS)[-1])}
    timing.table(
        [("seconds", "min", "median", "max", "of the heavy packages")]
        + [(name, *s.values(), ", ".join(heavy.get(name, [])) or "-") for name, s in found.items()]
    )
    bars = [
        timing.bar(name, found[name]["median"], limit, at_most=True) for name, limit in BARS_S.items() if name in found
    ]
    figures = {"seconds": found, "heavy_imports": heavy, "bars": bars}
    timing.write(arguments.results / "startup.json", figures, ("numpy", "torch", "tyro"), begun)
    return 0


if __name__ == "__main__":
    sys.exit(main())
