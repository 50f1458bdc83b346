"""Random numbers that are a pure function of a seed, of what they are for, and of a position in the order of draws.

Sample number 1000 of a run gets the same numbers whichever batch or process it falls into, so that N processes
augment as one would, and a resumed run as an uninterrupted one. Counter-based (the SplitMix64 of Steele, Lea and
Flood, 2014), so that a batch needs no generator per sample.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniform(seed: int, purpose: str, positions: Sequence[int] | np.ndarray, count: int) -> np.ndarray:
    """Numbers in [0, 1).

    Args:
        seed: Of the run.
        purpose: Names the stream; two purposes share no numbers.
        positions: (B,) positions in the order of draws.
        count: Numbers for each place.

    Returns:
        (B, count) float64.
    """
    key = np.frombuffer(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:8], "<u8")[0]
    begin = _mix(_mix(np.asarray(positions).astype(np.uint64) * _GOLDEN) ^ key)
    steps = np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
    return (_mix(begin[:, None] + steps) >> np.uint64(11)) * 2.0**-53


def normal(seed: int, purpose: str, positions: Sequence[int] | np.ndarray, count: int) -> np.ndarray:
    """Numbers of the standard normal distribution, (B, count) float64; arguments as for :func:`uniform`."""
    pairs = uniform(seed, purpose, positions, 2 * count)
    return np.sqrt(-2.0 * np.log1p(-pairs[:, :count])) * np.cos(2.0 * np.pi * pairs[:, count:])


def integers(seed: int, purpose: str, positions: Sequence[int] | np.ndarray, sizes: np.ndarray | int) -> np.ndarray:
    """One whole number for each place, uniform in ``0 .. size - 1``; (B,) int64."""
    draws = uniform(seed, purpose, positions, 1)[:, 0]
    return np.minimum((draws * sizes).astype(np.int64), np.asarray(sizes, np.int64) - 1)


def _mix(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
