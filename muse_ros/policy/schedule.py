"""Which action of which chunk is carried out at a tick: chunks of actions that each have a time of their own.

Action k of a chunk that was planned from the observation at tick t is meant for t + k periods. At a tick the schedule
gives the action that is meant for that tick and the compensation after it; what is over when a chunk arrives is dropped
and counted, as Chi et al., "Diffusion Policy", 2023, do on the real robot. Pure; all times come in as arguments.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from muse_core.configs.model_settings import Execution
from muse_core.policies.chunking import ensembled

REMEMBERED_PLANS = 5
"""The next plan is expected to take as long as the slowest of so many."""


@dataclass(frozen=True)
class Chunk:
    """Actions that were planned together.

    Attributes:
        made_ns: The tick of the last observation that the plan is made from [ns].
        actions: (T, N), one for each period from that tick on.
    """

    made_ns: int
    actions: np.ndarray


class Schedule:
    """The chunks of one episode, and which of their actions is due.

    Args:
        period_ns: Between two ticks [ns].
        execution: How plans are carried out: ticks between them, and whether those that overlap are averaged.
        latency_ns: The compensation: from a tick to the instant at which its action takes effect [ns].
        inference_ns: How long planning is expected to take before it has been measured here [ns]; 0 where ticks wait
            for plans.
        quaternion: Which numbers of an action are a quaternion; None where there is none.

    Attributes:
        dropped: Actions so far whose time was over when they came.
    """

    def __init__(
        self,
        period_ns: int,
        execution: Execution,
        latency_ns: int = 0,
        inference_ns: int = 0,
        quaternion: slice | None = None,
    ) -> None:
        self._period_ns, self._execution, self._latency_ns = period_ns, execution, latency_ns
        self._quaternion = quaternion
        self._taken_ns = deque([inference_ns], maxlen=REMEMBERED_PLANS)
        self._chunks: list[Chunk] = []
        self.dropped = 0

    @property
    def compensation_s(self) -> float:
        """How far ahead of a tick its action is taken [s]."""
        return self._latency_ns * 1e-9

    @property
    def lead(self) -> int:
        """Ticks between asking for a plan and having it."""
        return math.ceil(max(self._taken_ns) / self._period_ns)

    @property
    def empty(self) -> bool:
        """Whether no plan has come since the last :meth:`clear`."""
        return not self._chunks

    def clear(self) -> None:
        """Forget every plan: another episode begins, or what was planned is no longer wanted."""
        self._chunks.clear()

    def add(self, chunk: Chunk, tick_ns: int, taken_ns: int | None = None) -> None:
        """Take a plan in.

        Args:
            chunk: The plan; not older than the ones before.
            tick_ns: The first tick that can use it [ns].
            taken_ns: How long it took to make, where ticks did not wait for it [ns].
        """
        if taken_ns is not None:
            self._taken_ns.append(taken_ns)
        first = self._place(chunk, chunk.made_ns)
        self.dropped += int(np.clip(self._place(chunk, tick_ns), first, len(chunk.actions))) - first
        if self._execution.ensemble is None:
            self._chunks.clear()
        self._chunks.append(chunk)

    def plan_due(self, tick_ns: int) -> bool:
        """Whether a plan is to be asked for at this tick, so that it is there when the last one has been used."""
        if not self._chunks:
            return True
        newest = self._chunks[-1]
        used = round((tick_ns - newest.made_ns) / self._period_ns)
        runs_out = self._place(newest, tick_ns) + self.lead >= len(newest.actions)
        return runs_out or used >= self._execution.execute - self.lead

    def action(self, tick_ns: int) -> np.ndarray | None:
        """The action of a tick, (N,); None where no plan reaches so far."""
        places = [self._place(chunk, tick_ns) for chunk in self._chunks]
        reaching = [place < len(chunk.actions) for chunk, place in zip(self._chunks, places, strict=True)]
        if not any(reaching):
            return None
        # The oldest run out first, and are not needed any more.
        self._chunks, places = self._chunks[reaching.index(True) :], places[reaching.index(True) :]
        actions = np.stack([chunk.actions[place] for chunk, place in zip(self._chunks, places, strict=True)])
        if len(actions) == 1:
            return actions[0]
        return ensembled(actions, float(self._execution.ensemble or 0.0), self._quaternion)

    def _place(self, chunk: Chunk, tick_ns: int) -> int:
        """Which action of a chunk is meant for a tick and the compensation after it."""
        return round((tick_ns + self._latency_ns - chunk.made_ns) / self._period_ns)
