"""The training loop: batch, loss, step, log, validate, roll out, save. It knows models only by their protocol."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from muse_core.checkpoints import Checkpoint, save_checkpoint
from muse_core.configs import TrainConfig
from muse_core.evaluation.config import EvaluationError
from muse_core.models.model import Tensors, Terms
from muse_core.policies.learned import LearnedPolicy
from muse_core.trainers import pictures
from muse_core.trainers.board import Board
from muse_core.trainers.data import TrainingData, make_augmenter
from muse_core.trainers.device_images import DeviceImages
from muse_core.trainers.distributed import Processes
from muse_core.trainers.interrupt import StopRequest
from muse_core.trainers.loading import prefetch, to_device
from muse_core.trainers.optimisation import Optimisation, autocast
from muse_core.trainers.progress import Progress, check_finite
from muse_core.trainers.random_numbers import own_random_numbers, random_state, set_random_state
from muse_core.trainers.rollouts import run_rollouts
from muse_core.trainers.schedule import learning_rate_factor, share_done
from muse_core.trainers.throughput import Meter
from muse_core.trainers.validation import mean_losses, open_loop_errors

logger = logging.getLogger(__name__)


@dataclass
class Trainer:
    """A run that is ready to go: everything that could be missing or wrong has been found by now.

    Attributes:
        config: What to do.
        model: What learns; see :class:`muse_core.models.model.Model`.
        data: What it learns from.
        deployment: The parts of a checkpoint that do not change: spec, contract, statistics and so on.
        processes: This process's place among all that train.
        progress: Where the run stands.
    """

    config: TrainConfig
    model: torch.nn.Module
    data: TrainingData
    deployment: dict[str, Any]
    processes: Processes = field(default_factory=Processes)
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self.device = next(self.model.parameters()).device
        self.optimisation = Optimisation(self.model, self.config, self.processes)
        self._loss: Callable[[Tensors], Terms] = self.model.loss
        if self.config.compile:
            self._loss = torch.compile(self.model.loss)
        self._consumed = self.data.sampler.state_dict()

    def run(self, models: Path, board: Board, show_progress: bool = True) -> Progress:
        """Train until the limit of steps or minutes, or until a signal asks to stop; save into `models` in any case."""
        config, state, data = self.config, self.progress, self.data
        begun = time.monotonic() - state.elapsed_s
        meter, stopped, first = Meter(), False, state.step
        batches = self._batches()
        with StopRequest() as stop, closing(batches), self._bar(show_progress and self.processes.is_first) as bar:
            while not stopped and (done := self._done()) < 1.0:
                rate = self._set_learning_rate(done)
                batch = self._learn(batches, meter)
                state.step += 1
                state.elapsed_s, stopped = self.processes.agree(time.monotonic() - begun, bool(stop))
                bar.update(self._done() * 100 - bar.n)

                ending = stopped or self.finished
                if state.step % config.log_every == 0 or self.finished:
                    means = meter.read() | {"learning_rate": rate, "epoch": self._consumed["drawn"] / data.sampler.size}
                    state.train_loss = means["loss"]
                    check_finite(state.train_loss, state.step)
                    self._log(board, "train", means)
                    bar.set_postfix_str(self._summary(means["steps_per_s"]), refresh=False)
                    meter = Meter()
                with aside(meter):
                    if config.images_every and (state.step == 1 or state.step % config.images_every == 0):
                        self._picture(board, batch)
                    if state.step % config.validate_every == 0 or (self.finished and not stopped):
                        self._validate(models, board)
                    every = config.rollouts.every
                    if every and not stopped and (state.step % every == 0 or self.finished):
                        self._roll_out(models, board, lambda: bool(stop))
                    if config.checkpoint_every and state.step % config.checkpoint_every == 0:
                        self.save(models / f"chkpt_{state.step:010d}.pt", meter)
                    if state.step % config.save_every == 0 or ending:
                        self.save(models / "model.pt", meter)
        if state.step == first:  # killed after the last step, before it was saved
            self.save(models / "model.pt")
        reason = f"stopped by {stop.reason or 'another process'}" if stopped else "done"
        logger.info("%s after %d steps and %.1f minutes", reason, state.step, state.elapsed_s / 60)
        return state

    @property
    def finished(self) -> bool:
        """Whether the limit of steps or minutes is reached."""
        return self._done() >= 1.0

    def describe(self) -> str:
        """One line on what learns from how much."""
        parameters = sum(p.numel() for p in self.model.parameters())
        held_out = sum(len(part.ids) for part in self.data.held_out)
        several = f" in {self.processes.world_size} processes" if self.processes.several else ""
        where = "in memory" if self.data.in_memory else "memory-mapped"
        if self.data.without_images is not None:
            where = f"pictures on {self.device}"
        return (
            f"{parameters:,} parameters on {self.device} with {torch.get_num_threads()} threads{several}; "
            f"{self.data.episodes} episodes, {len(self.data.train)} windows "
            f"({where}); {held_out} episodes held out"
        )

    def checkpoint(self) -> Checkpoint:
        """All that is known now. Every process must call this; all get the same but for what is on their device."""
        self.processes.share_buffers(self.model)
        training = {
            **self.optimisation.state_dict(),
            "sampler": self._consumed,
            "random": self.processes.gather(random_state()),
            "data": self.data.fingerprint,
            "weights": None if self.optimisation.average is None else self.model.state_dict(),
        }
        with self._averaged():
            model = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        return Checkpoint(
            step=self.progress.step,
            config=self.config.to_dict(),
            model=model,
            metrics=asdict(self.progress),
            training=training,
            **self.deployment,
        )

    def save(self, path: Path, meter: Meter | None = None) -> None:
        """Write a checkpoint, from the first process. Every process must call this.

        Raises:
            DivergedError: where the last loss of `meter` is no number, so that a good file stays.
        """
        if meter is not None:
            check_finite(meter.last_loss(), self.progress.step)
        checkpoint = self.checkpoint()
        if self.processes.is_first:
            save_checkpoint(path, checkpoint)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on exactly where a checkpoint was written.

        Raises:
            ValueError: when the data is not what it was trained on.
        """
        training = checkpoint.training
        if training["data"] != self.data.fingerprint:
            raise ValueError("the episodes to learn from are not the same, or not of the same lengths")
        self.model.load_state_dict(checkpoint.model if training["weights"] is None else training["weights"])
        self.optimisation.load_state_dict(training)
        self.data.sampler.load_state_dict(training["sampler"])
        self._consumed = self.data.sampler.state_dict()
        self.progress = Progress(**checkpoint.metrics)
        if len(training["random"]) == self.processes.world_size:
            set_random_state(training["random"][self.processes.rank])

    def _batches(self) -> Generator[tuple[Tensors, dict[str, Any]], None, None]:
        data = self.data
        if data.without_images is None:
            return prefetch(data.train, data.sampler, data.augmenter, self.device)
        images = DeviceImages(data.parts, data.augmenter, self.device)
        rest = data.without_images
        return prefetch(rest, data.sampler, make_augmenter(self.config, rest.spec), self.device, images)

    def _learn(self, batches: Iterator[tuple[Tensors, dict[str, Any]]], meter: Meter) -> Tensors:
        """One step, from as many batches as it adds up; the last of them."""
        waited = 0.0
        self.model.train()
        for _ in range(self.config.accumulate):
            asked = time.monotonic()
            batch, self._consumed = next(batches)
            waited += time.monotonic() - asked
            terms = self._terms(batch)
            self.optimisation.add(terms)
        meter.add(terms, self.optimisation.step(), waited, self._samples)
        return batch

    def _terms(self, batch: Tensors) -> Terms:
        with autocast(self.device, self.config.precision):
            return self._loss(batch)

    def _averaged(self) -> AbstractContextManager[None]:
        """A context in which the model has the weights that are validated and deployed."""
        return nullcontext() if self.optimisation.average is None else self.optimisation.average.applied()

    @property
    def _samples(self) -> int:
        return self.config.batch_size * self.config.accumulate * self.processes.world_size

    def _done(self) -> float:
        limit = self.config.max_minutes
        elapsed = self.progress.elapsed_s
        return share_done(self.progress.step, self.config.max_steps, elapsed, limit * 60 if limit else None)

    def _set_learning_rate(self, done: float) -> float:
        config = self.config
        factor = learning_rate_factor(self.progress.step, done, config.warmup_steps, config.final_learning_rate)
        self.optimisation.set_learning_rate(config.learning_rate * factor)
        return config.learning_rate * factor

    def _picture(self, board: Board, batch: Tensors) -> None:
        """What the network sees and would do, for a look."""
        if not self.processes.is_first:
            return
        config, step = self.config, self.progress.step
        for name, grid in pictures.grids(self.model, batch).items():
            board.image(step, f"seen/{name}", grid)
        for name, values in pictures.actions(self.model, batch, config.observations, config.actions).items():
            board.histogram(step, f"actions/{name}", values)

    def _validate(self, models: Path, board: Board) -> None:
        """Losses over every held-out window, errors along held-out episodes; keeps the model of the lowest loss."""
        state, data = self.progress, self.data
        if not data.validation:
            return
        self.processes.share_buffers(self.model)
        self.model.eval()
        bring = partial(to_device, device=self.device)
        with self._averaged(), own_random_numbers(self.config.seed):
            losses = [mean_losses(self._terms, part, bring, self.processes) for part in data.validation.values()]
        for name, means in zip(data.validation, losses, strict=True):
            self._log(board, f"validation/{name}" if name else "validation", means)
        state.validation_loss = losses[0]["loss"]
        improved = state.best_validation_loss is None or state.validation_loss < state.best_validation_loss
        if improved:
            state.best_validation_loss = state.validation_loss
        checkpoint = self.checkpoint()
        if episodes := data.open_loop_episodes(self.config.open_loop_episodes):
            with own_random_numbers(self.config.seed):
                policy = LearnedPolicy(checkpoint, str(self.device), batch_size=len(episodes))
                self._log(board, "open_loop", open_loop_errors(policy, episodes, self.processes))
        if improved and self.processes.is_first:
            save_checkpoint(models / "best_model.pt", checkpoint)

    def _roll_out(self, models: Path, board: Board, stop: Callable[[], bool]) -> None:
        """Success in the environment; keeps the model that succeeds most often, of several the earliest."""
        checkpoint, state = self.checkpoint(), self.progress
        if not self.processes.is_first:
            return
        candidate = models / ".rollout_model.pt"
        try:
            save_checkpoint(candidate, checkpoint)
            outcome = run_rollouts(self.config, candidate, stop)
        except EvaluationError as error:
            logger.warning("rollouts at step %d: %s; training goes on", state.step, error)
            return
        finally:
            candidate.unlink(missing_ok=True)
        if not outcome.whole:
            return
        state.success_rate = outcome.success_rate
        self._log(board, "rollout", outcome.scalars)
        for i, frames in enumerate(outcome.videos.values()):
            board.video(state.step, f"rollout/video_{i}", frames, self.deployment["rate_hz"] or 10.0)
        if state.best_success_rate is None or outcome.success_rate > state.best_success_rate:
            state.best_success_rate = outcome.success_rate
            save_checkpoint(models / "best_rollout_model.pt", replace(checkpoint, metrics=asdict(state)))

    def _log(self, board: Board, prefix: str, scalars: dict[str, float]) -> None:
        named = {f"{prefix}/{name}": value for name, value in scalars.items()}
        board.scalars(self.progress.step, {"minutes": self.progress.elapsed_s / 60, **named})

    def _bar(self, show: bool) -> tqdm:
        layout = "{desc} {percentage:3.0f}% |{bar:20}| {elapsed} of {elapsed}+{remaining} {postfix}"
        return tqdm(total=100, initial=self._done() * 100, desc="training", disable=not show, bar_format=layout)

    def _summary(self, steps_per_s: float) -> str:
        state = self.progress
        held_out = f", held out {state.validation_loss:.4f}" if state.validation_loss is not None else ""
        return f"step {state.step}, {steps_per_s:.1f} steps/s, loss {state.train_loss:.4f}{held_out}"


@contextmanager
def aside(meter: Meter) -> Iterator[None]:
    """What happens within this context is left out of the throughput."""
    begun = time.monotonic()
    yield
    meter.pause(time.monotonic() - begun)
