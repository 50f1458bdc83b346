"""Checkpoints: one file that resumes training exactly and deploys alone. Plain data, loaded without running any code.

Importing this module does not import torch.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from muse_core.configs import TrainConfig, suggestion
from muse_core.files import replacing
from muse_core.spec import Spec

FORMAT = "muse checkpoint"
VERSION = 2


class CheckpointError(ValueError):
    """A file that is no checkpoint, or not one that this version reads."""


@dataclass(frozen=True)
class Checkpoint:
    """All that a training run knew at one step.

    Attributes:
        step: Gradient steps done.
        config: The resolved config, as :meth:`TrainConfig.to_dict` gives it.
        spec: Observations and actions of the model, as :meth:`Spec.to_dict` gives it.
        model: Weights to deploy, averaged where the config says so, with the normalisation statistics among them.
        statistics: The same statistics as plain lists, by key.
        contract: The dataset's contract, where it had one.
        rate_hz: Rate at which the demonstrations were sampled, where the dataset says so.
        provenance: Where the dataset came from.
        metrics: Last and best losses and success rates, time spent.
        training: State of the optimiser, the averages, the sampler and the random generators, the weights themselves
            where `model` has their average, and a fingerprint of the data; empty in one stripped for deployment.
    """

    step: int
    config: dict[str, Any]
    spec: dict[str, Any]
    model: dict[str, Any]
    statistics: dict[str, Any] = field(default_factory=dict)
    contract: dict[str, Any] | None = None
    rate_hz: float | None = None
    provenance: dict[str, Any] | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)

    @property
    def train_config(self) -> TrainConfig:
        """The config it was trained with."""
        return TrainConfig.from_dict(self.config)

    @property
    def array_spec(self) -> Spec:
        """The spec of its observations and actions."""
        return Spec.from_dict(self.spec)


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write it whole, then rename it into place: a reader sees the old file or the new one.

    Raises:
        OSError: when it cannot be written; the old file is as it was.
    """
    import torch

    content = {f.name: getattr(checkpoint, f.name) for f in fields(checkpoint)}
    with replacing(path) as partial:
        try:
            torch.save({"format": FORMAT, "version": VERSION, **content}, partial)
        except RuntimeError as error:  # torch's word for a disk that takes no more
            why = f"cannot be written: is the disk full? {str(error).splitlines()[0]}"
            raise OSError(errno.EIO, why, str(path)) from error


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint onto the CPU. No code in it is run.

    Raises:
        FileNotFoundError: naming the path, and the checkpoints beside it.
        CheckpointError: when it is none, or of another version.
    """
    path = Path(path)
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.glob("*.pt")) if path.parent.is_dir() else []
        raise FileNotFoundError(f"no checkpoint {path}{suggestion(path.name, beside) if beside else ''}")
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's text advises loading it with code: that advice must not reach the user
        why = "it is no torch file, cut short, or holds more than plain data"
        raise CheckpointError(f"{path} cannot be read as a checkpoint: {why}") from error
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path} is a torch file, but not a checkpoint of Muse")
    if content["version"] != VERSION:
        raise CheckpointError(f"{path} has checkpoint version {content['version']}; this Muse reads {VERSION}")
    missing = [f.name for f in fields(Checkpoint) if f.name not in content]
    if missing:
        raise CheckpointError(f"{path} lacks {', '.join(missing)}: it was not written by Muse's save_checkpoint")
    return Checkpoint(**{f.name: content[f.name] for f in fields(Checkpoint)})
