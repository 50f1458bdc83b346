"""An exponential moving average of the weights, which varies less from step to step than they do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

# Of batch norm, what goes with the weights; other buffers are constants.
RUNNING = ("running_mean", "running_var")


class AveragedWeights:
    """The average of a model's parameters, and of its batch norms' statistics, over the steps of training.

    The decay begins low and reaches its value after some thousand steps, so that the random weights of the start are
    soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Begin with the weights as they are."""
        self.decay, self.updates = decay, 0
        self._live = averaged_tensors(model)
        self._average = {name: tensor.detach().clone() for name, tensor in self._live.items()}

    def decay_now(self) -> float:
        """The decay of the next update: ``min(decay, (1 + updates) / (10 + updates))``."""
        return min(self.decay, (1 + self.updates) / (10 + self.updates))

    @torch.no_grad()
    def update(self) -> None:
        """Take in the model's weights after one more step."""
        weight = 1.0 - self.decay_now()
        torch._foreach_lerp_([*self._average.values()], [t.detach() for t in self._live.values()], weight)
        self.updates += 1

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within this context the model has the averaged weights."""
        with torch.no_grad():
            own = {name: tensor.detach().clone() for name, tensor in self._live.items()}
            self._set(self._average)
        try:
            yield
        finally:
            self._set(own)

    def state_dict(self) -> dict[str, object]:
        """All that :meth:`load_state_dict` needs."""
        return {"updates": self.updates, "average": dict(self._average)}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on where another stood."""
        self.updates = int(state["updates"])
        for name, tensor in self._average.items():
            tensor.copy_(state["average"][name])

    @torch.no_grad()
    def _set(self, values: dict[str, Tensor]) -> None:
        for name, tensor in self._live.items():
            tensor.copy_(values[name])


def averaged_tensors(model: nn.Module) -> dict[str, Tensor]:
    """What is averaged of a model, by name: the tensors themselves."""
    running = {name: buffer for name, buffer in model.named_buffers() if name.endswith(RUNNING)}
    return {**dict(model.named_parameters()), **running}
