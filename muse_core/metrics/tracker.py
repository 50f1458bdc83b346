"""Metrics over time: over the batches of a validation, and over the last episodes of a rollout."""

from __future__ import annotations

from collections import deque
from typing import Literal, get_args

import numpy as np

from muse_core.metrics.groups import named
from muse_core.metrics.metric import Metric, batch_size
from muse_core.spec import Arrays

OverTime = Literal["max", "min", "sum", "mean", "last"]


class Aggregate:
    """One number over time, which begins with the first value: a maximum of negative numbers is negative.

    Args:
        over_time: How values become one.

    Raises:
        ValueError: on an unknown `over_time`.
    """

    def __init__(self, over_time: OverTime) -> None:
        if over_time not in get_args(OverTime):
            raise ValueError(f"over_time must be one of {', '.join(get_args(OverTime))}, got {over_time!r}")
        self._over_time = over_time
        self.reset()

    @property
    def has_data(self) -> bool:
        """Whether a value has come since the last reset."""
        return self.count > 0

    @property
    def value(self) -> float:
        """The number; 0 before the first value."""
        return self._state / self.count if self._over_time == "mean" and self.count else self._state

    def reset(self) -> None:
        """Forget all values."""
        self.count = 0
        self._state = 0.0

    def update(self, value: float, count: int = 1) -> None:
        """Take a value in that is about `count` elements; ``mean`` weighs it by them. Of none it says nothing."""
        if count < 1:
            return
        if self._over_time == "mean":
            self._state += value * count
        elif not self.has_data or self._over_time == "last":
            self._state = float(value)
        elif self._over_time == "sum":
            self._state += value
        else:
            self._state = (max if self._over_time == "max" else min)(self._state, float(value))
        self.count += count


class Tracker:
    """One metric over many batches.

    Args:
        metric: What to compute of each batch.
        over_time: How its values become one; ``mean`` weighs batches by their elements.
        n_groups: How many groups there are; 0 tracks the whole batch alone.
    """

    def __init__(self, metric: Metric, over_time: OverTime = "mean", n_groups: int = 0) -> None:
        self.metric = metric
        self.n_groups = n_groups
        self._all = Aggregate(over_time)
        self._groups = [Aggregate(over_time) for _ in range(n_groups)]

    @property
    def has_data(self) -> bool:
        """Whether a batch with elements has come since the last reset."""
        return self._all.has_data

    def reset(self) -> None:
        """Forget all batches."""
        for aggregate in (self._all, *self._groups):
            aggregate.reset()

    def update(self, inputs: Arrays, outputs: Arrays, model_outputs: Arrays, groups: np.ndarray | None = None) -> None:
        """Take a batch in.

        Raises:
            ValueError: when it tracks groups and none are given, or they do not fit.
        """
        if self.n_groups and groups is None:
            raise ValueError(f"this tracker of {self.metric.name!r} has {self.n_groups} groups: give each element's")
        size = batch_size(inputs, outputs, model_outputs)
        found = self.metric.compute(inputs, outputs, model_outputs)
        self._all.update(found[f"{self.metric.name}_all"], size)
        if self.n_groups:
            by_group = self.metric.compute_group_wise(inputs, outputs, model_outputs, groups, self.n_groups)
            for i, aggregate in enumerate(self._groups):
                aggregate.update(by_group[f"{self.metric.name}_group:{i}"], int(by_group[f"count_group:{i}"]))

    def results(self) -> dict[str, float]:
        """``{name}_all``, and by group as the metric names them; empty before the first batch."""
        if not self.has_data:
            return {}
        results = {f"{self.metric.name}_all": self._all.value}
        if self.n_groups:
            values, counts = ([getattr(a, what) for a in self._groups] for what in ("value", "count"))
            results |= named(self.metric.name, np.array(values), np.array(counts), self.metric.higher_is_better)
        return results


class BufferedTracker:
    """The last episodes: a number a step becomes one an episode, and the mean of the last of these is the result.

    With ``max`` over time of an environment's success it is the success rate; with ``sum`` of the reward, the return.

    Args:
        name: What the results are called by.
        over_time: How the steps of an episode become one number.
        size: How many episodes are kept, of each group.
        n_groups: How many groups there are; 0 keeps the episodes together.
        higher_is_better: Whether a high value is good.

    Raises:
        ValueError: when `size` is below 1, or `over_time` is unknown.
    """

    def __init__(
        self,
        name: str,
        over_time: OverTime = "max",
        size: int = 50,
        n_groups: int = 0,
        higher_is_better: bool = True,
    ) -> None:
        if size < 1:
            raise ValueError(f"a buffer must keep at least 1 episode, got {size}")
        self.name = name
        self.n_groups = n_groups
        self._higher_is_better = higher_is_better
        self._episode = Aggregate(over_time)
        self._episodes: list[deque[float]] = [deque(maxlen=size) for _ in range(max(1, n_groups))]

    @property
    def has_data(self) -> bool:
        """Whether an episode has ended yet."""
        return any(self._episodes)

    def update(self, value: float) -> None:
        """Take in the value of one step of the episode that runs."""
        self._episode.update(float(value))

    def end_episode(self, group: int = 0) -> None:
        """Keep the episode that ran, and begin the next; one without a step leaves nothing.

        Raises:
            ValueError: when there is no such group.
        """
        if not 0 <= group < len(self._episodes):
            raise ValueError(f"group must be in 0 .. {len(self._episodes) - 1}, got {group}")
        if self._episode.has_data:
            self._episodes[group].append(self._episode.value)
        self._episode.reset()

    def results(self) -> dict[str, float]:
        """``{name}_all``, and by group where it has groups; empty before the first episode has ended."""
        if not self.has_data:
            return {}
        kept = [value for episodes in self._episodes for value in episodes]
        results = {f"{self.name}_all": float(np.mean(kept))}
        if self.n_groups:
            means = np.array([np.mean(episodes) if episodes else 0.0 for episodes in self._episodes])
            counts = np.array([len(episodes) for episodes in self._episodes])
            results |= named(self.name, means, counts, self._higher_is_better)
        return results
