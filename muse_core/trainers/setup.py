"""From a config to a :class:`Trainer` that is ready to go.

Every mistake in config or data shows here, before any file is written.
"""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from muse_core.checkpoints import Checkpoint
from muse_core.configs import ConfigError, TrainConfig
from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.sequence import SequenceDataset
from muse_core.datasets.split import split_episodes
from muse_core.datasets.store import recorded_rate
from muse_core.models import build_model
from muse_core.processors import choose_device, usable_processors
from muse_core.trainers.trainer import Trainer

logger = logging.getLogger(__name__)


def prepare(config: TrainConfig, checkpoint: Checkpoint | None = None) -> Trainer:
    """Open the data, build the model, and restore the checkpoint where there is one.

    Raises:
        ConfigError: when the dataset is missing or lacks what the config asks for.
    """
    torch.set_num_threads(config.threads or usable_processors())
    torch.manual_seed(config.seed)
    device = choose_device(config.device)
    folder = open_dataset(config)
    names = (*config.observations, *config.actions)
    learnt = (*names, *config.model.labels)
    training, held_out = choose_episodes(folder, config)
    memory_bytes = int(config.memory_gb * 1024**3)
    train_data = SequenceDataset(folder, learnt, config.horizon, episodes=training, memory_bytes=memory_bytes)
    validation_data = None
    if held_out:
        validation_data = SequenceDataset(
            folder, learnt, config.horizon, episodes=held_out, stride=config.horizon, memory_bytes=memory_bytes
        )
    statistics = train_data.statistics()
    model = build_model(config, folder.spec, statistics).to(device)
    deployment = {
        "spec": folder.spec.select(list(names)).to_dict(),
        "statistics": {name: s.to_dict() for name, s in statistics.items()},
        "contract": folder.contract,
        "provenance": folder.provenance,
        "rate_hz": recorded_rate(folder),
    }
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    trainer = Trainer(config, model, optimizer, train_data, validation_data, deployment)
    if checkpoint is not None:
        _restore(trainer, checkpoint)
    return trainer


def _restore(trainer: Trainer, checkpoint: Checkpoint) -> None:
    try:
        trainer.restore(checkpoint)
    except (KeyError, RuntimeError, ValueError) as error:
        why = str(error).splitlines()[0].rstrip(":")
        raise ConfigError(f"cannot resume: {why}. Model, dataset and seed must be those of the checkpoint") from error


def open_dataset(config: TrainConfig) -> EpisodeFolder:
    """The dataset that the config names, with all the keys it asks for.

    Raises:
        ConfigError: naming the path, or the keys that are missing and those there are.
    """
    path = config.dataset_path
    if not config.dataset or not (path / "dataset.json").is_file():
        below = Path(config.data_dir)
        there = sorted(p.parent.name for p in below.glob("*/dataset.json"))
        listing = f"{below}/ has {', '.join(there)}" if there else f"{below}/ has none, `muse convert` makes one"
        raise ConfigError(f"no dataset {config.dataset!r}: {listing}. Name one with --dataset")
    folder = EpisodeFolder.open(path)
    missing = [name for name in (*config.observations, *config.actions) if name not in folder.spec]
    if missing:
        raise ConfigError(
            f"{path} has no {', '.join(missing)}; it has {', '.join(folder.spec)}. "
            "Choose with --observations and --actions"
        )
    unlabelled = [name for name in config.model.labels if name not in folder.spec]
    if unlabelled:
        raise ConfigError(
            f"{path} has no {', '.join(unlabelled)}, which the model {config.model.kind} learns from; "
            f"`muse relabel {path} -o {path}_relabelled` makes a dataset that has"
        )
    for name in config.actions:
        if folder.spec[name].is_image:
            raise ConfigError(f"{path}: {name} is an image, which is no action; choose with --actions")
    for name in config.observations:
        array = folder.spec[name]
        if array.is_image and config.augment.shift >= min(array.shape[:2]):
            size = f"{array.shape[0]}x{array.shape[1]}"
            raise ConfigError(f"--augment.shift {config.augment.shift} leaves nothing of {name}, {size} pixels")
    return folder


def choose_episodes(folder: EpisodeFolder, config: TrainConfig) -> tuple[list[int], list[int]]:
    """Positions of the episodes to train on, and of those to validate on.

    Raises:
        ConfigError: when none is left to train on.
    """
    metadata = [folder.metadata(i) for i in range(len(folder))]
    # Segments of one episode look alike: they stay on one side, by the name of their parent.
    names = [each.get("parent") or name for each, name in zip(metadata, folder.ids, strict=True)]
    training, held_out = split_episodes(names, config.validation_fraction)
    if not config.include_failures:
        failed = {i for i, each in enumerate(metadata) if each.get("success") is False}
        if failed:
            logger.info("%d of %d episodes are labelled as failures and left out", len(failed), len(folder))
        training, held_out = ([i for i in chosen if i not in failed] for chosen in (training, held_out))
    if not training:
        raise ConfigError(
            f"{folder.path}: none of {len(folder)} episodes is left to train on; "
            "see --validation_fraction and --include_failures"
        )
    return training, held_out
