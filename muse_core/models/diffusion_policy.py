"""Diffusion Policy: a chunk of actions is denoised from Gaussian noise, given the last few observations.

Chi et al., "Diffusion Policy: Visuomotor Policy Learning via Action Diffusion", 2023. A distribution with several modes
(left or right around an obstacle) is sampled rather than averaged.

A window is H steps: the first O are observed, the present is step O - 1, and all H actions are denoised, those before
the present too. What lies past the present is carried out for some steps before the next chunk is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from muse_core.models.actions import ActionCodec
from muse_core.models.diffusion.denoisers import TransformerDenoiser, UnetDenoiser
from muse_core.models.diffusion.schedule import BETAS, NoiseSchedule, sample
from muse_core.models.history import History
from muse_core.models.losses import step_term
from muse_core.models.model import Tensors, Terms
from muse_core.models.observations import ObservationEncoder, build_observation_encoder

if TYPE_CHECKING:
    from muse_core.configs import TrainConfig
    from muse_core.datasets.statistics import Statistics
    from muse_core.spec import Spec

VALIDATION_STEPS = 10  # of the process, at which each held-out window is tried


@dataclass
class DiffusionMemory:
    """The last encoded steps of each episode, and how old it is, which seeds its noise.

    Attributes:
        history: The last O steps.
        age: (B,) int64 on the CPU, steps observed since the episode began.
    """

    history: History
    age: Tensor

    def forget(self, which: Tensor) -> None:
        """Begin these episodes anew."""
        self.history.forget(which)
        self.age = self.age.masked_fill(which.cpu(), 0)


class DiffusionPolicy(nn.Module):
    """Encodes the observations once and denoises the actions given them."""

    def __init__(
        self,
        encoder: ObservationEncoder,
        actions: ActionCodec,
        denoiser: nn.Module,
        schedule: NoiseSchedule,
        *,
        horizon: int,
        observation_steps: int,
        sampling_steps: int,
        eta: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Put the parts together.

        Args:
            encoder: Observations to features.
            actions: Between actions and what the network gives.
            denoiser: Takes noisy actions (B, H, A), steps of the process (B,) and features (B, O, F) to (B, H, A).
            schedule: The diffusion process.
            horizon: H.
            observation_steps: O.
            sampling_steps: Steps of the process that are visited when it acts.
            eta: 0 acts by DDIM; 1 by DDPM, where all steps are visited.
            seed: Of the noise when it acts.
        """
        super().__init__()
        self.encoder, self.actions, self.denoiser, self.schedule = encoder, actions, denoiser, schedule
        self.horizon, self.observation_steps = horizon, observation_steps
        self.sampling_steps, self.eta, self.seed = sampling_steps, eta, seed
        schedule.steps_back(sampling_steps)  # raises here, not at the first action

    def loss(self, batch: Tensors) -> Terms:
        """Squared error of what the denoiser gives, at a random step of the process for each window.

        A padded action is replaced by the nearest real one before noise is added. That is what such a place comes to
        when it acts, where nothing is padded; with zeros there, which a network never meets again, the real actions of
        windows that reach beyond their episode were up to half as wrong again.
        In evaluation mode each window is tried at the same steps, spread over the process, with the same noise: a few
        held-out windows at random steps would say more about the steps than about the weights.
        """
        mask = batch["mask"]
        features = fill_padding(self.encoder(batch), batch["observation_mask"])
        clean = fill_padding(self.actions.encode(batch), mask)
        if self.training:
            noise = torch.randn_like(clean)
            step = torch.randint(self.schedule.steps, (len(clean),), device=clean.device)
        else:
            windows, count = len(clean), min(VALIDATION_STEPS, self.schedule.steps)
            mask, features, clean = (each.repeat_interleave(count, dim=0) for each in (mask, features, clean))
            generator = torch.Generator(clean.device).manual_seed(self.seed)
            noise = torch.randn(clean.shape, generator=generator, device=clean.device)
            step = torch.tensor(self.schedule.steps_back(count), device=clean.device).repeat(windows)
        output = self.denoiser(self.schedule.add_noise(clean, noise, step), step, features)
        error = (output - self.schedule.target(clean, noise)).square()
        return {"denoising": step_term(error, mask)}

    def start(self, batch_size: int) -> DiffusionMemory:
        """Memory for the beginning of `batch_size` episodes."""
        return DiffusionMemory(History(batch_size, self.observation_steps), torch.zeros(batch_size, dtype=torch.int64))

    def observe(self, observation: Tensors, memory: DiffusionMemory) -> None:
        """Take in one (B, ...) observation."""
        memory.history.push(self.encoder.step(observation))
        memory.age = memory.age + 1

    def predict(self, memory: DiffusionMemory) -> Tensors:
        """Actions from the present on, (B, H - O + 1, ...), in the units of the spec.

        An episode that is younger than O steps is seen as if its first observation had stood still before.
        """
        features = memory.history.padded_front()
        noise = self._noise(memory.age).to(features.device, features.dtype)
        chunk = sample(
            self.schedule, lambda x, step: self.denoiser(x, step, features), noise, self.sampling_steps, self.eta
        )
        return self.actions.decode(chunk[:, self.observation_steps - 1 :])

    def _noise(self, age: Tensor) -> Tensor:
        """Noise for each episode, (B, 1 or sampling_steps, H, A).

        It follows from the episode's age alone: neither its neighbours in the batch nor earlier calls change it.
        """
        draws = self.sampling_steps if self.eta > 0 else 1
        noise = torch.empty(len(age), draws, self.horizon, self.actions.size)
        for each, steps in zip(noise, age.tolist(), strict=True):
            each.normal_(generator=torch.Generator().manual_seed(self.seed * 1_000_003 + steps))
        return noise


