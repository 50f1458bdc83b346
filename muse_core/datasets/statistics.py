"""Mean, standard deviation and range of low-dimensional arrays, in one pass over the rows.

Images are never read: they are scaled by 1/255, not by statistics. No torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Statistics:
    """What was seen of one array over all rows. Every array has the shape of one row.

    Attributes:
        count: Rows seen.
        mean: Mean.
        std: Population standard deviation; 0 where a dimension never changed.
        low: Smallest value.
        high: Largest value.
    """

    count: int
    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, for checkpoints and JSON."""
        return {"count": self.count, **{n: getattr(self, n).tolist() for n in ("mean", "std", "low", "high")}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Statistics:
        """Read what :meth:`to_dict` wrote."""
        return cls(int(data["count"]), *(np.asarray(data[n], np.float64) for n in ("mean", "std", "low", "high")))


class RunningStatistics:
    """Statistics of arrays that arrive in pieces (Chan's parallel update, float64: stable for any split)."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._count = 0
        self._mean = self._m2 = self._low = self._high = np.zeros(())

    def update(self, rows: np.ndarray) -> None:
        """Take in (T, ...) rows."""
        rows = np.asarray(rows, np.float64)
        if not len(rows):
            return
        mean = rows.mean(axis=0)
        m2 = np.square(rows - mean).sum(axis=0)
        self._merge(len(rows), mean, m2, rows.min(axis=0), rows.max(axis=0))

    def merge(self, other: Statistics) -> None:
        """Take in rows of which only the statistics are known."""
        self._merge(other.count, other.mean, np.square(other.std) * other.count, other.low, other.high)

    def _merge(self, count: int, mean: np.ndarray, m2: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        if not self._count:
            self._count, self._mean, self._m2, self._low, self._high = count, mean, m2, low, high
            return
        total = self._count + count
        gap = mean - self._mean
        self._mean = self._mean + gap * (count / total)
        self._m2 = self._m2 + m2 + np.square(gap) * (self._count * count / total)
        self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        self._count = total

    def result(self) -> Statistics:
        """The statistics of everything taken in.

        Raises:
            ValueError: when no row has been.
        """
        if not self._count:
            raise ValueError("no rows to take statistics of")
        return Statistics(self._count, self._mean, np.sqrt(self._m2 / self._count), self._low, self._high)


def merge_statistics(parts: Iterable[Statistics]) -> Statistics:
    """Statistics of all the rows that several are of."""
    running = RunningStatistics()
    for part in parts:
        running.merge(part)
    return running.result()
