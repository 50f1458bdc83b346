"""What the operator's window costs: milliseconds per frame with two cameras of 640x480, at three sizes of the window.

Every frame has two new pictures, a new timer and new action bars, as while recording. Without a display nothing is
handed to a screen; run it on a desktop, or under `xvfb-run`, for the whole cost. Run: ``python bench/window.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from muse_ros.display import display_named  # noqa: E402

if not display_named(os.environ):
    os.environ["SDL_VIDEODRIVER"] = "dummy"
import pygame  # noqa: E402

from muse_core.images import encode_jpeg  # noqa: E402
from muse_ros.recording.session import State  # noqa: E402
from muse_ros.window.view import ArmView, CameraView, EpisodeView, StreamView, TeleopView, WindowView  # noqa: E402
from muse_ros.window.window import Window  # noqa: E402

SIZES = ((640, 480), (1280, 800), (1920, 1080), (3840, 2160))
PICTURES = 8
TARGET_P50_MS = 10.0  # half of a heartbeat's period: drawing and the heartbeat share a thread


def main() -> None:
    """Draw, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--frames", type=int, default=200, help="frames per size")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results", help="folder of the JSON file")
    arguments = parser.parse_args()
    window = Window(allow_headless=True)
    driver = pygame.display.get_driver()
    frames = list(_frames(arguments.frames))
    sizes = {f"{width}x{height}": _measure(window, (width, height), frames) for width, height in SIZES}
    window.close()
    figures = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "video_driver": driver,
        "frames": arguments.frames,
        "target_p50_ms": TARGET_P50_MS,
        "frame_ms": sizes,
    }
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "window.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))


def _frames(count: int) -> list[WindowView]:
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 255, (PICTURES, 30, 40, 3), dtype=np.uint8)
    pictures = [encode_jpeg(np.kron(block, np.ones((16, 16, 1), np.uint8))) for block in blocks]
    base = WindowView(
        EpisodeView(known=True, state=State.RECORDING, episode_id="episode_0000", legal_verbs=("stop", "discard")),
        ArmView(known=True, robot="sim", source="teleop"),
        TeleopView("keyboard", True, False, 0.5),
        streams=tuple(StreamView(f"/stream_{index}", rate_hz=100) for index in range(8)),
        focused=True,
    )
    return [
        replace(
            base,
            episode=replace(base.episode, elapsed_s=index / 10),
            arm=replace(base.arm, twist=tuple(rng.uniform(-0.2, 0.2, 6))),
            cameras=tuple(
                CameraView(name, pictures[(index + shift) % PICTURES]) for shift, name in enumerate(("front", "wrist"))
            ),
        )
        for index in range(count)
    ]


def _measure(window: Window, size: tuple[int, int], frames: list[WindowView]) -> dict[str, float]:
    """Percentiles of the time to draw one frame [ms]."""
    pygame.display.set_mode(size)
    window.draw(frames[-1])
    taken = []
    for frame in frames:
        began = time.perf_counter()
        window.draw(frame)
        taken.append(1e3 * (time.perf_counter() - began))
        window.poll()
    return {name: round(float(np.percentile(taken, share)), 2) for name, share in (("p50", 50), ("p99", 99))}


if __name__ == "__main__":
    main()
