"""From a config to a :class:`Trainer` that is ready to go.

Every mistake in config or data shows here, before any file is written.
"""

from __future__ import annotations

import logging

import torch

from muse_core.checkpoints import Checkpoint
from muse_core.configs import ConfigError, TrainConfig
from muse_core.datasets.store import recorded_rate
from muse_core.models import build_model
from muse_core.processors import choose_device, usable_processors
from muse_core.trainers.board import check_wandb
from muse_core.trainers.data import open_training_data
from muse_core.trainers.distributed import Processes
from muse_core.trainers.rollouts import check_rollouts
from muse_core.trainers.trainer import Trainer

logger = logging.getLogger(__name__)


def prepare(config: TrainConfig, checkpoint: Checkpoint | None = None, processes: Processes | None = None) -> Trainer:
    """Open the data, build the model, and restore the checkpoint where there is one.

    Raises:
        ConfigError: when the dataset is missing or lacks what the config asks for, or something cannot be done here.
    """
    processes = processes or Processes()
    torch.set_num_threads(config.threads or max(1, usable_processors() // processes.local_world_size))
    device = choose_device(config.device)
    if device.type == "cuda" and processes.several:
        device = torch.device("cuda", processes.local_rank)
    if config.precision == "float16" and device.type == "cpu":
        raise ConfigError("--precision float16 is for GPUs; on a CPU use float32, or bfloat16 where it is fast")
    check_wandb(config)
    data = open_training_data(config, processes)
    torch.manual_seed(config.seed)
    statistics = data.train.statistics()
    try:
        model = build_model(config, data.train.spec, statistics).to(device)
    except ValueError as error:  # parts that do not fit the data, weights of another network
        raise ConfigError(str(error)) from error
    if processes.several:
        model = together(model, device, processes)
        torch.manual_seed(config.seed + 1_000_003 * processes.rank)  # dropout: each process its own
    names = [*config.observations, *config.actions]
    deployment = {
        "spec": data.train.spec.select(names).to_dict(),
        "statistics": {name: statistics[name].to_dict() for name in names if name in statistics},
        "contract": data.store.contract,
        "provenance": data.store.provenance,
        "rate_hz": recorded_rate(data.store),
    }
    trainer = Trainer(config, model, data, deployment, processes)
    if config.rollouts.every and processes.is_first:
        check_rollouts(config, Checkpoint(0, config.to_dict(), model={}, **deployment))
    if checkpoint is not None:
        _restore(trainer, checkpoint)
    return trainer


def together(model: torch.nn.Module, device: torch.device, processes: Processes) -> torch.nn.Module:
    """The model as one of several processes trains it: batch norm takes its statistics from all of them, on GPUs."""
    if not any(isinstance(each, torch.nn.modules.batchnorm._BatchNorm) for each in model.modules()):
        return model
    if device.type == "cuda":
        return torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    if processes.is_first:
        logger.warning(
            "on a CPU batch norm sees each process's part of the batch alone; with --model.encoder.norm group it makes "
            "no difference how many there are"
        )
    return model


def _restore(trainer: Trainer, checkpoint: Checkpoint) -> None:
    try:
        trainer.restore(checkpoint)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        why = str(error).splitlines()[0].rstrip(":")
        raise ConfigError(f"cannot resume: {why}. Model, dataset and seed must be those of the checkpoint") from error
