"""From clicks to waypoints and dense segments, and clicks from speeds where nobody clicked. Pure arrays, no files.

A demonstrator clicks once on arriving at a waypoint, and keeps clicking while the motion itself matters: HYDRA
(Belkhale et al., 2023) calls the first sparse, the second dense.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from muse_core.geometry import turn_between


@dataclass(frozen=True)
class Segments:
    """What the rows of an episode of T rows are for.

    Attributes:
        dense: (T,) bool, True in dense segments.
        waypoints: (K,) int64, rows where a way ends: at each isolated click, and at the first and the last row of each
            dense segment. The episode's last row is always among them.
    """

    dense: np.ndarray
    waypoints: np.ndarray

    def targets(self) -> np.ndarray:
        """(T,) int64: the row whose state each row is on its way to, its own for the last one.

        A sparse row heads for the next waypoint behind it, so one that stands at a waypoint already heads for the next
        one. A dense row heads for the row after it.
        """
        rows = np.arange(len(self.dense))
        following = np.searchsorted(self.waypoints, rows, side="right")
        ahead = self.waypoints[np.minimum(following, len(self.waypoints) - 1)]
        return np.where(self.dense, np.minimum(rows + 1, len(rows) - 1), ahead)


def parse_clicks(clicks: np.ndarray) -> Segments:
    """Read the clicks of one episode.

    An isolated click is a waypoint. A double click, two in a row and no more, counts once, as its first. The last row
    counts as a click whatever it says. Two or more in a row are then a dense segment: three or more that were made, or
    fewer right before the last row.

    Args:
        clicks: (T,) bool, T at least 1.

    Raises:
        ValueError: when there is no row.
    """
    clicks = np.array(clicks, dtype=bool)
    if clicks.ndim != 1 or not len(clicks):
        raise ValueError(f"clicks must be one number for each of at least one row, got shape {clicks.shape}")
    for begin, end in runs(clicks):
        if end - begin == 2:
            clicks[end - 1] = False
    clicks[-1] = True
    dense = np.zeros_like(clicks)
    waypoints = []
    for begin, end in runs(clicks):
        dense[begin:end] = end - begin > 1
        waypoints += [begin] if end - begin == 1 else [begin, end - 1]
    return Segments(dense, np.array(waypoints, np.int64))


def clicks_from_speeds(
    speed_m_s: np.ndarray,
    speed_rad_s: np.ndarray,
    max_m_s: float = 0.12,
    max_rad_s: float = 0.22,
    waypoint_steps: int = 20,
    shortest_dense: int = 5,
) -> np.ndarray:
    """Clicks for an episode that nobody clicked in: slow is dense, and far ways get waypoints in between.

    Args:
        speed_m_s: (T,) speed of the tool [m/s].
        speed_rad_s: (T,) turning speed of the tool [rad/s].
        max_m_s: Rows below both limits are dense [m/s].
        max_rad_s: The other limit [rad/s].
        waypoint_steps: Rows between the waypoints of a way, counted from where it begins.
        shortest_dense: Slow stretches of fewer rows are part of the way.

    Returns:
        (T,) bool, for :func:`parse_clicks`.
    """
    slow = (np.asarray(speed_m_s) < max_m_s) & (np.asarray(speed_rad_s) < max_rad_s)
    clicks = np.zeros(len(slow), bool)
    way_begins = 0
    for begin, end in [*((b, e) for b, e in runs(slow) if e - b >= shortest_dense), (len(slow), len(slow))]:
        clicks[way_begins + waypoint_steps : begin : waypoint_steps] = True
        clicks[begin:end] = True
        way_begins = end
    return clicks


def pose_speeds(position: np.ndarray, quaternion: np.ndarray | None, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Speeds [m/s] and [rad/s], (T,) each, of a tool on its way to the next row; the last row has the one before.

    Args:
        position: (T, N) [m].
        quaternion: (T, 4) xyzw; None for a point, which does not turn.
        rate_hz: Rows per second.
    """
    moved = np.linalg.norm(np.diff(np.asarray(position, np.float64), axis=0), axis=-1)
    turned = np.zeros_like(moved)
    if quaternion is not None:
        quaternion = np.asarray(quaternion, np.float64)
        turned = np.linalg.norm(turn_between(quaternion[:-1], quaternion[1:]), axis=-1)
    return tuple(rate_hz * np.append(each, each[-1:] if len(each) else 0.0) for each in (moved, turned))


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First row, and row behind the last, of each stretch where (T,) `flags` is True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
