"""RGB frames as video: an H.264 mp4 that every browser plays, or a GIF. The one place where video is encoded."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np


def write_video(path: str | Path, frames: Iterable[np.ndarray], fps: float) -> int:
    """Write `frames` to `path`, whole, then renamed into place; return how many there were.

    Args:
        path: Where the mp4 goes; its folder is made.
        frames: (height, width, 3) uint8 RGB, all of one size. An odd last row or column is cut off, since 4:2:0 colour
            needs even sizes.
        fps: Frames per second.

    Raises:
        ValueError: if there is no frame, or a frame's shape or dtype differs; the message says which.
    """
    import av

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.partial.mp4")
    try:
        with av.open(str(partial), "w", options={"movflags": "+faststart"}) as container:
            count = _encode_mp4(container, path, frames, fps)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def encode_gif(frames: Sequence[np.ndarray], fps: float) -> bytes:
    """(height, width, 3) uint8 RGB frames, all of one size, as the one kind of video that TensorBoard plays."""
    import av

    height, width = frames[0].shape[:2]
    out = io.BytesIO()
    with av.open(out, "w", format="gif") as container:
        stream = container.add_stream("gif", rate=Fraction(fps).limit_denominator(100))
        stream.height, stream.width, stream.pix_fmt = height, width, "rgb8"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()


def _encode_mp4(container: Any, path: Path, frames: Iterable[np.ndarray], fps: float) -> int:
    import av

    stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
    stream.pix_fmt = "yuv420p"
    stream.options = {"crf": "20", "preset": "veryfast"}
    count, shape = 0, None
    for count, frame in enumerate(frames, start=1):
        shape = shape or frame.shape
        if frame.shape != shape or frame.ndim != 3 or shape[2] != 3 or frame.dtype != np.uint8:
            raise ValueError(
                f"{path}: frame {count}: expected uint8 of shape {shape}, got {frame.dtype} of {frame.shape}"
            )
        height, width = shape[0] // 2 * 2, shape[1] // 2 * 2
        if count == 1:
            stream.height, stream.width = height, width
        even = np.ascontiguousarray(frame[:height, :width])
        container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
    if count == 0:
        raise ValueError(f"{path}: no frames to write")
    container.mux(stream.encode(None))
    return count
