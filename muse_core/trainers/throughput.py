"""Where the time of training goes, and means of what the steps gave, since the last reading."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from muse_core.models.model import Terms
from muse_core.trainers.optimisation import read_sums


class Meter:
    """Takes in every step, and is read now and then. Only reading waits for the device."""

    def __init__(self) -> None:
        """Begin now."""
        self._figures: list[Tensor] = []
        self._names: list[str] = []
        self._weights: list[float] = []
        self._since, self._waited, self._samples, self._paused = time.monotonic(), 0.0, 0, 0.0

    def add(self, terms: Terms, figures: Tensor, waited_s: float, samples: int) -> None:
        """Take in one step.

        Args:
            terms: Of its loss.
            figures: What :meth:`Optimisation.step` returned.
            waited_s: How long it waited for its batches.
            samples: Windows that it learnt from, in all processes.
        """
        if not self._names:
            self._names, self._weights = [*terms], [t.weight for t in terms.values()]
        self._figures.append(figures)
        self._waited += waited_s
        self._samples += samples

    def pause(self, seconds: float) -> None:
        """Leave out time that was spent on something else: validating, saving."""
        self._paused += seconds

    def last_loss(self) -> float:
        """The loss of the last step; 0 where there was none."""
        if not self._figures:
            return 0.0
        return read_sums(self._names, self._weights, self._figures[-1][None])["loss"]

    def read(self) -> dict[str, float]:
        """Means over the steps, and the throughput.

        Returns:
            What :func:`read_sums` says; ``steps_per_s`` and ``samples_per_s``; of the time of a step
            ``data_s`` that it waited for data and ``compute_s``, the rest; ``data_wait``, the share of the former.
        """
        taken = max(time.monotonic() - self._since - self._paused, 1e-9)
        steps = len(self._figures)
        scalars = read_sums(self._names, self._weights, torch.stack(self._figures).cpu())
        return scalars | {
            "steps_per_s": steps / taken,
            "samples_per_s": self._samples / taken,
            "data_s": self._waited / steps,
            "compute_s": max(0.0, taken - self._waited) / steps,
            "data_wait": min(1.0, self._waited / taken),
        }