def fill_padding(values: Tensor, mask: Tensor) -> Tensor:
    """(B, T, ...) with what is padded replaced by the nearest real step, as before an episode when it acts.

    Args:
        values: Encoded observations or actions.
        mask: (B, T) bool, False for padding, which is at the front and at the end only.
    """
    steps = mask.shape[1]
    first = mask.int().argmax(dim=1, keepdim=True)
    last = steps - 1 - mask.flip(1).int().argmax(dim=1, keepdim=True)
    rows = torch.arange(steps, device=mask.device).clamp(first, last)
    return values.gather(1, rows.unsqueeze(-1).expand_as(values))


def build(config: TrainConfig, spec: Spec, statistics: Mapping[str, Statistics] | None) -> DiffusionPolicy:
    """The model of a training config, for the observations and actions of `spec`."""
    model = config.model
    encoder = build_observation_encoder(config, spec, statistics)
    actions = ActionCodec(spec.select(config.actions), statistics, model.normalization)
    sizes = (actions.size, encoder.size, model.observation_steps)
    net = model.denoiser
    if net.kind == "unet":
        denoiser = UnetDenoiser(
            *sizes,
            channels=net.channels,
            kernel=net.kernel,
            groups=net.groups,
            step_width=net.step_width,
            condition_width=net.condition_width,
        )
    else:
        denoiser = TransformerDenoiser(
            *sizes,
            horizon=config.horizon,
            width=net.width,
            heads=net.attention_heads,
            layers=net.layers,
            dropout=net.dropout,
            causal=net.causal,
        )
    # Only scaling by minimum and maximum promises that clean actions lie within -1 .. 1.
    clip = 1.0 if model.normalization == "min_max" else None
    return DiffusionPolicy(
        encoder,
        actions,
        denoiser,
        NoiseSchedule(BETAS[model.noise_schedule](model.noise_steps), model.prediction, clip),
        horizon=config.horizon,
        observation_steps=model.observation_steps,
        sampling_steps=model.sampling_steps,
        eta=model.eta,
        seed=model.sampling_seed,
    )
