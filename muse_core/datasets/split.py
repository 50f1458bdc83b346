"""Which episodes train and which are held out: decided by each episode's id alone, so that it never changes.

Adding episodes, reordering them or merging datasets moves no episode to the other side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def is_validation(episode_id: str, fraction: float) -> bool:
    """Whether this episode is held out, for a held-out share of `fraction`."""
    digest = hashlib.sha256(episode_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") < fraction * 2**64


def split_episodes(ids: Sequence[str], fraction: float) -> tuple[list[int], list[int]]:
    """Positions of the episodes to train on, and of those to validate on; equal ids go to the same side.

    Raises:
        ValueError: when `fraction` is not in [0, 1).
    """
    if not 0.0 <= fraction < 1.0:
        raise ValueError(f"validation_fraction must be at least 0 and below 1, got {fraction}")
    held_out = [i for i, name in enumerate(ids) if is_validation(name, fraction)]
    train = [i for i, name in enumerate(ids) if not is_validation(name, fraction)]
    return train, held_out
