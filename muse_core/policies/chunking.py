"""Action chunks carried out step by step: receding horizon, and temporal ensembling as in ACT.

A model that predicts T actions at once is asked again after `execute` of them. Each episode of a batch keeps its own
count, so that what one does changes nothing for its neighbours. numpy only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from muse_core.geometry import quaternion_normalize


class ChunkExecutor:
    """Turns chunks of actions into one action a step, for a batch of episodes.

    Without `ensemble`, an action comes from the newest chunk. With it, all chunks that reach the present step are
    averaged with weights ``exp(-ensemble * i)``, where i = 0 is the oldest of them: a small `ensemble` heeds new
    predictions sooner. Zhao et al., "Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware", 2023.
    Quaternions are given the sign nearest to the newest chunk's before they are averaged, since q and -q would cancel
    though they are one rotation; and the average is made unit again.

    Args:
        execute: Steps between predictions, at least 1 and at most the length of a chunk.
        ensemble: The weights' decay, 0.01 in the paper; None averages nothing.
        batch_size: Episodes side by side.
        quaternion: Which numbers of an action, (N,), are a quaternion; None where there is none.

    Raises:
        ValueError: when a number is out of range.
    """

    def __init__(
        self, execute: int = 1, ensemble: float | None = None, batch_size: int = 1, quaternion: slice | None = None
    ) -> None:
        if execute < 1 or batch_size < 1:
            raise ValueError(f"execute and batch_size must be at least 1, got {execute} and {batch_size}")
        if ensemble is not None and not math.isfinite(ensemble):
            raise ValueError(f"ensemble must be a finite number or None, got {ensemble}")
        self._execute = execute
        self._ensemble = ensemble
        self._batch_size = batch_size
        self._quaternion = quaternion
        self._chunks: np.ndarray | None = None  # (B, K, T, ...): the last K predictions
        self._ages = np.zeros((batch_size, 0), np.int64)  # (B, K): steps since each was made; -1 where there is none

    def reset(self, which: Sequence[int] | np.ndarray | None = None) -> None:
        """Forget the predictions of some episodes.

        Args:
            which: Numbers of the episodes that begin anew, or a (B,) mask of them; all by default.
        """
        every = np.arange(self._batch_size)
        self._ages[every if which is None else every[which]] = -1

    def needs_prediction(self) -> np.ndarray:
        """Which episodes need a new chunk before their next action, (B,) bool."""
        newest = np.where(self._ages < 0, self._execute, self._ages).min(axis=1, initial=self._execute)
        return newest >= self._execute

    def add(self, chunk: np.ndarray) -> None:
        """Take in a prediction that begins at the present step.

        Only the episodes that need one take it: the others go on with what they have, as they would alone.

        Args:
            chunk: (B, T, ...) actions.

        Raises:
            ValueError: when the batch or the length differs from before, or T is below `execute`.
        """
        chunk = np.asarray(chunk)
        self._allocate(chunk)
        rows = np.flatnonzero(self.needs_prediction())
        ages = self._ages[rows]
        slots = np.where(ages < 0, np.iinfo(np.int64).max, ages).argmax(axis=1)  # a free one, or the oldest
        self._chunks[rows, slots] = chunk[rows]
        self._ages[rows, slots] = 0

    def next(self) -> np.ndarray:
        """The actions of the present step, (B, ...) in the dtype of the chunks; the next call gives the next step's.

        Raises:
            RuntimeError: when an episode needs a prediction first.
        """
        waiting = np.flatnonzero(self.needs_prediction())
        if len(waiting):
            raise RuntimeError(f"episodes {waiting.tolist()} of the batch need a prediction: call add() first")
        length = self._chunks.shape[2]
        covering = (self._ages >= 0) & (self._ages < length)
        rows, slots = np.ogrid[: self._batch_size, : self._ages.shape[1]]
        actions = self._chunks[rows, slots, np.where(covering, self._ages, 0)]
        weights = self._weights(covering)
        if self._quaternion is not None:
            newest = np.where(covering, self._ages, length).argmin(axis=1)
            actions[..., self._quaternion] = _alike(actions[..., self._quaternion], newest)
        weights = weights.reshape(*weights.shape, *[1] * (actions.ndim - 2))
        self._ages[self._ages >= 0] += 1
        average = (weights * actions).sum(axis=1)
        if self._quaternion is not None and self._chunks.shape[1] > 1:
            average[..., self._quaternion] = quaternion_normalize(average[..., self._quaternion])
        return average.astype(self._chunks.dtype)

    def _weights(self, covering: np.ndarray) -> np.ndarray:
        """(B, K) weights that sum to one over the predictions that reach the present step."""
        older = (self._ages[:, None, :] > self._ages[:, :, None]) & covering[:, None, :]
        rank = older.sum(axis=2)  # 0 for the oldest
        weights = np.where(covering, np.exp(-(self._ensemble or 0.0) * rank), 0.0)
        return weights / weights.sum(axis=1, keepdims=True)

    def _allocate(self, chunk: np.ndarray) -> None:
        if chunk.ndim < 2 or len(chunk) != self._batch_size or chunk.shape[1] < self._execute:
            expected = f"(B = {self._batch_size}, T >= execute = {self._execute}, ...)"
            raise ValueError(f"a chunk must be {expected}, got shape {chunk.shape}")
        if self._chunks is None:
            count = 1 if self._ensemble is None else -(-chunk.shape[1] // self._execute)
            self._chunks = np.zeros((self._batch_size, count, *chunk.shape[1:]), chunk.dtype)
            self._ages = np.full((self._batch_size, count), -1, np.int64)
        elif chunk.shape[1:] != self._chunks.shape[2:]:
            raise ValueError(f"chunks must keep their shape: {self._chunks.shape[2:]} before, {chunk.shape[1:]} now")


def ensembled(actions: np.ndarray, decay: float, quaternion: slice | None = None) -> np.ndarray:
    """The average of what several predictions say of one step, as :class:`ChunkExecutor` takes it.

    Args:
        actions: (K, N), the oldest prediction's first.
        decay: Of the weights.
        quaternion: Which of the N numbers are a quaternion; None where there is none.

    Returns:
        (N,) in the dtype of the actions.
    """
    weights = np.exp(-decay * np.arange(len(actions)))
    values = actions.astype(np.float64)
    if quaternion is not None:
        values[:, quaternion] = _alike(values[None, :, quaternion], np.array([len(actions) - 1]))[0]
    average = (weights / weights.sum()) @ values
    if quaternion is not None:
        average[quaternion] = quaternion_normalize(average[quaternion])
    return average.astype(actions.dtype)


def _alike(quaternions: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(B, K, 4) with the sign that each has in common with number `reference`, (B,), of its K."""
    chosen = quaternions[np.arange(len(quaternions)), reference][:, None]
    return np.where((quaternions * chosen).sum(axis=-1, keepdims=True) < 0, -quaternions, quaternions)
