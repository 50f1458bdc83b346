"""What a run learns from and is validated on: which datasets, which of their episodes, in which order.

Every mistake in this part of a config shows here, before any file is written.
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from muse_core.configs import ConfigError, TrainConfig
from muse_core.datasets.augment import Augmenter
from muse_core.datasets.batches import WindowData
from muse_core.datasets.mixed import MixedDataset
from muse_core.datasets.opening import find_dataset, open_dataset
from muse_core.datasets.sampler import Sampler
from muse_core.datasets.sequence import SequenceDataset
from muse_core.datasets.split import split_episodes
from muse_core.datasets.store import DatasetError, EpisodeStore
from muse_core.spec import Spec
from muse_core.trainers.distributed import Processes
from muse_core.trainers.sampling import make_sampler

logger = logging.getLogger(__name__)
HELD_OUT = ""  # its figures have no further name


@dataclass
class TrainingData:
    """The data of a run, opened and checked.

    Attributes:
        train: Windows to learn from.
        parts: What these are made of.
        without_images: The same windows less their images, where those are to lie in the device's memory.
        sampler: Their order.
        augmenter: What is changed of them at random.
        validation: Windows to validate on by name, none overlapping another: the held-out episodes first, where any
            are, under no name, then the config's `validation_datasets`.
        held_out: What the first of these is made of.
        store: The first training dataset.
        episodes: Episodes to learn from.
        fingerprint: Follows from the names and lengths of the episodes that are learnt from.
        in_memory: Whether no file is read any more.
    """

    train: WindowData
    parts: list[SequenceDataset]
    without_images: WindowData | None
    sampler: Sampler
    augmenter: Augmenter
    validation: dict[str, WindowData]
    held_out: list[SequenceDataset]
    store: EpisodeStore
    episodes: int
    fingerprint: str
    in_memory: bool

    def open_loop_episodes(self, count: int) -> list[tuple[SequenceDataset, int]]:
        """The first of the episodes held out, each with where it is."""
        return [(part, i) for part in self.held_out for i in range(len(part.ids))][:count]


def open_training_data(config: TrainConfig, processes: Processes | None = None) -> TrainingData:
    """All the data that a config names.

    Raises:
        ConfigError: when a dataset is missing, lacks what the config asks for, or does not go with another.
    """
    stores = {name: open_store(config, name) for name in (config.dataset, *config.extra_datasets)}
    training: dict[str, SequenceDataset] = {}
    without_images: dict[str, SequenceDataset] = {}
    held_out: dict[str, SequenceDataset] = {}
    for name, store in stores.items():
        chosen, kept_back = choose_episodes(store, config)
        training[name] = windows(store, config, chosen, share=0.0 if config.data_on_device else 1 / len(stores))
        if config.data_on_device:
            without_images[name] = windows(store, config, chosen, images=False)
        if kept_back:
            held_out[name] = windows(store, config, kept_back, share=1 / len(stores), validating=True)
    validation: dict[str, dict[str, SequenceDataset]] = {HELD_OUT: held_out} if held_out else {}
    for name in config.validation_datasets:
        store = open_store(config, name)
        validation[Path(name).stem] = {name: windows(store, config, range(len(store)), validating=True)}
    longest = max(int(store.lengths.max()) for store in stores.values())
    if config.horizon > longest:
        logger.warning("horizon %d: no episode is longer than %d rows, the rest is padding", config.horizon, longest)
    try:
        train = mix(training)
        return TrainingData(
            train=train,
            parts=[*training.values()],
            without_images=mix(without_images) if without_images else None,
            sampler=make_sampler(config, training, processes or Processes()),
            augmenter=make_augmenter(config, train.spec),
            validation={name: mix(parts) for name, parts in validation.items()},
            held_out=[*next(iter(validation.values()), {}).values()],
            store=stores[config.dataset],
            episodes=sum(len(part.ids) for part in training.values()),
            fingerprint=fingerprint(training, stores),
            in_memory=all(part.in_memory for part in training.values()),
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error


def open_store(config: TrainConfig, name: str) -> EpisodeStore:
    """The dataset of that name or path, with all the keys that the config asks for.

    Raises:
        ConfigError: naming the path, or the keys that are missing and those there are.
    """
    try:
        path = Path(name) if name and Path(name).exists() else find_dataset(config.data_dir, name)
    except DatasetError as error:
        raise ConfigError(f"{error}. Name one with --dataset, or the folder of all with --data_dir") from error
    store = open_dataset(path)
    missing = [key for key in (*config.observations, *config.actions) if key not in store.spec]
    if missing:
        raise ConfigError(
            f"{path} has no {', '.join(missing)}; it has {', '.join(store.spec)}. "
            "Choose with --observations and --actions"
        )
    fixed = [key for key in (*config.observations, *config.actions) if store.spec[key].role == "episode"]
    if fixed:
        raise ConfigError(
            f"{path}: {', '.join(fixed)} holds one value an episode, not one a step; leave it out of --observations "
            "and --actions. A goal is named without goal/, with --goal.keys"
        )
    unlabelled = [key for key in config.model.labels if key not in store.spec]
    if unlabelled:
        raise ConfigError(
            f"{path} has no {', '.join(unlabelled)}, which the model {config.model.kind} learns from; "
            f"`muse relabel {path} -o {path.with_suffix('') if path.is_file() else path}_relabelled` makes one that has"
        )
    for key in config.actions:
        if store.spec[key].is_image:
            raise ConfigError(f"{path}: {key} is an image, which is no action; choose with --actions")
    images = [key for key in config.goal.keys if store.spec[key].is_image]
    if config.data_on_device and images:
        raise ConfigError(f"--data_on_device holds no images of goals: leave it out, or {images[0]} of --goal.keys")
    return store


def windows(
    store: EpisodeStore,
    config: TrainConfig,
    episodes: Sequence[int],
    share: float = 1.0,
    validating: bool = False,
    images: bool = True,
) -> SequenceDataset:
    """Windows of the model's shape over some episodes.

    Args:
        store: Where the episodes are.
        config: Of the run.
        episodes: Positions in the store.
        share: Of `memory_gb`.
        validating: Windows that follow one another, so that each step of an episode is in exactly one.
        images: Whether to read those too.
    """
    shape = config.model.window(config.horizon)
    pads = {"pad_start": shape.pad_start, "pad_end": shape.pad_end, "stride": 1}
    if validating:
        pads |= {"pad_end": config.horizon - 1, "stride": config.horizon}
    keys = (*config.observations, *config.actions, *config.model.labels)
    try:
        return SequenceDataset(
            with_roles(store, config),
            [name for name in keys if images or not store.spec[name].is_image],
            config.horizon,
            observation_steps=shape.observation_steps,
            goal_keys=config.goal.keys,
            goal_kind=config.goal.kind,
            episodes=episodes,
            seed=config.seed,
            memory_bytes=int(config.memory_gb * 1024**3 * share),
            **pads,
        )
    except DatasetError:  # which names the file itself
        raise
    except (KeyError, ValueError) as error:
        raise ConfigError(f"{store.path}: {error.args[0]}") from error


def with_roles(store: EpisodeStore, config: TrainConfig) -> EpisodeStore:
    """The same store, its keys in the roles that the config gives them, whatever they were recorded as."""
    roles = dict.fromkeys(config.model.labels, "output")
    roles |= {**dict.fromkeys(config.observations, "observation"), **dict.fromkeys(config.actions, "action")}
    arrays = {name: replace(a, role=roles.get(name, a.role)) for name, a in store.spec.items()}
    if all(store.spec[name].role == array.role for name, array in arrays.items()):
        return store
    other = copy.copy(store)
    other.spec = Spec(arrays)
    return other


def mix(parts: Mapping[str, SequenceDataset]) -> WindowData:
    """One dataset as it is, several as one."""
    return next(iter(parts.values())) if len(parts) == 1 else MixedDataset(parts)


def choose_episodes(store: EpisodeStore, config: TrainConfig) -> tuple[list[int], list[int]]:
    """Positions of the episodes to train on, and of those to validate on.

    Raises:
        ConfigError: when none is left to train on.
    """
    metadata = [store.metadata(i) for i in range(len(store))]
    # Segments of one episode look alike: they stay on one side, by the name of their parent.
    names = [each.get("parent") or name for each, name in zip(metadata, store.ids, strict=True)]
    training, held_out = split_episodes(names, config.validation_fraction)
    if not config.include_failures:
        failed = {i for i, each in enumerate(metadata) if each.get("success") is False}
        if failed:
            logger.info("%d of %d episodes are labelled as failures and left out", len(failed), len(store))
        training, held_out = ([i for i in chosen if i not in failed] for chosen in (training, held_out))
    if not training:
        raise ConfigError(
            f"{store.path}: none of {len(store)} episodes is left to train on; "
            "see --validation_fraction and --include_failures"
        )
    return training, held_out


def make_augmenter(config: TrainConfig, spec: Spec) -> Augmenter:
    """What is changed of batches at random.

    Raises:
        ValueError: naming the setting that does not fit the data.
    """
    augment = config.augment
    return Augmenter(
        spec,
        crop=config.image_crop,
        shift=augment.shift,
        brightness=augment.brightness,
        contrast=augment.contrast,
        saturation=augment.saturation,
        hue=augment.hue,
        noise=augment.noise,
        per=augment.per,
        seed=config.seed,
    )


def fingerprint(training: Mapping[str, SequenceDataset], stores: Mapping[str, EpisodeStore]) -> str:
    """What changes when the data that is learnt from does: which episodes, in which order, how long."""
    lengths = {name: dict(zip(store.ids, map(int, store.lengths), strict=True)) for name, store in stores.items()}
    listed = [[[name, lengths[dataset][name]] for name in part.ids] for dataset, part in training.items()]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]
