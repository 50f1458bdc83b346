"""A trained model as a policy: one observation in, one action out, with memory that lasts one episode.

Importing this module does not import torch; loading a checkpoint does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from muse_core.checkpoints import Checkpoint, load_checkpoint

Arrays = dict[str, np.ndarray]


class LearnedPolicy:
    """Runs a checkpoint. The same observations give the same actions: nothing is random, nothing is augmented.

    Attributes:
        observation_spec: What :meth:`act` needs.
        action_spec: What it returns.
        contract: The contract of the demonstrations, where they had one.
        rate_hz: Rate at which it is to act, where the demonstrations say so.
        checkpoint: What it was made from.
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        """Build the model and load its weights."""
        from muse_core.models import build_model

        spec = checkpoint.array_spec
        config = checkpoint.train_config
        self.observation_spec = spec.select(config.observations)
        self.action_spec = spec.select(config.actions)
        self.contract: dict[str, Any] | None = checkpoint.contract
        self.rate_hz = checkpoint.rate_hz
        self.checkpoint = checkpoint
        self._device = device
        self._model = build_model(config, spec)
        self._model.load_state_dict(checkpoint.model)
        self._model.to(device).eval()
        self.reset()

    @classmethod
    def from_checkpoint(cls, source: str | Path | Checkpoint, device: str = "cpu") -> LearnedPolicy:
        """The policy of a checkpoint, or of the file that holds one.

        Raises:
            FileNotFoundError: when there is no such file.
            CheckpointError: when it is no checkpoint.
        """
        checkpoint = source if isinstance(source, Checkpoint) else load_checkpoint(source)
        return cls(checkpoint, device)

    def reset(self) -> None:
        """Forget the last episode."""
        self._memory = self._model.start(1)

    def act(self, observation: Arrays) -> Arrays:
        """The action for one observation.

        Args:
            observation: Arrays of one time step, as `observation_spec` describes them; further keys are ignored.

        Returns:
            Arrays as `action_spec` describes them.

        Raises:
            SpecError: naming an array that is missing or not as described.
        """
        import torch

        self.observation_spec.check(observation)
        tensors = {n: torch.from_numpy(np.array(observation[n])[None]).to(self._device) for n in self.observation_spec}
        with torch.inference_mode():
            actions, self._memory = self._model.step(tensors, self._memory)
        return {n: actions[n][0].cpu().numpy().astype(a.dtype) for n, a in self.action_spec.items()}

    def warm_up(self, steps: int = 5) -> None:
        """Act a few times on made-up observations, so that the first real action is as fast as the rest; then reset."""
        for _ in range(steps):
            self.act(self.observation_spec.zeros())
        self.reset()
