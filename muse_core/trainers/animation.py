"""Frames as an animated GIF: the one kind of video that TensorBoard plays."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction

import numpy as np


def encode_gif(frames: Sequence[np.ndarray], fps: float) -> bytes:
    """Encode (height, width, 3) uint8 RGB frames, all of one size."""
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
