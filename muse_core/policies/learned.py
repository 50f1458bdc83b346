"""A trained model as a policy: one observation in, one action out, with memory that lasts one episode.

Importing this module does not import torch; loading a checkpoint does.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from muse_core.checkpoints import Checkpoint, load_checkpoint
from muse_core.configs.model_settings import Execution
from muse_core.policies.chunking import ChunkExecutor
from muse_core.policies.policy import Readiness
from muse_core.spec import Arrays, Spec


class LearnedPolicy:
    """Runs a checkpoint. The same observations give the same actions: nothing is augmented, and noise is seeded.

    The model sees every observation, and is asked for actions only when those of its last answer are used up.

    Attributes:
        observation_spec: What :meth:`act` needs, goals (``goal/<key>``) not among them.
        goal_spec: The goals that the model is conditioned on; empty where it is not.
        action_spec: What :meth:`act` returns.
        contract: The contract of the demonstrations, where they had one.
        rate_hz: Rate at which it is to act, where the demonstrations say so.
        checkpoint: What it was made from.
        batch_size: Episodes that are run side by side; None where arrays come without that dimension.
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu", batch_size: int | None = None) -> None:
        """Build the model and load its weights."""
        from muse_core.models import build_model

        spec = checkpoint.array_spec
        config = checkpoint.train_config
        self.observation_spec = spec.select(config.observations)
        self.goal_spec = Spec({f"goal/{name}": spec[name] for name in config.goal.keys})
        self.action_spec = spec.select(config.actions)
        self.contract: dict[str, Any] | None = checkpoint.contract
        self.rate_hz = checkpoint.rate_hz
        self.checkpoint = checkpoint
        self.batch_size = batch_size
        self._device = device
        self._goal: Arrays = {}
        self._model = build_model(config, spec)
        self._model.load_state_dict(checkpoint.model)
        self._model.to(device).eval()
        self.reset()

    @classmethod
    def from_checkpoint(
        cls, source: str | Path | Checkpoint, device: str = "cpu", batch_size: int | None = None
    ) -> LearnedPolicy:
        """The policy of a checkpoint, or of the file that holds one.

        Raises:
            FileNotFoundError: when there is no such file.
            CheckpointError: when it is no checkpoint.
        """
        checkpoint = source if isinstance(source, Checkpoint) else load_checkpoint(source)
        return cls(checkpoint, device, batch_size)

    def set_goal(self, goal: Arrays) -> None:
        """The goal from now on, as ``goal/<key>`` or ``<key>`` to array; one in an observation goes before it."""
        self._goal = {name if name.startswith("goal/") else f"goal/{name}": value for name, value in goal.items()}

    def reset(self, which: np.ndarray | None = None) -> None:
        """Forget the last episode.

        Args:
            which: Of a batch, the episodes that begin anew, (B,) bool; all by default.
        """
        import torch

        if which is None:
            self._memory = self._model.start(self.batch_size or 1)
            self.replan()
            return
        self._memory.forget(torch.from_numpy(np.asarray(which, bool)))
        for executor in self._executors.values():
            executor.reset(which)

    def act(self, observation: Arrays) -> Arrays:
        """The action for one observation, or the actions for a batch of them.

        Args:
            observation: Arrays of one time step, as `observation_spec` describes them, behind the batch where there is
                one; further keys are ignored.

        Returns:
            Arrays as `action_spec` describes them, behind the batch where there is one.

        Raises:
            SpecError: naming an array that is missing or not as described.
        """
        self.observe(observation)
        if any(executor.needs_prediction().any() for executor in self._executors.values()):
            chunks = self._predict()
            for name, executor in self._executors.items():
                executor.add(chunks[name])
        actions = {n: executor.next().astype(self.action_spec[n].dtype) for n, executor in self._executors.items()}
        return actions if self.batch_size is not None else {name: action[0] for name, action in actions.items()}

    def observe(self, observation: Arrays) -> None:
        """Take one observation in, without acting on it; as for :meth:`act`.

        Raises:
            SpecError: naming an array that is missing or not as described.
        """
        import torch

        batched = self.batch_size is not None
        spec = Spec({**self.observation_spec, **self.goal_spec})
        arrays = {**self._goal, **observation}
        spec.check(arrays, leading=int(batched))
        found = {name: np.array(arrays[name]) if batched else np.array(arrays[name])[None] for name in spec}
        with torch.inference_mode():
            tensors = {name: torch.from_numpy(array).to(self._device) for name, array in found.items()}
            self._model.observe(tensors, self._memory)

    def plan(self) -> Arrays:
        """Actions from the last observation on, (T, ...) by key, behind the batch where there is one."""
        chunks = {n: chunk.astype(self.action_spec[n].dtype) for n, chunk in self._predict().items()}
        return chunks if self.batch_size is not None else {name: chunk[0] for name, chunk in chunks.items()}

    def replan(self) -> None:
        """Forget what was planned, but not what was observed."""
        self._executors = {n: self._executor(array.quaternion) for n, array in self.action_spec.items()}

    @property
    def execution(self) -> Execution:
        """How the model's plans are meant to be carried out."""
        return self.checkpoint.train_config.model.execution

    def warm_up(self, steps: int = 5) -> Readiness:
        """Act a few times on made-up observations, so that the first real action is as fast as the rest; then reset."""
        leading = () if self.batch_size is None else (self.batch_size,)
        spec = Spec({**self.goal_spec, **self.observation_spec})
        observation = spec.zeros(*leading)
        for name in (n for n, array in spec.items() if array.is_quaternion):
            observation[name][..., 3] = 1.0  # zeros are no rotation
        for _ in range(steps):
            self.act(observation)
        began = time.perf_counter()
        self.observe(observation)
        plan = self.plan()
        taken_s = time.perf_counter() - began
        self.reset()
        return Readiness(next(iter(plan.values())).shape[len(leading)], taken_s)

    def _predict(self) -> Arrays:
        """The model's answer, (B, T, ...) float32 by key."""
        import torch

        with torch.inference_mode():
            chunks = self._model.predict(self._memory)
            return {name: chunks[name].float().cpu().numpy() for name in self.action_spec}

    def _executor(self, quaternion: slice | None) -> ChunkExecutor:
        return ChunkExecutor(self.execution.execute, self.execution.ensemble, self.batch_size or 1, quaternion)
