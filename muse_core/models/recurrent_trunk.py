"""A recurrent network over encoded steps, and what it remembers of an episode when it runs step by step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from muse_core.models.history import History
from muse_core.models.networks.recurrent import Recurrent, State


@dataclass
class SlidingMemory:
    """The encoded steps of the last horizon; the network runs over them from a zero state at every step."""

    history: History

    def forget(self, which: Tensor) -> None:
        """Begin these episodes anew."""
        self.history.forget(which)


@dataclass
class FlushedMemory:
    """The network's state, set to zero every horizon, and its last output."""

    age: Tensor
    state: State | None = None
    output: Tensor | None = None

    def forget(self, which: Tensor) -> None:
        """Begin these episodes anew."""
        self.age = self.age.masked_fill(which.to(self.age.device), 0)


TrunkMemory = SlidingMemory | FlushedMemory


class RecurrentTrunk(nn.Module):
    """Runs over a window from a zero state in training, and never further back than a window when it acts."""

    def __init__(self, recurrent: Recurrent, *, horizon: int, memory: str = "sliding") -> None:
        """Wrap a recurrent network.

        Args:
            recurrent: Over the steps.
            horizon: Longest history at run time; that of the training windows.
            memory: ``sliding`` runs over the last `horizon` steps, ``flush`` zeroes the state every `horizon` steps.
        """
        super().__init__()
        self.recurrent, self.horizon, self.memory = recurrent, horizon, memory
        self.size = recurrent.size

    def forward(self, features: Tensor) -> Tensor:
        """(B, H, F) encoded steps to (B, H, size)."""
        return self.recurrent(features)[0]

    def start(self, batch_size: int) -> TrunkMemory:
        """Memory for the beginning of `batch_size` episodes."""
        if self.memory == "sliding":
            return SlidingMemory(History(batch_size, self.horizon))
        return FlushedMemory(torch.zeros(batch_size, dtype=torch.int64))

    def observe(self, features: Tensor, memory: TrunkMemory) -> None:
        """Take in one encoded step, (B, F)."""
        if isinstance(memory, SlidingMemory):
            memory.history.push(features)
            return
        memory.age = memory.age.to(features.device)
        state = self.recurrent.reset(memory.state, memory.age % self.horizon == 0)
        output, memory.state = self.recurrent(features.unsqueeze(1), state)
        memory.age, memory.output = memory.age + 1, output[:, 0]

    def present(self, memory: TrunkMemory) -> Tensor:
        """What the network gives at the present step, (B, size)."""
        if isinstance(memory, SlidingMemory):
            return memory.history.last(self.forward(memory.history.window()))
        return memory.output
