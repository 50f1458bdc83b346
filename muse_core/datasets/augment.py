"""Augmentations of training batches. They are never applied at evaluation, and draw only from the generator given."""

from __future__ import annotations

import numpy as np


def shift_frames(frames: np.ndarray, down: int, right: int) -> np.ndarray:
    """Frames moved by whole pixels; the border that this uncovers repeats the nearest row or column.

    Args:
        frames: (T, height, width, channels).
        down: Pixels to move down (up where negative), less than the height.
        right: Pixels to move right (left where negative), less than the width.

    Returns:
        A new array of the same shape.
    """
    _, height, width, _ = frames.shape
    out = np.empty_like(frames)
    top, bottom = max(down, 0), height + min(down, 0)
    left, end = max(right, 0), width + min(right, 0)
    out[:, top:bottom, left:end] = frames[:, top - down : bottom - down, left - right : end - right]
    out[:, top:bottom, :left] = out[:, top:bottom, left : left + 1]
    out[:, top:bottom, end:] = out[:, top:bottom, end - 1 : end]
    out[:, :top] = out[:, top : top + 1]
    out[:, bottom:] = out[:, bottom - 1 : bottom]
    return out


def random_shift(windows: np.ndarray, pixels: int, rng: np.random.Generator) -> np.ndarray:
    """Each window moved as a whole by up to `pixels` in either direction, drawn uniformly.

    One shift for all frames of a window keeps its motion true; cameras are shifted independently by calling this for
    each.

    Args:
        windows: (B, H, height, width, channels).
        pixels: Largest shift; 0 changes nothing and draws nothing.
        rng: The only source of randomness.

    Returns:
        An array of the same shape.
    """
    if not pixels:
        return windows
    shifts = rng.integers(-pixels, pixels, (len(windows), 2), endpoint=True)
    return np.stack([shift_frames(w, int(d), int(r)) for w, (d, r) in zip(windows, shifts, strict=True)])
