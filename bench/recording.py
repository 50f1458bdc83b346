"""What the recorder costs and loses: 2 cameras of 640x480 JPEG at 30 Hz, 1 kHz joint states, a 100 Hz pose.

Two processes publish numbered messages, the collect node records them as it always does, and the numbers are counted in
the bag afterwards. The drain's own share of the cost is measured beside it: the same node while it waits, when all is
taken and nothing written. Where rosbag2 is installed, ``ros2 bag record`` then records the same sources, for as long as
a minute. Run: ``python bench/recording.py --seconds 300``. Needs rclpy; starts its own nodes in a domain of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import timing
from collecting import (
    JOINTS,
    JPEG,
    PACKAGES,
    POSE,
    Collect,
    Source,
    count,
    cpu_s,
    operating,
    publish_until_signalled,
    publishing,
)

SOURCES = (
    Source("cameras/front/image/compressed", JPEG, 30.0, 90_000),
    Source("cameras/wrist/image/compressed", JPEG, 30.0, 90_000),
    Source("panda/joint_states", JOINTS, 1000.0),
    Source("panda/ee_pose", POSE, 100.0),
)
PROCESSES = {"cameras": SOURCES[:2], "arm": SOURCES[2:]}
TARGET_CORE = 0.25
WAITING_S = 10.0
PLAIN_SECONDS, PLAIN_START_S, PLAIN_BEGUN_BYTES = 60.0, 30.0, 1_000_000


def share(pid: int, seconds: float) -> float:
    """Share of one core that a process uses over the next `seconds`."""
    before_s, began_s = cpu_s(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_s(pid) - before_s) / (time.monotonic() - began_s)


def record(folder: Path, seconds: float) -> dict[str, float]:
    """Run the collect node beside the sources for one episode; answers its shares of a core, and its memory."""
    with operating() as node, contextlib.closing(Collect(folder, SOURCES, node)) as collect:
        collect.ask("start")
        collect.ask("discard")
        waiting = share(collect.process.pid, WAITING_S)
        collect.ask("start")
        recording = share(collect.process.pid, seconds)
        memory_mb = collect.memory_mb("VmHWM")
        collect.ask("stop")
        collect.ask("keep", deadline_s=120.0)
    return {"core": recording, "core_of_the_drain": waiting, "peak_memory_mb": memory_mb}


def record_plainly(folder: Path, seconds: float) -> dict | None:
    """``ros2 bag record`` beside the sources: its share of a core and what it missed; None where there is none."""
    if shutil.which("ros2") is None or find_spec("rosbag2_py") is None:
        return None
    topics = [source.topic for source in SOURCES]
    options = ["--storage", "mcap", "--output", str(folder)]
    recorder = subprocess.Popen(["ros2", "bag", "record", *options, *(f"/{topic}" for topic in topics)])
    try:
        end_s = time.monotonic() + PLAIN_START_S
        while not any(path.stat().st_size > PLAIN_BEGUN_BYTES for path in folder.glob("*.mcap")):
            if recorder.poll() is not None or time.monotonic() > end_s:
                raise SystemExit("ros2 bag record did not begin; see what it printed")
            time.sleep(0.1)
        core = share(recorder.pid, min(seconds, PLAIN_SECONDS))
    finally:
        recorder.send_signal(signal.SIGINT)
        recorder.wait(timeout=60)
    figures = count(folder, topics)
    return {"core": core, "missing": sum(each["missing"] for each in figures.values()), "topics": figures}


def measure(seconds: float) -> dict:
    """One run: sources, recorder, count."""
    with tempfile.TemporaryDirectory() as folder:
        with publishing(__file__, *PROCESSES):
            cost = record(Path(folder), seconds)
            plain = record_plainly(Path(folder) / "plain", seconds)
        episode = Path(folder) / "bench" / "episode_0001"
        topics = count(episode, [source.topic for source in SOURCES])
        told = json.loads((episode / "episode.json").read_text())
    return {
        "seconds": seconds,
        "recorder": cost,
        "target_core": TARGET_CORE,
        "topics": topics,
        "missing": sum(figures["missing"] for figures in topics.values()),
        "lost_by_its_own_count": told["messages_lost"],
        "degraded": told["degraded_because"],
        "ros2_bag_record": plain,
    }


def main() -> int:
    """Measure, print a table, write ``bench/results/recording.json``; exit code 1 where a target is missed."""
    parser = timing.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="length of the recorded episode [s]")
    parser.add_argument("--publish", choices=PROCESSES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.publish:
        return publish_until_signalled(PROCESSES[given.publish])
    begun = timing.machine()
    result = measure(given.seconds)
    print(f"\n{'topic':40s} {'recorded':>9s} {'missing':>8s} {'doubled':>8s}")
    for topic, figures in result["topics"].items():
        print(f"{topic:40s} {figures['recorded']:9d} {figures['missing']:8d} {figures['doubled']:8d}")
    cost = result["recorder"]
    print(f"recorder: {100 * cost['core']:.1f} % of a core, {cost['peak_memory_mb']:.0f} MB at most")
    print(f"of these to take the messages and watch them, without writing: {100 * cost['core_of_the_drain']:.1f} %")
    print(f"lost by its own count: {result['lost_by_its_own_count']}")
    plain = result["ros2_bag_record"]
    print(
        f"ros2 bag record: {100 * plain['core']:.1f} % of a core, {plain['missing']} missing"
        if plain
        else "ros2 bag record: not installed here"
    )
    timing.write(given.results / "recording.json", result, PACKAGES, begun)
    return 0 if not result["missing"] and cost["core"] < TARGET_CORE else 1


if __name__ == "__main__":
    raise SystemExit(main())
