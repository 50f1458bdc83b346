"""Windows of a fixed horizon over episodes of any length, as pure integers.

Which rows make up which training sample is decided here, before any data is touched. No torch, no files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Windows:
    """N windows: where each begins, and in which episode.

    Attributes:
        horizon: Steps in each window, H.
        episode: (N,) int64, position of the episode in the list of lengths.
        start: (N,) int64, first row of the window within its episode. It is negative where the window begins before
            the episode does (padding at the start).
        length: (N,) int64, rows in that episode.
        skip: Rows from one step of a window to the next.
    """

    horizon: int
    episode: np.ndarray
    start: np.ndarray
    length: np.ndarray
    skip: int = 1

    def __len__(self) -> int:
        return len(self.start)


def index_windows(
    lengths: Sequence[int] | np.ndarray,
    horizon: int,
    *,
    pad_start: int = 0,
    pad_end: int = 0,
    stride: int = 1,
    skip: int = 1,
) -> Windows:
    """Every window over episodes of these lengths.

    A window of H steps, `skip` rows apart, spans ``S = (H - 1) * skip + 1`` rows. Starts run over ``-pad_start * skip,
    -pad_start * skip + stride, ...`` up to ``length - S + pad_end * skip``, so that at stride 1 an episode of length L
    has ``max(0, L - S + 1 + (pad_start + pad_end) * skip)`` windows. With ``pad_end = horizon - 1`` each row begins
    exactly one window.

    Args:
        lengths: Rows of each episode.
        horizon: Steps in each window.
        pad_start: How many steps a window may begin before its episode, at most ``horizon - 1``.
        pad_end: How many steps a window may end after its episode, at most ``horizon - 1``.
        stride: Rows between the starts of one episode's windows.
        skip: Rows from one step of a window to the next.

    Raises:
        ValueError: naming the argument that is out of range.
    """
    lengths = np.asarray(lengths, dtype=np.int64)
    if min(horizon, stride, skip) < 1:
        raise ValueError(
            f"horizon and stride must be at least 1, and skip too; got horizon={horizon}, stride={stride}, skip={skip}"
        )
    for name, pad in (("pad_start", pad_start), ("pad_end", pad_end)):
        if not 0 <= pad < horizon:
            raise ValueError(f"{name} must be between 0 and horizon - 1 = {horizon - 1}, got {pad}")
    if (lengths < 1).any():
        raise ValueError(f"episodes must have at least one row, got lengths {lengths[lengths < 1].tolist()}")
    last = lengths - (horizon - 1 - pad_end) * skip
    starts = [np.arange(-pad_start * skip, end, stride, dtype=np.int64) for end in last]
    counts = np.array([len(s) for s in starts], dtype=np.int64)
    episode = np.repeat(np.arange(len(lengths), dtype=np.int64), counts)
    start = np.concatenate(starts) if starts else np.zeros(0, np.int64)
    return Windows(horizon, episode, start, lengths[episode], skip)


def window_rows(
    start: np.ndarray | int, length: np.ndarray | int, horizon: int, skip: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """The rows of windows, and which of them are real.

    A step outside the episode repeats the nearest row, and its mask is False: it must not enter a loss.

    Args:
        start: (N,) first rows, or one.
        length: (N,) episode lengths, or one.
        horizon: H.
        skip: Rows from one step to the next.

    Returns:
        rows (N, H) int64 within ``0 .. length - 1``, and mask (N, H) bool. Without the N where `start` is one number.
    """
    start = np.asarray(start, dtype=np.int64)[..., None]
    length = np.asarray(length, dtype=np.int64)[..., None]
    wanted = start + skip * np.arange(horizon, dtype=np.int64)
    rows = np.clip(wanted, 0, length - 1)
    return rows, rows == wanted
