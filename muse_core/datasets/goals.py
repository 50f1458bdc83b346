"""What a window is asked to reach, and which rows of which arrays make up its part of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

GOAL = "goal/"


@dataclass(frozen=True)
class Goal:
    """What a window is asked to reach.

    Attributes:
        keys: Keys whose state is the goal; a batch has it as ``goal/<key>``, (B, ...).
        kind: ``final``, the last row of the episode; or ``future``, a row drawn uniformly from the window's last step
            to the end of the episode.
    """

    keys: tuple[str, ...]
    kind: Literal["final", "future"] = "final"


@dataclass(frozen=True)
class BatchRows:
    """Where the values of a batch come from.

    Attributes:
        masks: Batch key to (B, T) bool.
        rows: Batch key to the key of the store, and to the rows of its column over all episodes: (B, T), or (B,) where
            the batch has no time. For what belongs to whole episodes these are numbers of episodes.
        first: (B,) row at which each sample's episode begins.
        episode: (B,) number of each sample's episode.
    """

    masks: dict[str, np.ndarray]
    rows: dict[str, tuple[str, np.ndarray]]
    first: np.ndarray
    episode: np.ndarray
