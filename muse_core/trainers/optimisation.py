"""One gradient step: from the losses of one or several batches, in one or several processes, to new weights."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from muse_core.configs import TrainConfig
from muse_core.models.model import Terms, weighted_loss
from muse_core.trainers.distributed import Processes
from muse_core.trainers.ema import AveragedWeights

HALF = {"bfloat16": torch.bfloat16, "float16": torch.float16}


class Optimisation:
    """Gradients, their clipping, the optimiser and the average of the weights.

    :meth:`add` is called with the loss's terms of each batch of a step, then :meth:`step` once.

    Attributes:
        optimizer: Over the model's parameters.
        average: The averaged weights, where the config wants them.
    """

    def __init__(self, model: nn.Module, config: TrainConfig, processes: Processes | None = None) -> None:
        """For the parameters of `model`, where they lie now."""
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._processes = processes or Processes()
        self._accumulate = config.accumulate
        self._max_norm = config.max_gradient_norm or float("inf")
        self.optimizer = build_optimizer(model, config)
        self.average = AveragedWeights(model, config.ema_decay) if config.ema_decay else None
        # float16 underflows where bfloat16 and float32 do not.
        device = self._parameters[0].device.type
        self._scaler = torch.amp.GradScaler(device) if config.precision == "float16" else None
        self._begin()

    def set_learning_rate(self, rate: float) -> None:
        """For the next step."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def add(self, terms: Terms) -> None:
        """Take in the loss of one batch: its gradients, and what it counted."""
        if self._sums is None:
            self.optimizer.zero_grad(set_to_none=True)
        sums = torch.stack(
            [*(t.total.detach().float() for t in terms.values()), *(t.count.float() for t in terms.values())]
        )
        if self._accumulate == 1:
            self._sums = self._processes.sum(sums)
            self._scaled(weighted_loss(terms, self._counts(terms))).backward()
            return
        # Terms are divided by how much they count over all batches, which is known only after the last: until then each
        # has gradients of its own. Those of the first batch's counts keep them in the range of float16.
        if self._sums is None:
            self._references = {name: t.count.clamp(min=1).detach() for name, t in terms.items()}
            self._sums = torch.zeros_like(sums)
        self._sums += sums
        self._weights = {name: t.weight for name, t in terms.items() if t.weight}
        for i, name in enumerate(self._weights, start=1):
            part = self._scaled(terms[name].total / self._references[name])
            again = i < len(self._weights)
            gradients = torch.autograd.grad(part, self._parameters, retain_graph=again, allow_unused=True)
            self._gather(name, gradients)
        self._names = [*terms]

    def step(self) -> Tensor:
        """Update the weights by what was added since the last step.

        Returns:
            What :func:`read_sums` reads, in one tensor: the norm of the gradients before clipping, then the sums.
        """
        if self._accumulate > 1:
            self._sums = self._processes.sum(self._sums)
            self._combine()
        self._processes.sum_gradients(self._parameters)
        if self._scaler is not None:
            self._scaler.unscale_(self.optimizer)
        norm = clip_gradients(self._parameters, self._max_norm)
        if self._scaler is not None:
            self._scaler.step(self.optimizer)
            self._scaler.update()
        else:
            self.optimizer.step()
        if self.average is not None:
            self.average.update()
        figures = torch.cat([norm.detach().float().reshape(1), self._sums])
        self._begin()
        return figures

    def state_dict(self) -> dict[str, Any]:
        """All that :meth:`load_state_dict` needs, between two steps."""
        parts = {"optimizer": self.optimizer, "average": self.average, "scaler": self._scaler}
        return {name: None if part is None else part.state_dict() for name, part in parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another stood.

        Raises:
            ValueError: where one averaged or scaled and the other does not.
        """
        parts = {"optimizer": self.optimizer, "average": self.average, "scaler": self._scaler}
        for name, part in parts.items():
            if (part is None) != (state[name] is None):
                field = {"average": "ema_decay", "scaler": "precision"}[name]
                raise ValueError(f"the checkpoint was written with another --{field}")
            if part is not None:
                part.load_state_dict(state[name])

    def _begin(self) -> None:
        self._sums: Tensor | None = None
        self._parts: dict[str, list[Tensor | None]] = {}

    def _scaled(self, loss: Tensor) -> Tensor:
        return loss if self._scaler is None else self._scaler.scale(loss)

    def _counts(self, terms: Terms) -> dict[str, Tensor]:
        return dict(zip(terms, self._sums[len(terms) :], strict=True))

    def _gather(self, name: str, gradients: tuple[Tensor | None, ...]) -> None:
        if name not in self._parts:
            self._parts[name] = list(gradients)
            return
        for i, gradient in enumerate(gradients):
            if gradient is not None:
                before = self._parts[name][i]
                self._parts[name][i] = gradient if before is None else before + gradient

    def _combine(self) -> None:
        """Add up the gradients of all terms, each divided by what it counts in all."""
        counts = dict(zip(self._names, self._sums[len(self._names) :].clamp(min=1), strict=True))
        for name, gradients in self._parts.items():
            factor = self._weights[name] * self._references[name] / counts[name]
            for parameter, gradient in zip(self._parameters, gradients, strict=True):
                if gradient is not None:
                    part = gradient * factor
                    parameter.grad = part if parameter.grad is None else parameter.grad + part


def read_sums(names: list[str], weights: list[float], figures: Tensor) -> dict[str, float]:
    """Means over several steps, from what :meth:`Optimisation.step` returned at each.

    Args:
        names: Of the terms.
        weights: Of the terms in the loss.
        figures: (steps, 1 + 2 * terms).

    Returns:
        ``loss``, the mean over the steps; ``loss/<term>``, the mean over all that was counted; ``gradient_norm``.
    """
    norms, sums = figures[:, 0], figures[:, 1:].double()
    totals, counts = sums.chunk(2, dim=1)
    means = totals / counts.clamp(min=1)
    whole = totals.sum(dim=0) / counts.sum(dim=0).clamp(min=1)
    loss = (means * means.new_tensor(weights)).sum(dim=1).mean()
    scalars = {"loss": float(loss), **{f"loss/{n}": float(v) for n, v in zip(names, whole, strict=True)}}
    return scalars | {"gradient_norm": float(norms.mean())}


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """The number format of the forward pass."""
    return torch.autocast(device.type, HALF.get(precision), enabled=precision in HALF)


def clip_gradients(parameters: Sequence[nn.Parameter], max_norm: float) -> Tensor:
    """Scale all gradients down where their norm exceeds `max_norm`; the norm before.

    As torch's own, except that on a CPU, where looking at the norm costs nothing, gradients that are short enough are
    not gone over again to be multiplied by one.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients or gradients[0].device.type != "cpu":
        return torch.nn.utils.clip_grad_norm_(parameters, max_norm)
    norm = torch.stack([torch.linalg.vector_norm(each) for each in gradients]).norm()
    if norm > max_norm:
        for each in gradients:
            each.mul_(max_norm / (norm + 1e-6))
    return norm


def build_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam or AdamW, which spares from decay what :func:`decayed` does not name.

    Their fused form goes over the weights once, the plain one a dozen times.
    """
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    groups: list[dict[str, Any]] = [{"params": [p for p in model.parameters() if p.requires_grad]}]
    if config.weight_decay:
        chosen = set(map(id, decayed(model)))
        groups = [
            {"params": [p for p in groups[0]["params"] if (id(p) in chosen) == decays], "weight_decay": decay}
            for decays, decay in ((True, config.weight_decay), (False, 0.0))
        ]
    return kinds[config.optimizer](groups, lr=config.learning_rate, weight_decay=0.0, fused=True)


def decayed(model: nn.Module) -> list[nn.Parameter]:
    """Weight matrices and kernels: no bias, no scale of a norm, no embedding, no learnt position or token."""
    return [
        parameter
        for module in model.modules()
        if not isinstance(module, nn.Embedding)
        for name, parameter in module.named_parameters(recurse=False)
        if "weight" in name and parameter.ndim >= 2 and parameter.requires_grad
    ]
