"""What the network sees and what it would do, of a batch of training windows: for a look, not for a decision."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from muse_core.models.model import Tensors
from muse_core.models.observations import ObservationEncoder
from muse_core.trainers.random_numbers import own_random_numbers

WINDOWS, STEPS = 4, 8  # of a grid


@torch.no_grad()
def grids(model: nn.Module, batch: Tensors) -> dict[str, np.ndarray]:
    """One picture for each camera, (height, width, 3) uint8: a row for each of a few windows, a column for each step.

    They are taken where the encoder takes them: augmented, cropped and resized.
    """
    encoder = next((m for m in model.modules() if isinstance(m, ObservationEncoder)), None)
    if encoder is None:
        return {}
    found = {}
    for name in encoder.images:
        images = batch[name][:WINDOWS, :STEPS]
        frames = encoder.frames(name, images).cpu().numpy().clip(0, 255).astype(np.uint8)
        rows, columns = images.shape[:2]
        tiled = frames.reshape(rows, columns, *frames.shape[1:]).transpose(0, 2, 1, 3, 4)
        found[name] = tiled.reshape(rows * frames.shape[1], columns * frames.shape[2], 3)
    return found


@torch.no_grad()
def actions(model: nn.Module, batch: Tensors, observations: list[str], names: list[str]) -> dict[str, np.ndarray]:
    """Actions for the present step of each window: what the model would do, and what was demonstrated.

    Args:
        model: In training mode, as it is left.
        batch: Windows, augmented or not.
        observations: Keys that the model sees.
        names: Keys that it gives.

    Returns:
        ``<key>_<i>/predicted`` and ``<key>_<i>/demonstrated`` for each dimension, (N,) over windows whose present is no
        padding.
    """
    first = batch[observations[0]]
    steps = first.shape[1]
    training = model.training
    model.eval()
    try:
        with own_random_numbers(0):
            memory = model.start(len(first))
            goals = {name: value for name, value in batch.items() if name.startswith("goal/")}
            for t in range(steps):
                model.observe({**{name: batch[name][:, t] for name in observations}, **goals}, memory)
            chunk = model.predict(memory)
    finally:
        model.train(training)
    real = batch["mask"][:, steps - 1]
    found = {}
    for name in names:
        for kind, values in (("predicted", chunk[name][:, 0]), ("demonstrated", batch[name][:, steps - 1])):
            flat = values[real].flatten(1).float().cpu().numpy()
            found |= {f"{name}_{i}/{kind}": column for i, column in enumerate(flat.T)}
    return found
