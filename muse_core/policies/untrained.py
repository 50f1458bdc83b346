"""A checkpoint that has learnt nothing: for tests, for timing the live loop before there is any data, for dry runs.

Importing this module does not import torch; making a checkpoint does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from muse_core.checkpoints import Checkpoint
from muse_core.configs import TrainConfig
from muse_core.datasets.statistics import Statistics
from muse_core.spec import Spec

SMALL_ACTION = 0.01


def untrained_checkpoint(
    config: TrainConfig, spec: Spec, contract: dict[str, Any] | None, rate_hz: float, seed: int = 0
) -> Checkpoint:
    """A checkpoint with random weights, whose actions stay within 1 cm, 0.01 rad and 1 % of the gripper's range.

    Args:
        config: What model to build, with the keys that it reads and answers.
        spec: The arrays behind these keys.
        contract: The contract that a robot's checkpoint carries, as plain data.
        rate_hz: Rate at which it is to act.
        seed: Of the weights.
    """
    import torch

    from muse_core.models import build_model

    used = spec.select([*config.observations, *config.actions])
    statistics = {key: _statistics(array.shape, key in config.actions) for key, array in used.items()}
    made_up = statistics | {label: _statistics((), action=True) for label in config.model.labels}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_model(config, used, made_up)
    return Checkpoint(
        step=0,
        config=config.to_dict(),
        spec=used.to_dict(),
        model=model.state_dict(),
        statistics={key: found.to_dict() for key, found in statistics.items()},
        contract=contract,
        rate_hz=rate_hz,
    )


def _statistics(shape: tuple[int, ...], action: bool) -> Statistics:
    """Made-up statistics: observations as they come, actions small."""
    width = SMALL_ACTION if action else 1.0
    ones = np.ones(shape)
    return Statistics(count=0, mean=0.0 * ones, std=width * ones, low=-width * ones, high=width * ones)
