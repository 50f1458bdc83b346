"""A long session of the collect node: a hundred episodes in one process, its memory and its open files along the way.

Every episode is recorded beside running sources, kept, and converted at the end; each must hold messages without holes.
Run: ``python bench/session.py --episodes 100``. Needs rclpy; starts its own nodes in a domain of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import timing
from collecting import (
    JOINTS,
    JPEG,
    PACKAGES,
    POSE,
    ROOT,
    Collect,
    Source,
    count,
    operating,
    publish_until_signalled,
    publishing,
)

SOURCES = (
    Source("cameras/front/image/compressed", JPEG, 30.0, 90_000),
    Source("panda/joint_states", JOINTS, 1000.0),
    Source("panda/ee_pose", POSE, 100.0),
)
EVERY = 10
JOINED_S = 1.0  # on a busy machine the middleware may drop some messages right after it has joined two sides


def record(folder: Path, episodes: int, seconds: float) -> list[dict[str, float]]:
    """Record and keep `episodes` of `seconds` each; answers memory and files before, and after every tenth."""
    samples = []
    with operating() as node, contextlib.closing(Collect(folder, SOURCES, node)) as collect:
        collect.ask("start")
        collect.ask("discard")
        time.sleep(JOINED_S)
        for number in range(episodes):
            collect.ask("start")
            if number % EVERY == 0:
                samples.append({"episodes": number, "memory_mb": collect.memory_mb(), "files": collect.files()})
            time.sleep(seconds)
            collect.ask("success")
            collect.ask("keep")
        collect.ask("start")
        samples.append({"episodes": episodes, "memory_mb": collect.memory_mb(), "files": collect.files()})
        collect.ask("discard")
    return samples


def main() -> int:
    """Record, count, print, write ``bench/results/session.json``; exit code 1 where an episode is not whole."""
    parser = timing.parser(__doc__)
    parser.add_argument("--episodes", type=int, default=100, help="how many")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of each [s]")
    parser.add_argument("--publish", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.publish:
        return publish_until_signalled(SOURCES)
    begun = timing.machine()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with publishing(__file__):
            samples = record(root, given.episodes, given.seconds)
        kept = sorted((root / "bench").glob("episode_????"))
        counts = [count(episode, [source.topic for source in SOURCES]) for episode in kept]
        converted = convert(root / "bench", root / "data")
    result = {
        "episodes": len(kept),
        "empty_streams": sum(figures["recorded"] == 0 for each in counts for figures in each.values()),
        "missing_messages": sum(figures["missing"] for each in counts for figures in each.values()),
        "converted": converted,
        "samples": samples,
    }
    for sample in samples:
        print(f"after {sample['episodes']:4d} episodes: {sample['memory_mb']:6.1f} MB, {sample['files']} files")
    print({name: value for name, value in result.items() if name != "samples"})
    timing.write(given.results / "session.json", result, PACKAGES, begun)
    whole = len(kept) == converted == given.episodes and not result["empty_streams"] + result["missing_messages"]
    return 0 if whole else 1


def convert(session: Path, data: Path) -> int:
    """Convert a session by the contract in its recordings; answers how many episodes the dataset has."""
    command = [sys.executable, "-m", "muse_ros.command", "convert", str(session), "-o", str(data)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return len(list(data.glob("*/episode.json")))


if __name__ == "__main__":
    raise SystemExit(main())
