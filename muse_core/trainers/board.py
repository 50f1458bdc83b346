"""Where a run's figures and pictures go: `metrics.jsonl`, TensorBoard, and Weights & Biases where it is asked for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from muse_core.configs import ConfigError, TrainConfig
from muse_core.files import write_text
from muse_core.video import encode_gif

Scalars = dict[str, float]

LARGEST = 240  # height of an animated picture [px]; a GIF of a whole episode at more than that takes megabytes


class Sink(Protocol):
    """One place that figures go to. What it cannot show it leaves out."""

    def scalars(self, step: int, values: Scalars) -> None:
        """Take in named numbers."""

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Take in one (height, width, 3) uint8 picture."""

    def histogram(self, step: int, name: str, values: np.ndarray) -> None:
        """Take in a sample of a distribution."""

    def video(self, step: int, name: str, frames: Sequence[np.ndarray], fps: float) -> None:
        """Take in (height, width, 3) uint8 frames."""

    def close(self) -> None:
        """Write out what is left."""


class Board:
    """Hands everything to each of its sinks; without any it is silent, as in all processes but the first."""

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        """For these sinks."""
        self.sinks = list(sinks)

    def scalars(self, step: int, values: Scalars) -> None:
        """Named numbers."""
        for sink in self.sinks:
            sink.scalars(step, values)

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """One (height, width, 3) uint8 picture."""
        for sink in self.sinks:
            sink.image(step, name, image)

    def histogram(self, step: int, name: str, values: np.ndarray) -> None:
        """A sample of a distribution."""
        for sink in self.sinks:
            sink.histogram(step, name, values)

    def video(self, step: int, name: str, frames: Sequence[np.ndarray], fps: float) -> None:
        """(height, width, 3) uint8 frames."""
        for sink in self.sinks:
            sink.video(step, name, frames, fps)

    def close(self) -> None:
        """Write out what is left."""
        for sink in self.sinks:
            sink.close()


class ScalarSink:
    """A sink that takes nothing but scalars."""

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Left out."""

    def histogram(self, step: int, name: str, values: np.ndarray) -> None:
        """Left out."""

    def video(self, step: int, name: str, frames: Sequence[np.ndarray], fps: float) -> None:
        """Left out."""


class MetricsFile(ScalarSink):
    """One line of JSON for each call: ``{"step": ..., "train/loss": ...}``."""

    def __init__(self, path: Path, last_step: int) -> None:
        """Append to what is there of steps up to `last_step`; later ones will be taken again."""
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
        # A line that a crash cut short has no newline.
        write_text(path, "".join(n for n in lines if n.endswith("\n") and json.loads(n)["step"] <= last_step))
        self._file = path.open("a", encoding="utf-8")

    def scalars(self, step: int, values: Scalars) -> None:
        """Append a line."""
        self._file.write(json.dumps({"step": step, **values}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class TensorBoard:
    """Event files, beside the models."""

    def __init__(self, folder: Path, last_step: int) -> None:
        """Write into `folder`; what is there of steps after `last_step` is not shown any more."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=last_step + 1 if last_step else None)

    def scalars(self, step: int, values: Scalars) -> None:
        """One curve each."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """A picture."""
        self._writer.add_image(name, image, step, dataformats="HWC")

    def histogram(self, step: int, name: str, values: np.ndarray) -> None:
        """A distribution; what is no number does not show."""
        values = values[np.isfinite(values)]
        if values.size:
            self._writer.add_histogram(name, values, step)

    def video(self, step: int, name: str, frames: Sequence[np.ndarray], fps: float) -> None:
        """An animated picture, which is what TensorBoard can play."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        coarse = 1 + frames[0].shape[0] // LARGEST
        frames = [frame[::coarse, ::coarse] for frame in frames]
        height, width = frames[0].shape[:2]
        image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=encode_gif(frames, fps))
        self._writer._get_file_writer().add_summary(Summary(value=[Summary.Value(tag=name, image=image)]), step)

    def close(self) -> None:
        """Write out what is left."""
        self._writer.close()


class WeightsAndBiases(ScalarSink):
    """A run of Weights & Biases, gone on with where the experiment is; offline where WANDB_MODE says so."""

    def __init__(self, folder: Path, config: TrainConfig) -> None:
        """Begin the experiment's run, or go on with it.

        Raises:
            ConfigError: when wandb cannot begin one: nobody is logged in, or its server does not answer.
        """
        import wandb

        path = folder / "wandb_run.json"
        if not path.is_file():
            write_text(path, json.dumps({"id": uuid.uuid4().hex[:12]}) + "\n")
        try:
            self._run = wandb.init(
                project=config.wandb_project,
                name=folder.name,
                id=json.loads(path.read_text(encoding="utf-8"))["id"],
                resume="allow",
                dir=str(folder),
                config=config.to_dict(),
            )
        except wandb.Error as error:
            raise ConfigError(f"--wandb: {error} Or log offline: set WANDB_MODE=offline in the environment") from error

    def scalars(self, step: int, values: Scalars) -> None:
        """One curve each."""
        self._run.log(values, step=step)

    def close(self) -> None:
        """Send what is left."""
        self._run.finish()


def make_board(folder: Path, config: TrainConfig, last_step: int) -> Board:
    """The sinks that a config asks for, of an experiment that stands at `last_step`."""
    sinks: list[Sink] = [MetricsFile(folder / "metrics.jsonl", last_step), TensorBoard(folder, last_step)]
    if config.wandb:
        sinks.append(WeightsAndBiases(folder, config))
    return Board(sinks)


def check_wandb(config: TrainConfig) -> None:
    """Raise where Weights & Biases is asked for and not installed.

    Raises:
        ConfigError: saying how to install it.
    """
    from importlib.util import find_spec

    if config.wandb and find_spec("wandb") is None:
        raise ConfigError("--wandb: Weights & Biases is not installed here: pip install wandb")
