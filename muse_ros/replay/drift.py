"""How far a replay strayed: the tool's measured path beside the recorded one. Pure; imports no ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from muse_core.geometry import turn_between
from muse_ros.replay.motion import Path

_ROWS = 256


@dataclass(frozen=True)
class Drift:
    """Distances of the tool.

    Attributes:
        largest_m: Of all measured positions, the largest distance to the recorded path, wherever along it [m].
        end_m: From the last measured position to the last recorded one [m].
        end_rad: The turn between the orientations there [rad].
    """

    largest_m: float
    end_m: float
    end_rad: float

    def describe(self) -> str:
        """The figures, in words."""
        return (
            f"the tool ended {1e3 * self.end_m:.1f} mm and {np.degrees(self.end_rad):.1f} degrees from the recorded "
            f"end, and was {1e3 * self.largest_m:.1f} mm from the recorded path at most"
        )


def drift(recorded: Path, measured: Path) -> Drift | None:
    """The figures of a replay; None where one of the paths is empty."""
    if not len(recorded) or not len(measured):
        return None
    distances = distances_to_path(measured.positions, recorded.positions)
    turn = turn_between(recorded.quaternions[-1], measured.quaternions[-1])
    end = np.linalg.norm(measured.positions[-1] - recorded.positions[-1])
    return Drift(float(distances.max()), float(end), float(np.linalg.norm(turn)))


def distances_to_path(points: np.ndarray, path: np.ndarray) -> np.ndarray:
    """The distance of each point to the nearest point of a path's straight pieces.

    Args:
        points: Shape (N, 3) [m].
        path: Its corners in order, shape (K, 3) with K >= 1 [m].

    Returns:
        Shape (N,) [m].
    """
    if len(path) == 1:
        return np.linalg.norm(points - path[0], axis=1)
    starts, ways = path[:-1], np.diff(path, axis=0)
    squares = np.maximum(np.einsum("ij,ij->i", ways, ways), 1e-18)
    nearest = []
    for first in range(0, len(points), _ROWS):  # a minute at 100 Hz beside a minute would be a gigabyte at once
        offsets = points[first : first + _ROWS, None, :] - starts
        shares = np.clip(np.einsum("nij,ij->ni", offsets, ways) / squares, 0.0, 1.0)
        apart = offsets - shares[..., None] * ways
        nearest.append(np.sqrt(np.einsum("nij,nij->ni", apart, apart).min(axis=1)))
    return np.concatenate(nearest)
