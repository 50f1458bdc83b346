"""Pictures of recorded episodes: a film and a contact sheet made of the camera frames in their bags. No ROS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from muse_core.files import write_bytes
from muse_core.video import write_video

PANEL = 320
"""Height and width of one camera's picture in the film [pixels]."""
CAPTION = 36
"""Height of the caption below the pictures [pixels]."""
GREEN, RED, INK = (46, 158, 107), (200, 68, 60), (236, 238, 241)


@dataclass(frozen=True)
class Clip:
    """The frames of one episode, one entry a film frame.

    Attributes:
        title: What stands in the caption.
        success: The episode's label; None where it has none.
        frames: Per film frame, one RGB picture (height, width, 3) uint8 per camera, in a fixed order.
        fps: Frames per second at the speed of life.
    """

    title: str
    success: bool | None
    frames: Sequence[Sequence[np.ndarray]]
    fps: float


def panel(pictures: Sequence[np.ndarray], title: str, success: bool | None, note: str = "") -> np.ndarray:
    """One film frame: the cameras side by side over a caption, (PANEL + CAPTION, PANEL * cameras, 3) uint8 RGB."""
    row = np.hstack([cv2.resize(picture, (PANEL, PANEL), interpolation=cv2.INTER_CUBIC) for picture in pictures])
    bar = np.full((CAPTION, row.shape[1], 3), 28, dtype=np.uint8)
    colour = INK if success is None else GREEN if success else RED
    cv2.circle(bar, (18, CAPTION // 2), 7, colour, -1, cv2.LINE_AA)
    cv2.putText(bar, title, (34, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.52, INK, 1, cv2.LINE_AA)
    if note:
        (width, _), _ = cv2.getTextSize(note, cv2.FONT_HERSHEY_SIMPLEX, 0.52, 1)
        cv2.putText(bar, note, (bar.shape[1] - width - 12, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.52, INK, 1, cv2.LINE_AA)
    return np.vstack([row, bar])


def film_frames(clips: Iterable[Clip], pause_s: float = 0.6) -> Iterator[np.ndarray]:
    """The frames of all clips one after the other, each clip's last frame held for `pause_s` with its outcome shown."""
    for clip in clips:
        if not len(clip.frames):
            continue
        for index, pictures in enumerate(clip.frames[:-1]):
            yield panel(pictures, clip.title, None, f"{index / clip.fps:4.1f} s")
        outcome = {True: "success", False: "failure", None: ""}[clip.success]
        last = panel(clip.frames[-1], clip.title, clip.success, outcome)
        for _ in range(max(1, round(pause_s * clip.fps))):
            yield last


def write_film(path: Path, clips: Sequence[Clip]) -> int:
    """Write the clips as one mp4 and return its number of frames.

    Raises:
        ValueError: if no clip has a frame.
    """
    clips = [clip for clip in clips if len(clip.frames)]
    if not clips:
        raise ValueError(f"{path}: no camera frames to make a film of; were the cameras recorded?")
    return write_video(path, film_frames(clips), clips[0].fps)


def contact_sheet(clips: Sequence[Clip], columns: int = 6, size: int = 96, across: int = 1) -> np.ndarray:
    """A picture of pictures: one strip per episode, `columns` moments of its first camera from first frame to last.

    Args:
        clips: The episodes; those without a frame are left out.
        columns: Moments in a strip.
        size: Height and width of a moment [px].
        across: How many strips stand side by side; episodes run down the first column, then down the next.

    Returns:
        (strips down * size, across * (columns * size + 8), 3) uint8 RGB; a strip begins green for a success, red for a
        failure.
    """
    rows = []
    for clip in clips:
        if not len(clip.frames):
            continue
        moments = np.linspace(0, len(clip.frames) - 1, columns).round().astype(int)
        pictures = [cv2.resize(clip.frames[i][0], (size, size), interpolation=cv2.INTER_AREA) for i in moments]
        colour = (150, 150, 150) if clip.success is None else GREEN if clip.success else RED
        strip = np.full((size, 8, 3), colour, dtype=np.uint8)
        rows.append(np.hstack([strip, *pictures]))
    if not rows:
        raise ValueError("no camera frames to make a contact sheet of; were the cameras recorded?")
    down = -(-len(rows) // across)
    rows += [np.full_like(rows[0], 255)] * (down * across - len(rows))
    return np.hstack([np.vstack(rows[column * down : (column + 1) * down]) for column in range(across)])


def poster(scene: np.ndarray, clip: Clip, columns: int = 4) -> np.ndarray:
    """The scene as a person sees it, and beside it moments of one episode as its cameras saw them, one row a camera.

    Args:
        scene: (height, width, 3) uint8 RGB.
        clip: An episode with at least one frame.
        columns: How many moments.

    Returns:
        (height, more, 3) uint8 RGB, as high as the scene.
    """
    moments = np.linspace(0, len(clip.frames) - 1, columns).round().astype(int)
    size = scene.shape[0] // len(clip.frames[0])
    rows = [
        np.hstack([cv2.resize(clip.frames[i][camera], (size, size), interpolation=cv2.INTER_CUBIC) for i in moments])
        for camera in range(len(clip.frames[0]))
    ]
    grid = np.vstack(rows)
    return np.hstack([scene[: grid.shape[0]], grid])


def write_png(path: Path, rgb: np.ndarray) -> None:
    """Write an RGB picture as PNG."""
    ok, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not ok:
        raise ValueError(f"{path}: could not encode a picture of shape {rgb.shape}")
    write_bytes(path, data.tobytes())
