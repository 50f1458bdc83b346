"""The training loop: batch, loss, step, log, validate, save. It knows models only by their `loss`."""

from __future__ import annotations

import logging
import math
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm import tqdm

from muse_core.checkpoints import Checkpoint, save_checkpoint
from muse_core.configs import TrainConfig
from muse_core.datasets.sampler import WindowSampler
from muse_core.datasets.sequence import Arrays, SequenceDataset
from muse_core.models.model import Tensors, Term, Terms, weighted_loss
from muse_core.trainers.experiment import Experiment
from muse_core.trainers.interrupt import StopRequest
from muse_core.trainers.loading import prefetch
from muse_core.trainers.schedule import learning_rate_factor, progress

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

logger = logging.getLogger(__name__)

VALIDATION_BATCH = 32


class DivergedError(ArithmeticError):
    """The loss is no number any more."""


@dataclass
class Progress:
    """How far a run has come; saved in every checkpoint."""

    step: int = 0
    elapsed_s: float = 0.0
    train_loss: float | None = None
    validation_loss: float | None = None
    best_validation_loss: float | None = None


class Meter:
    """Means of logged scalars, and where the time went, since the last reading."""

    def __init__(self) -> None:
        """Begin now."""
        self._scalars: list[Tensors] = []
        self._since, self._waited = time.monotonic(), 0.0

    def add(self, scalars: Tensors, waited_s: float) -> None:
        """Take in one step, which waited this long for its batch."""
        self._scalars.append(scalars)
        self._waited += waited_s

    def read(self) -> dict[str, float]:
        """Means over the steps, ``steps_per_s``, and ``data_wait``: the share of the time spent waiting for data."""
        taken = max(time.monotonic() - self._since, 1e-9)
        means = {name: float(torch.stack([s[name] for s in self._scalars]).mean()) for name in self._scalars[0]}
        return means | {"steps_per_s": len(self._scalars) / taken, "data_wait": self._waited / taken}


