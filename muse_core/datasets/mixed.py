"""Several datasets as one: their windows in a row, so that one sampler draws from all of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from muse_core.datasets.batches import WindowData
from muse_core.datasets.statistics import Statistics, merge_statistics
from muse_core.datasets.views import View


class MixedDataset(WindowData):
    """Windows of several datasets with the same keys.

    How often each is drawn from is the sampler's business.
    """

    def __init__(self, parts: Mapping[str, WindowData]) -> None:
        """Put datasets in a row.

        Args:
            parts: Name to dataset; the names are for messages.

        Raises:
            ValueError: naming the dataset and the key, when shapes, dtypes or window sizes differ.
        """
        if not parts:
            raise ValueError("need at least one dataset to mix")
        (first_name, first), *others = parts.items()
        for name, part in others:
            _check_alike(first_name, first, name, part)
        self.parts = list(parts.values())
        self.spec, self.lead = first.spec, first.lead
        self.sizes = [len(part) for part in self.parts]

    def __len__(self) -> int:
        return sum(self.sizes)

    @property
    def ids(self) -> list[str]:
        """Names of the episodes of all parts, in their order."""
        return [name for part in self.parts for name in part.ids]

    @property
    def in_memory(self) -> bool:
        """Whether no file is read any more."""
        return all(part.in_memory for part in self.parts)

    def fill(
        self,
        batch: Mapping[str, np.ndarray],
        places: np.ndarray,
        indices: np.ndarray,
        positions: np.ndarray,
        views: Mapping[str, View],
    ) -> None:
        """Write windows into some places of a batch, see :class:`~muse_core.datasets.batches.WindowData`."""
        ends = np.cumsum(self.sizes)
        owner = np.searchsorted(ends, indices, side="right")
        for number in np.unique(owner):
            here = np.flatnonzero(owner == number)
            seen = {name: View(view.size, view.corners[here]) for name, view in views.items()}
            within = indices[here] - (ends[number] - self.sizes[number])
            self.parts[number].fill(batch, places[here], within, positions[here], seen)

    def statistics(self) -> dict[str, Statistics]:
        """Statistics over the rows of all parts, each row counted once."""
        found = [part.statistics() for part in self.parts]
        return {name: merge_statistics([each[name] for each in found]) for name in found[0]}


def _check_alike(first_name: str, first: WindowData, name: str, part: WindowData) -> None:
    for key, array in first.spec.items():
        if key not in part.spec:
            raise ValueError(f"{name} has no {key}, which {first_name} has; it has {', '.join(part.spec)}")
        mine, theirs = (f"{each.dtype}{list(each.shape)}" for each in (array, part.spec[key]))
        if mine != theirs:
            raise ValueError(f"{key} is {mine} in {first_name} but {theirs} in {name}: they cannot be mixed")
    if first.lead != part.lead:
        raise ValueError(f"windows of {first_name} and {name} differ: {first.lead} and {part.lead}")
