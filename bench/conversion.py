"""How fast recordings become data: a made-up bag of two 640x480 JPEG cameras, converted by `muse convert`.

The floor beside it is what nobody gets under: reading every message of the bag with the rosbags package and decoding
every frame that a row needs, in one process, keeping nothing. Run: ``python bench/conversion.py --seconds 60``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "test/support")]

import numpy as np  # noqa: E402

RATE_HZ = 30.0
CAMERA_HZ = 30.0
SIZES = {"128x128": [128, 128], "240x320": [240, 320]}
TARGET_X_REAL_TIME = 12.0  # at 128x128, with two workers


def frames(count: int) -> list[bytes]:
    """Distinct JPEG frames of a camera, some 90 kB each: noise over a moving gradient."""
    from muse_core.images import encode_jpeg

    rng = np.random.default_rng(0)
    ramp = np.add.outer(np.arange(480), np.arange(640))[:, :, None] // 5
    noise = rng.integers(0, 24, (480, 640, 3))
    smooth = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, (1, 1), (0, 1))) // 4
    return [
        encode_jpeg(((np.roll(ramp, 11 * k, axis=1) + 2 * np.roll(smooth, 7 * k, axis=0)) % 256).astype(np.uint8), 90)
        for k in range(count)
    ]


def make_bag(folder: Path, seconds: float) -> Path:
    """An episode of this length; returns its session's folder."""
    from synthetic import Shape, episode, write_episode

    pictures = frames(30)
    shape = Shape(duration_s=seconds, camera_hz=CAMERA_HZ, action_hz=RATE_HZ, lead_s=0.1)
    write_episode(folder / "session", shape, episode(shape, lambda camera, number: pictures[number % len(pictures)]))
    return folder / "session"


def write_contract(path: Path, size: list[int]) -> Path:
    """The Panda's contract at the bench's rate and image size."""
    from muse_ros.contract.contract import load_contract

    data = load_contract("panda").to_dict()
    data |= {"name": "bench", "rate_hz": RATE_HZ}
    for key in ("image", "ego_image"):
        data["observations"][key] |= {"size": size, "shape": [*size, 3]}
    path.write_text(json.dumps(data))
    return path


def floor(bag: Path, size: list[int]) -> None:
    """Read and parse every message, decode every frame; keep nothing."""
    import cv2
    from rosbags.rosbag2 import Reader

    from muse_core.images import decode_image
    from synthetic import store

    cv2.setNumThreads(1)
    with Reader(bag) as reader:
        for connection, _, data in reader.messages():
            message = store().deserialize_cdr(data, connection.msgtype)
            if connection.msgtype == "sensor_msgs/msg/CompressedImage":
                decode_image(bytes(message.data), tuple(size))


def convert(session: Path, output: Path, contract: Path, workers: int) -> None:
    """The whole command, from its start to its end."""
    command = [sys.executable, "-m", "muse_ros.conversion.convert_cli", str(session), "-o", str(output)]
    command += ["--contract", str(contract), "--workers", str(workers)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def timed(action: Callable[[int], None], repeats: int) -> float:
    """The shortest of some runs [s]: other work on the machine only ever adds."""
    times = []
    for number in range(repeats):
        began = time.perf_counter()
        action(number)
        times.append(time.perf_counter() - began)
    return min(times)


def measure(seconds: float, repeats: int, workers: list[int]) -> dict:
    """All figures."""
    rows = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        session = make_bag(folder, seconds)
        bag = next(path for path in session.iterdir())
        size_mb = sum(path.stat().st_size for path in bag.glob("*.mcap")) / 1e6
        for name, size in SIZES.items():
            contract = write_contract(folder / f"{name}.json", size)
            wall = timed(lambda _, size=size: floor(bag, size), repeats)
            rows.append(_row(f"floor: rosbags + decode, {name}", 1, wall, seconds, size_mb))
            for count in workers:
                wall = timed(
                    lambda number, name=name, contract=contract, count=count: convert(
                        session, folder / f"{name}-{count}-{number}", contract, count
                    ),
                    repeats,
                )
                rows.append(_row(f"muse convert, {name}", count, wall, seconds, size_mb))
    return {"bag_mb": round(size_mb, 1), "seconds": seconds, "rate_hz": RATE_HZ, "runs": rows}


def _row(what: str, workers: int, wall_s: float, seconds: float, size_mb: float) -> dict:
    return {
        "what": what,
        "workers": workers,
        "wall_s": round(wall_s, 2),
        "x_real_time": round(seconds / wall_s, 1),
        "mb_per_s": round(size_mb / wall_s, 1),
    }


def main() -> int:
    """Measure, print a table, write ``bench/results/conversion.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the made-up episode [s]")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, of which the best counts")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of workers to try")
    parser.add_argument("--output", type=Path, default=ROOT / "bench/results/conversion.json")
    arguments = parser.parse_args()
    import cv2

    from muse_ros.conversion.text_table import text_table

    figures = measure(arguments.seconds, arguments.repeats, arguments.workers)
    figures["load_average"] = round(os.getloadavg()[0], 1)
    figures["machine"] = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    figures["versions"] = {"python": platform.python_version(), "numpy": np.__version__, "opencv": cv2.__version__}
    lines = [("what", "workers", "s", "x real time", "MB/s")]
    lines += [
        (r["what"], *(str(r[k]) for k in ("workers", "wall_s", "x_real_time", "mb_per_s"))) for r in figures["runs"]
    ]
    print(f"{figures['bag_mb']} MB, {figures['seconds']:g} s, rows at {RATE_HZ:g} Hz")
    print(text_table(lines))
    print(f"target: {TARGET_X_REAL_TIME:g} x real time at 128x128 with 2 workers")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
