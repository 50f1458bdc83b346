"""Averages over the groups of a batch: per task, per preset, per camera; and the group that does worst.

A group is an integer for each element, 0 .. n_groups - 1. Groups without elements report 0 with a count of 0, and are
never the worst. The convention is that of the WILDS benchmark, Koh et al., 2021.
"""

from __future__ import annotations

import numpy as np


def checked_groups(groups: np.ndarray, size: int, n_groups: int) -> np.ndarray:
    """The groups of `size` elements as (size,) int64.

    Raises:
        ValueError: when they are not one integer each, or outside of 0 .. n_groups - 1.
    """
    groups = np.asarray(groups)
    if groups.shape != (size,) or (size and groups.dtype.kind not in "iu"):
        raise ValueError(f"groups must be {size} integers, one for each element, got {groups.dtype} {groups.shape}")
    if size and not (groups.min() >= 0 and groups.max() < n_groups):
        raise ValueError(f"groups must be in 0 .. {n_groups - 1}, got {groups.min()} .. {groups.max()}")
    return groups.astype(np.int64)


def group_means(values: np.ndarray, groups: np.ndarray, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and count of the elements of each group.

    Args:
        values: (B,) numbers.
        groups: (B,) integers in 0 .. n_groups - 1.
        n_groups: G.

    Returns:
        Means (G,) float64, 0 for an empty group, and counts (G,) int64.

    Raises:
        ValueError: when a group is out of range.
    """
    values = np.asarray(values, np.float64)
    groups = checked_groups(groups, len(values), n_groups)
    counts = np.bincount(groups, minlength=n_groups)
    sums = np.bincount(groups, values, minlength=n_groups)
    return sums / np.maximum(counts, 1), counts


def worst(values: np.ndarray, counts: np.ndarray, higher_is_better: bool) -> float:
    """The worst of the groups that have elements; 0 where none has."""
    present = np.asarray(values)[np.asarray(counts) > 0]
    if not len(present):
        return 0.0
    return float(present.min() if higher_is_better else present.max())


def named(name: str, values: np.ndarray, counts: np.ndarray, higher_is_better: bool) -> dict[str, float]:
    """The results of a metric by group: ``{name}_group:{i}`` and ``count_group:{i}`` for every i, and ``{name}_wg``."""
    results: dict[str, float] = {}
    for i, (value, count) in enumerate(zip(values, counts, strict=True)):
        results[f"{name}_group:{i}"] = float(value)
        results[f"count_group:{i}"] = int(count)
    results[f"{name}_wg"] = worst(values, counts, higher_is_better)
    return results
