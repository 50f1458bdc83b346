"""The noise of a diffusion process: how much there is at each step, how to add it and how to take it away.

Written from Ho et al., "Denoising Diffusion Probabilistic Models", 2020 (the process and the linear schedule), Nichol
and Dhariwal, "Improved Denoising Diffusion Probabilistic Models", 2021 (the cosine schedule) and Song et al.,
"Denoising Diffusion Implicit Models", 2021 (sampling in fewer steps). It knows nothing of networks or robots.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

# What the network is taught to give: the noise in its input, or the clean sample.
PREDICTIONS = ("epsilon", "sample")


def linear_betas(steps: int, first: float = 1e-4, last: float = 2e-2) -> Tensor:
    """(steps,) variances of the noise added at each step, evenly spaced. Ho et al., 2020."""
    return torch.linspace(first, last, steps, dtype=torch.float64)


def squared_cosine_betas(steps: int, largest: float = 0.999) -> Tensor:
    """(steps,) variances such that what is left of the signal's variance falls as a squared cosine.

    Nichol and Dhariwal, 2021, equation 17: the offset 0.008 keeps the first steps from being too small, and `largest`
    keeps the last ones from a division by zero.
    """
    share = torch.linspace(0.0, 1.0, steps + 1, dtype=torch.float64)
    kept = torch.cos((share + 0.008) / 1.008 * math.pi / 2).square()
    return (1 - kept[1:] / kept[:-1]).clamp(max=largest)


BETAS: dict[str, Callable[[int], Tensor]] = {"linear": linear_betas, "squared_cosine": squared_cosine_betas}


class NoiseSchedule(nn.Module):
    """A diffusion process of `steps` steps: step 0 has the least noise, step ``steps - 1`` is all but pure noise.

    It holds one table and no weights; it is a module so that the table moves to a device with the model.

    Attributes:
        steps: How many steps there are.
        kept: (steps,) the share of the variance at each step that is still the signal's: alpha-bar in the papers.
    """

    kept: Tensor

    def __init__(self, betas: Tensor, prediction: str = "epsilon", clip: float | None = 1.0) -> None:
        """A process that adds noise of these variances.

        Args:
            betas: (steps,) variance of the noise added at each step, each in (0, 1).
            prediction: What the network gives: ``epsilon``, the noise in its input, or ``sample``, the clean sample.
            clip: Estimates of the clean sample are kept within plus and minus this; None leaves them.

        Raises:
            ValueError: naming the argument that is out of range.
        """
        super().__init__()
        if prediction not in PREDICTIONS:
            raise ValueError(f"prediction must be one of {', '.join(PREDICTIONS)}, got {prediction!r}")
        if betas.ndim != 1 or not len(betas) or not ((betas > 0) & (betas < 1)).all():
            raise ValueError(f"betas must be a list of numbers between 0 and 1, got {betas}")
        self.steps, self.prediction, self.clip = len(betas), prediction, clip
        # Not in the state dict: it follows from the config.
        self.register_buffer("kept", (1 - betas.double()).cumprod(0).float(), persistent=False)

    def add_noise(self, clean: Tensor, noise: Tensor, step: Tensor) -> Tensor:
        """What `clean` is after `step` steps of the process.

        Args:
            clean: (B, ...) samples.
            noise: Standard normal, of the same shape.
            step: (B,) int64, the step of each.
        """
        kept = self.kept[step].view(-1, *[1] * (clean.ndim - 1))
        return kept.sqrt() * clean + (1 - kept).sqrt() * noise

    def target(self, clean: Tensor, noise: Tensor) -> Tensor:
        """What the network is to give for ``add_noise(clean, noise, step)``."""
        return noise if self.prediction == "epsilon" else clean

    def take_noise(
        self, noisy: Tensor, output: Tensor, step: int, to: int, eta: float = 0.0, fresh: Tensor | None = None
    ) -> Tensor:
        """One step back: from samples as noisy as at `step` to samples as noisy as at `to`.

        Song et al., 2021, equation 12. ``eta = 0`` is DDIM, which is deterministic; ``eta = 1`` with ``to = step - 1``
        is DDPM, the posterior of Ho et al. with its smaller variance. Where clipping changes the estimate of the clean
        sample, the noise is the one that goes with the clipped estimate, as in DDPM's posterior.

        Args:
            noisy: (B, ...) samples at `step`.
            output: What the network gives for them.
            step: Where they are.
            to: Where they go, below `step`; -1 is the clean sample.
            eta: How much of the noise is drawn anew, from 0 to 1.
            fresh: Standard normal of the same shape, to draw from where `eta` is above 0; unused on the way to -1.

        Returns:
            (B, ...) samples at `to`.
        """
        kept, left = self.kept[step], (self.kept[to] if to >= 0 else self.kept.new_ones(()))
        clean = output
        if self.prediction == "epsilon":
            clean = (noisy - (1 - kept).sqrt() * output) / kept.sqrt()
        if self.clip is not None:
            clean = clean.clamp(-self.clip, self.clip)
        noise = (noisy - kept.sqrt() * clean) / (1 - kept).sqrt()
        drawn = eta**2 * (1 - left) / (1 - kept) * (1 - kept / left)
        result = left.sqrt() * clean + (1 - left - drawn).clamp(min=0).sqrt() * noise
        return result if fresh is None else result + drawn.sqrt() * fresh

    def steps_back(self, count: int) -> list[int]:
        """The `count` steps that a sampler visits, from the noisiest down to step 0; all of them for ``count = steps``.

        They lie evenly from step 0 on, so that the noisiest is short of the process's last one, where an estimate of
        the clean sample divides by next to nothing. With the exact denoiser of a mixture of three narrow Gaussians, 16
        steps of 100 came a quarter nearer to it this way than with even steps from the last one on.

        Raises:
            ValueError: when `count` is not between 2 and `steps`: from step 0 alone, noise would stay noise.
        """
        if not 2 <= count <= self.steps:
            raise ValueError(f"sampling steps must be between 2 and the process's {self.steps}, got {count}")
        return [i * self.steps // count for i in reversed(range(count))]


def sample(
    schedule: NoiseSchedule, denoise: Callable[[Tensor, Tensor], Tensor], noise: Tensor, steps: int, eta: float = 0.0
) -> Tensor:
    """Samples of what `denoise` has learnt, from noise.

    Args:
        schedule: The process that it was taught on.
        denoise: Takes (B, ...) noisy samples and their (B,) steps to the (B, ...) output of the network.
        noise: Standard normal (B, 1, ...) where `eta` is 0, else (B, steps, ...): the start, and what each further step
            draws anew. All randomness comes in here.
        steps: How many of the process's steps to visit.
        eta: 0 is DDIM; 1, with as many steps as the process has, is DDPM.
    """
    noisy = noise[:, 0]
    visited = schedule.steps_back(steps)
    for i, (step, to) in enumerate(zip(visited, [*visited[1:], -1], strict=True)):
        output = denoise(noisy, torch.full((len(noisy),), step, device=noisy.device))
        fresh = noise[:, i + 1] if eta > 0 and to >= 0 else None
        noisy = schedule.take_noise(noisy, output, step, to, eta, fresh)
    return noisy
