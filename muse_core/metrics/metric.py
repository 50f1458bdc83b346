"""Metrics of a batch, whole or by group: numbers from inputs, outputs and what a model made of them.

All three are dicts of numpy arrays with one leading batch dimension B. `inputs` is what a model saw, `outputs` what was
recorded or came of it, `model_outputs` what the model gave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from muse_core.metrics.groups import checked_groups, group_means, named
from muse_core.spec import Arrays


class Metric(Protocol):
    """A number about a batch.

    Attributes:
        name: What its results are called by.
        higher_is_better: Whether the worst group is the one with the lowest value, rather than the highest.
    """

    name: str
    higher_is_better: bool

    def compute(self, inputs: Arrays, outputs: Arrays, model_outputs: Arrays) -> dict[str, float]:
        """``{name}_all``: the value over the batch; 0 of an empty one."""

    def compute_group_wise(
        self, inputs: Arrays, outputs: Arrays, model_outputs: Arrays, groups: np.ndarray, n_groups: int
    ) -> dict[str, float]:
        """The value of each group.

        Args:
            inputs: What a model saw.
            outputs: What was recorded.
            model_outputs: What the model gave.
            groups: (B,) integers in 0 .. n_groups - 1.
            n_groups: How many groups there are, whether or not the batch has elements of each.

        Returns:
            ``{name}_group:{i}`` and ``count_group:{i}`` for every i, and ``{name}_wg``, the worst of those that have
            elements.

        Raises:
            ValueError: when a group is out of range, or arrays differ in their number of elements.
        """


class BatchMetric:
    """A metric of a function of the whole batch, which is asked anew for the elements of each group.

    Args:
        name: What the results are called by.
        function: From inputs, outputs and model outputs to one number; never given an empty batch.
        higher_is_better: Whether a high value is good.
    """

    def __init__(
        self, name: str, function: Callable[[Arrays, Arrays, Arrays], float], higher_is_better: bool = False
    ) -> None:
        self.name = name
        self.higher_is_better = higher_is_better
        self._function = function

    def compute(self, inputs: Arrays, outputs: Arrays, model_outputs: Arrays) -> dict[str, float]:
        """See :meth:`Metric.compute`."""
        size = batch_size(inputs, outputs, model_outputs)
        return {f"{self.name}_all": float(self._function(inputs, outputs, model_outputs)) if size else 0.0}

    def compute_group_wise(
        self, inputs: Arrays, outputs: Arrays, model_outputs: Arrays, groups: np.ndarray, n_groups: int
    ) -> dict[str, float]:
        """See :meth:`Metric.compute_group_wise`."""
        groups = checked_groups(groups, batch_size(inputs, outputs, model_outputs), n_groups)
        counts = np.bincount(groups, minlength=n_groups)
        values = np.zeros(n_groups)
        for group in np.flatnonzero(counts):
            chosen = groups == group
            parts = [{key: array[chosen] for key, array in part.items()} for part in (inputs, outputs, model_outputs)]
            values[group] = float(self._function(*parts))
        return named(self.name, values, counts, self.higher_is_better)


class ElementwiseMetric:
    """A metric that is the mean of one number for each element: computed once, then averaged by group.

    Args:
        name: What the results are called by.
        elements: From inputs, outputs and model outputs to (B,) numbers.
        higher_is_better: Whether a high value is good.
    """

    def __init__(
        self, name: str, elements: Callable[[Arrays, Arrays, Arrays], np.ndarray], higher_is_better: bool = False
    ) -> None:
        self.name = name
        self.higher_is_better = higher_is_better
        self._elements = elements

    def elements(self, inputs: Arrays, outputs: Arrays, model_outputs: Arrays) -> np.ndarray:
        """The number of each element, (B,) float64.

        Raises:
            ValueError: when the function does not give one number for each element.
        """
        size = batch_size(inputs, outputs, model_outputs)
        if not size:
            return np.zeros(0)
        values = np.asarray(self._elements(inputs, outputs, model_outputs), np.float64)
        if values.shape != (size,):
            raise ValueError(f"metric {self.name!r}: expected ({size},) numbers, one an element, got {values.shape}")
        return values

    def compute(self, inputs: Arrays, outputs: Arrays, model_outputs: Arrays) -> dict[str, float]:
        """See :meth:`Metric.compute`."""
        values = self.elements(inputs, outputs, model_outputs)
        return {f"{self.name}_all": float(values.mean()) if len(values) else 0.0}

    def compute_group_wise(
        self, inputs: Arrays, outputs: Arrays, model_outputs: Arrays, groups: np.ndarray, n_groups: int
    ) -> dict[str, float]:
        """See :meth:`Metric.compute_group_wise`."""
        values = self.elements(inputs, outputs, model_outputs)
        return named(self.name, *group_means(values, groups, n_groups), self.higher_is_better)


def batch_size(*parts: Arrays) -> int:
    """How many elements the arrays have; 0 where there is no array.

    Raises:
        ValueError: when they differ.
    """
    sizes = {key: len(array) for part in parts for key, array in part.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"arrays of one batch must have equally many elements, got {sizes}")
    return next(iter(sizes.values()), 0)
