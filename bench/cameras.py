"""What camera nodes cost and lose: rate, losses, delay from stamp to reception, and share of a core of each.

    python bench/cameras.py [--cameras 2] [--seconds 30] [--rate-hz 30] [--height 480] [--width 640]

Each camera is a node in a process of its own that plays a Motion JPEG film of numbered, textured pictures, which it
decodes, as it would convert a YUYV camera's, and encodes anew. This process subscribes to all of them and afterwards
reads the numbers: a picture whose number is missing between the first and the last one that came was lost.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from timing import bar, machine, parser, table, write

FILM_PICTURES = 300
WARM_UP_S = 3.0
TEXTURE = 18  # standard deviation of the pictures' texture, of 255: a JPEG of 640x480 then has 110 kB, which is a lot
NODE = "import sys; from muse_ros.nodes.camera import main; sys.exit(main())"


def write_film(path: Path, rate_hz: float, size: tuple[int, int]) -> None:
    """A film of numbered pictures with a texture, as a lens sees one; (height, width) [px]."""
    import cv2

    from muse_ros.cameras.numbered_picture import draw

    random = np.random.default_rng(0)
    texture = cv2.GaussianBlur(random.normal(0.0, 1.0, (*size, 3)), (0, 0), 1.0)
    texture *= TEXTURE / texture.std()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate_hz, (size[1], size[0]))
    for number in range(FILM_PICTURES):
        moved = np.roll(texture, 3 * number, axis=1)
        writer.write(np.clip(draw(number, size) + moved, 0, 255).astype(np.uint8))
    writer.release()


class Listener:
    """Hears all cameras; counts only while ``counting``."""

    def __init__(self, node: Any, cameras: int) -> None:
        from sensor_msgs.msg import CompressedImage

        from muse_ros.bridge import SENSOR_QOS

        self.counting = False
        self.pictures: list[list[bytes]] = [[] for _ in range(cameras)]
        self.delays_ms: list[list[float]] = [[] for _ in range(cameras)]
        for camera in range(cameras):
            topic = f"cameras/camera{camera}/image/compressed"
            node.create_subscription(CompressedImage, topic, partial(self.hear, camera), SENSOR_QOS)

    def hear(self, camera: int, message: Any) -> None:
        """One picture of one camera."""
        from muse_ros.contract.message_fields import time_ns

        delay_ms = (time.time_ns() - time_ns(message.header.stamp)) / 1e6
        if self.counting:
            self.pictures[camera].append(bytes(message.data))
            self.delays_ms[camera].append(delay_ms)


def processor_s(process: subprocess.Popen) -> float:
    """Processor time that a process has used so far [s]."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(cameras: int, seconds: float, film: Path) -> dict[str, dict[str, float]]:
    """Figures by camera."""
    import rclpy

    rclpy.init()
    node = rclpy.create_node("listener")
    listener = Listener(node, cameras)
    processes = []
    for camera in range(cameras):
        words = ["--ros-args", "-p", f"name:=camera{camera}", "-p", f"source:={film}", "-r", f"__node:=camera_{camera}"]
        processes.append(subprocess.Popen([sys.executable, "-c", NODE, *words], stderr=subprocess.DEVNULL))
    try:
        spin(node, WARM_UP_S)
        listener.counting, before = True, [processor_s(process) for process in processes]
        began = time.monotonic()
        spin(node, seconds)
        listener.counting, elapsed = False, time.monotonic() - began
        used = [processor_s(process) - start for process, start in zip(processes, before, strict=True)]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
    node.destroy_node()
    rclpy.shutdown()
    return {
        f"camera {number}": {
            **judge(listener.pictures[number], listener.delays_ms[number], elapsed),
            "core_percent": float(f"{100.0 * used[number] / elapsed:.3g}"),
        }
        for number in range(cameras)
    }


def spin(node: Any, seconds: float) -> None:
    """Take what comes for so long."""
    import rclpy

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.1)


def judge(pictures: list[bytes], delays_ms: list[float], seconds: float) -> dict[str, float]:
    """Rate [Hz], pictures lost, the delay from stamp to reception [ms], and the size of a JPEG."""
    from muse_core.images import decode_image
    from muse_ros.cameras.numbered_picture import read

    numbers = [read(decode_image(picture)) for picture in pictures]
    steps = np.diff(numbers) % FILM_PICTURES
    delays = dict(zip(("p50", "p95", "p99"), np.percentile(delays_ms, (50, 95, 99)), strict=True))
    return {
        "rate_hz": float(f"{len(numbers) / seconds:.4g}"),
        "jpeg_kb": float(f"{np.mean([len(picture) for picture in pictures]) / 1e3:.3g}"),
        "lost": int((steps - 1).sum()),
        **{f"delay_ms_{name}": float(f"{value:.3g}") for name, value in delays.items()},
    }


def main() -> int:
    words = parser(__doc__)
    words.add_argument("--cameras", type=int, default=2)
    words.add_argument("--seconds", type=float, default=30.0)
    words.add_argument("--rate-hz", type=float, default=30.0)
    words.add_argument("--height", type=int, default=480)
    words.add_argument("--width", type=int, default=640)
    arguments = words.parse_args()
    os.environ["ROS_DOMAIN_ID"] = str(os.getpid() % 100 + 1)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    begun = machine()
    with tempfile.TemporaryDirectory(prefix="muse_bench_") as folder:
        film = Path(folder) / "film.avi"
        write_film(film, arguments.rate_hz, (arguments.height, arguments.width))
        found = measure(arguments.cameras, arguments.seconds, film)
    names = list(next(iter(found.values())))
    table([["", *names], *([camera, *(each[name] for name in names)] for camera, each in found.items())])
    result = {
        "cameras": found,
        "seconds": arguments.seconds,
        "picture": [arguments.height, arguments.width],
        "rate_hz": arguments.rate_hz,
        "bars": [bar("pictures lost", sum(each["lost"] for each in found.values()), 0, at_most=True)],
    }
    write(arguments.results / "cameras.json", result, ("muse", "opencv-python-headless", "ros-jazzy-rclpy"), begun)
    return 0


if __name__ == "__main__":
    sys.exit(main())