@dataclass
class Trainer:
    """A run that is ready to go: everything that could be missing or wrong has been found by now.

    Attributes:
        config: What to do.
        model: What learns; see :class:`muse_core.models.model.Model`.
        optimizer: Over the model's parameters.
        train_data: Windows to learn from.
        validation_data: Windows to validate on, where any episode is held out.
        deployment: The parts of a checkpoint that do not change: spec, contract, statistics and so on.
        progress: Where the run stands.
    """

    config: TrainConfig
    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    train_data: SequenceDataset
    validation_data: SequenceDataset | None
    deployment: dict[str, Any]
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self.device = next(self.model.parameters()).device
        self.sampler = WindowSampler(len(self.train_data), self.config.batch_size, self.config.seed)
        self._consumed = self.sampler.state_dict()

    def run(self, experiment: Experiment, writer: SummaryWriter, show_progress: bool = True) -> Progress:
        """Train until the limit of steps or minutes, or until a signal asks to stop; save in any case."""
        config, state = self.config, self.progress
        batches = prefetch(self.train_data, self.sampler, config.augment.shift, config.seed)
        begun = time.monotonic() - state.elapsed_s
        meter = Meter()
        with StopRequest() as stop, closing(batches), self._bar(show_progress) as bar:
            while not stop and (done := self._done()) < 1.0:
                asked = time.monotonic()
                batch, sampler_state = next(batches)
                waited = time.monotonic() - asked

                rate = self._set_learning_rate(done)
                meter.add(self._learn(batch), waited)
                self._consumed = sampler_state
                state.step += 1
                state.elapsed_s = time.monotonic() - begun
                bar.update(self._done() * 100 - bar.n)

                if state.step % config.log_every == 0 or self.finished:
                    means = meter.read() | {"learning_rate": rate, "epoch": sampler_state["drawn"] / self.sampler.size}
                    state.train_loss = means["loss"]
                    check_finite(state)
                    self._log(experiment, writer, "train", means)
                    bar.set_postfix_str(self._summary(means["steps_per_s"]), refresh=False)
                    meter = Meter()
                if state.step % config.validate_every == 0:
                    self._validate(experiment, writer)
                if config.checkpoint_every and state.step % config.checkpoint_every == 0:
                    self.save(experiment, f"chkpt_{state.step:010d}.pt")
                if state.step % config.save_every == 0:
                    self.save(experiment, "model.pt")
            if not stop and state.step % config.validate_every:
                self._validate(experiment, writer)
            self.save(experiment, "model.pt")
        ending = f"stopped by {stop.reason}" if stop else "done"
        logger.info("%s after %d steps and %.1f minutes", ending, state.step, state.elapsed_s / 60)
        return state

    @property
    def finished(self) -> bool:
        """Whether the limit of steps or minutes is reached."""
        return self._done() >= 1.0

    def describe(self) -> str:
        """One line on what learns from how much."""
        parameters = sum(p.numel() for p in self.model.parameters())
        data, held_out = self.train_data, self.validation_data
        return (
            f"{parameters:,} parameters on {self.device} with {torch.get_num_threads()} threads; "
            f"{len(data.ids)} episodes, {len(data)} windows "
            f"({'in memory' if data.in_memory else 'memory-mapped'}); "
            f"{len(held_out.ids) if held_out else 0} episodes held out"
        )

    def save(self, experiment: Experiment, name: str) -> None:
        """Write a checkpoint into the experiment's models."""
        checkpoint = Checkpoint(
            step=self.progress.step,
            config=self.config.to_dict(),
            model=self.model.state_dict(),
            metrics=asdict(self.progress),
            training={
                "optimizer": self.optimizer.state_dict(),
                "sampler": self._consumed,
                "random": random_state(),
            },
            **self.deployment,
        )
        save_checkpoint(experiment.models / name, checkpoint)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on exactly where a checkpoint was written.

        Raises:
            ValueError: when the data is not what it was trained on.
        """
        self.model.load_state_dict(checkpoint.model)
        self.optimizer.load_state_dict(checkpoint.training["optimizer"])
        self.sampler.load_state_dict(checkpoint.training["sampler"])
        self._consumed = self.sampler.state_dict()
        self.progress = Progress(**checkpoint.metrics)
        set_random_state(checkpoint.training["random"])

    def _done(self) -> float:
        limit = self.config.max_minutes
        elapsed = self.progress.elapsed_s
        return progress(self.progress.step, self.config.max_steps, elapsed, limit * 60 if limit else None)

    def _set_learning_rate(self, done: float) -> float:
        config = self.config
        factor = learning_rate_factor(self.progress.step, done, config.warmup_steps, config.final_learning_rate)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * factor
        return config.learning_rate * factor

    def _learn(self, batch: Arrays) -> Tensors:
        self.model.train()
        terms = self.model.loss(to_device(batch, self.device))
        loss = weighted_loss(terms)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_gradient_norm)
        self.optimizer.step()
        scalars = {"loss": loss, **{f"loss/{name}": term.mean for name, term in terms.items()}, "gradient_norm": norm}
        return {name: value.detach() for name, value in scalars.items()}

    @torch.no_grad()
    def _validate(self, experiment: Experiment, writer: SummaryWriter) -> None:
        """Mean loss over every held-out window, each step of an episode counted once; keeps the best model."""
        data, state = self.validation_data, self.progress
        if data is None:
            return
        self.model.eval()
        whole: Terms = {}
        for begin in range(0, len(data), VALIDATION_BATCH):
            batch = data.get_batch(np.arange(begin, min(begin + VALIDATION_BATCH, len(data))))
            for name, term in self.model.loss(to_device(batch, self.device)).items():
                before = whole.get(name, Term(torch.zeros(()), torch.zeros(()), term.weight))
                whole[name] = Term(before.total + term.total.cpu(), before.count + term.count.cpu(), term.weight)
        means = {"loss": float(weighted_loss(whole)), **{f"loss/{n}": float(term.mean) for n, term in whole.items()}}
        state.validation_loss = means["loss"]
        self._log(experiment, writer, "validation", means)
        if state.best_validation_loss is None or means["loss"] < state.best_validation_loss:
            state.best_validation_loss = means["loss"]
            self.save(experiment, "best_model.pt")

    def _log(self, experiment: Experiment, writer: SummaryWriter, prefix: str, scalars: dict[str, float]) -> None:
        step = self.progress.step
        named = {f"{prefix}/{name}": value for name, value in scalars.items()}
        experiment.log_metrics(step, {"minutes": self.progress.elapsed_s / 60, **named})
        for name, value in named.items():
            writer.add_scalar(name, value, step)

    def _bar(self, show: bool) -> tqdm:
        layout = "{desc} {percentage:3.0f}% |{bar:20}| {elapsed} of {elapsed}+{remaining} {postfix}"
        return tqdm(total=100, initial=self._done() * 100, desc="training", disable=not show, bar_format=layout)

    def _summary(self, steps_per_s: float) -> str:
        state = self.progress
        held_out = f", held out {state.validation_loss:.4f}" if state.validation_loss is not None else ""
        return f"step {state.step}, {steps_per_s:.1f} steps/s, loss {state.train_loss:.4f}{held_out}"


def check_finite(state: Progress) -> None:
    """Raise where training has diverged, before a checkpoint of it replaces a good one.

    Raises:
        DivergedError: saying at which step, and what to change.
    """
    if not math.isfinite(state.train_loss):
        raise DivergedError(
            f"the loss is {state.train_loss} at step {state.step}: training has diverged. Lower --learning_rate or "
            "--max_gradient_norm, and look for extreme values in the dataset with `muse inspect`"
        )


def to_device(batch: Arrays, device: torch.device) -> Tensors:
    """Numpy to tensors, images still as bytes."""
    return {name: torch.from_numpy(array).to(device) for name, array in batch.items()}


def random_state() -> dict[str, Any]:
    """State of torch's generators."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def set_random_state(state: dict[str, Any]) -> None:
    """Put torch's generators where :func:`random_state` found them."""
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
