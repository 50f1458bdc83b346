"""The slow Franka hand: it hears a command late and moves its fingers at a fixed, low speed. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

MAX_WIDTH_M = 0.08
LATENCY_S = 0.1
SPEED_M_S = 0.1
# How far the reference runs ahead of the fingers: it sets the grip force, and lets the hand turn round at once.
LEAD_M = 0.012


@dataclass
class SlowHand:
    """Turns commanded openings into the reference that the finger servo follows.

    Attributes:
        width_m: The reference opening between the fingers [m].
    """

    width_m: float = MAX_WIDTH_M
    _target_m: float = MAX_WIDTH_M
    _commanded_m: float = MAX_WIDTH_M
    _pending: deque[tuple[int, float]] = field(default_factory=deque)

    def reset(self, width_m: float = MAX_WIDTH_M) -> None:
        """Forget commands; stand still at an opening [m]."""
        self.width_m = self._target_m = self._commanded_m = width_m
        self._pending.clear()

    def update(self, now_ns: int, commanded_m: float, measured_m: float, dt_s: float) -> float:
        """The reference opening [m] after `dt_s`.

        Args:
            now_ns: Time of the command.
            commanded_m: Opening that is asked for now; takes effect `LATENCY_S` later.
            measured_m: Opening between the fingers now.
            dt_s: Time until the next update.
        """
        if commanded_m != self._commanded_m:
            self._commanded_m = commanded_m
            self._pending.append((now_ns + round(LATENCY_S * 1e9), commanded_m))
        while self._pending and self._pending[0][0] <= now_ns:
            self._target_m = float(np.clip(self._pending.popleft()[1], 0.0, MAX_WIDTH_M))
        step = np.clip(self._target_m - self.width_m, -SPEED_M_S * dt_s, SPEED_M_S * dt_s)
        self.width_m = float(np.clip(self.width_m + step, measured_m - LEAD_M, measured_m + LEAD_M))
        return self.width_m
