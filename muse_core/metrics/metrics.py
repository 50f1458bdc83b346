"""The metrics there are, each as a function that makes one. How they group is said in `metric.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from muse_core.metrics.metric import BatchMetric, ElementwiseMetric
from muse_core.spec import Arrays

MASK = "mask"
Source = Literal["inputs", "outputs", "model_outputs"]
SOURCES = ("inputs", "outputs", "model_outputs")
_REDUCTIONS: dict[str, Callable[[np.ndarray], float]] = {"mean": np.mean, "max": np.max, "min": np.min, "sum": np.sum}


def squared_error(key: str = "action", name: str = "") -> ElementwiseMetric:
    """Mean squared error between recorded and given arrays of a key, (B, ...) or windows (B, H, ...).

    Steps that ``inputs["mask"]``, (B, H) bool, calls padding do not count.
    """
    return _error(name or f"{key}_squared_error", key, np.square)


def absolute_error(key: str = "action", name: str = "") -> ElementwiseMetric:
    """Mean absolute error between recorded and given arrays of a key; see :func:`squared_error`."""
    return _error(name or f"{key}_absolute_error", key, np.abs)


def accuracy(key: str, name: str = "") -> ElementwiseMetric:
    """Share of labels that the model gives right.

    ``outputs[key]`` holds labels, (B, ...) integers or bools; ``model_outputs[key]`` the same, or scores with one more
    dimension for the classes, of which the highest counts. Padded steps do not count.
    """

    def elements(inputs: Arrays, outputs: Arrays, model_outputs: Arrays) -> np.ndarray:
        labels, given = np.asarray(outputs[key]), np.asarray(model_outputs[key])
        given = given.argmax(axis=-1) if given.ndim == labels.ndim + 1 else given
        _same_shape(key, labels, given)
        return _mean_of_real_steps(given == labels, inputs.get(MASK))

    return ElementwiseMetric(name or f"{key}_accuracy", elements, higher_is_better=True)


def success(key: str = "success", name: str = "success") -> ElementwiseMetric:
    """Share of episodes, (B,) or (B, T) of ``outputs[key]``, that are successful at any step."""

    def elements(inputs: Arrays, outputs: Arrays, model_outputs: Arrays) -> np.ndarray:
        done = np.asarray(outputs[key], bool)
        return done.reshape(len(done), -1).any(axis=1)

    return ElementwiseMetric(name, elements, higher_is_better=True)


def episode_return(key: str = "reward", name: str = "return") -> ElementwiseMetric:
    """Mean over the episodes of the sum of the rewards ``outputs[key]``, (B,) or (B, T).

    Steps that ``inputs["mask"]`` calls padding do not count.
    """

    def elements(inputs: Arrays, outputs: Arrays, model_outputs: Arrays) -> np.ndarray:
        rewards = np.asarray(outputs[key], np.float64)
        if MASK in inputs and rewards.ndim > 1:
            rewards = np.where(_fitted(inputs[MASK], rewards), rewards, 0.0)
        return rewards.reshape(len(rewards), -1).sum(axis=1)

    return ElementwiseMetric(name, elements, higher_is_better=True)


def extract(
    key: str,
    source: Source = "model_outputs",
    reduce: Literal["mean", "max", "min", "sum"] = "mean",
    name: str = "",
    higher_is_better: bool = False,
) -> BatchMetric:
    """One array that is there already, reduced to a number over all of the batch, or of each group.

    Raises:
        ValueError: on an unknown source or reduction.
    """
    if source not in SOURCES or reduce not in _REDUCTIONS:
        raise ValueError(
            f"source must be one of {', '.join(SOURCES)} and reduce one of {', '.join(_REDUCTIONS)}, "
            f"got {source!r} and {reduce!r}"
        )

    def function(*parts: Arrays) -> float:
        part = parts[SOURCES.index(source)]
        if key not in part:
            raise KeyError(f"no {key!r} among the {source}; there are {', '.join(part) or 'none'}")
        return float(_REDUCTIONS[reduce](part[key]))

    return BatchMetric(name or key, function, higher_is_better)


def _error(name: str, key: str, function: Callable[[np.ndarray], np.ndarray]) -> ElementwiseMetric:
    def elements(inputs: Arrays, outputs: Arrays, model_outputs: Arrays) -> np.ndarray:
        wanted, given = np.asarray(outputs[key], np.float64), np.asarray(model_outputs[key], np.float64)
        _same_shape(key, wanted, given)
        return _mean_of_real_steps(function(given - wanted), inputs.get(MASK))

    return ElementwiseMetric(name, elements)


def _mean_of_real_steps(values: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """(B,) means of (B, ...) values; with a mask (B, H), over the steps where it is True."""
    weights = np.ones(values.shape) if mask is None or values.ndim == 1 else _fitted(mask, values).astype(np.float64)
    total = np.where(weights > 0, values, 0.0).reshape(len(values), -1).sum(axis=1)
    return total / np.maximum(weights.reshape(len(values), -1).sum(axis=1), 1.0)


def _fitted(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    mask = np.asarray(mask, bool)
    if mask.shape != values.shape[:2]:
        raise ValueError(f"the mask {mask.shape} does not fit windows of shape {values.shape}")
    return np.broadcast_to(mask.reshape(*mask.shape, *[1] * (values.ndim - 2)), values.shape)


def _same_shape(key: str, wanted: np.ndarray, given: np.ndarray) -> None:
    if wanted.shape != given.shape:
        raise ValueError(f"{key!r}: the model gave shape {given.shape}, recorded is {wanted.shape}")
