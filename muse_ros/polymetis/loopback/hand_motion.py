"""How the Franka hand moves: one command at a time, at the speed that it names, to a width or until something stops it.

A grasp keeps its force on what it holds; a move that is blocked lets go of it. Pure: time and widths come in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from muse_core.environments.panda.hand import LEAD_M, MAX_WIDTH_M, SPEED_M_S

STIFFNESS_N_M = 2000.0
"""Of the servo that draws the fingers."""
START_NS = 100_000_000
"""From a command to the first motion."""
BLOCKED_NS = 150_000_000
"""Fingers that stand for so long, while they should move, are blocked."""
REACHED_M = 0.0008
DEFAULT_EPSILON_M = 0.2
"""How far from its width a grasp may end and still count, where the command leaves it open (a negative epsilon)."""


@dataclass
class HandMotion:
    """The hand's state, and what it is about.

    Attributes:
        reference_m: Where the servo draws the fingers [m].
        moving: Whether it carries out a command.
        grasped: Whether it holds something.
        successful: Whether the last command did what it said.
    """

    reference_m: float = MAX_WIDTH_M
    moving: bool = False
    grasped: bool = False
    successful: bool = True
    _command: Any = None
    _begin_ns: int = 0
    _stood_since_ns: int = 0
    _last_m: float = MAX_WIDTH_M

    def begin(self, command: Any, now_ns: int) -> None:
        """Carry out a GripperCommand message; the hand must not be moving."""
        self._command, self.moving = command, True
        self._begin_ns = self._stood_since_ns = now_ns + START_NS

    def update(self, now_ns: int, measured_m: float, dt_s: float) -> float:
        """Where the servo is to draw the fingers after `dt_s` [m].

        Args:
            now_ns: Now [ns].
            measured_m: Opening between the fingers now [m].
            dt_s: Time until the next update [s].
        """
        if not self.moving or now_ns < self._begin_ns:
            return self.reference_m
        self.grasped = False
        target = min(max(float(self._command.width), 0.0), MAX_WIDTH_M)
        step = min(max(float(self._command.speed), 0.0), SPEED_M_S) * dt_s
        ahead = min(max(target - self.reference_m, -step), step) + self.reference_m
        self.reference_m = min(max(ahead, measured_m - LEAD_M), measured_m + LEAD_M)
        if abs(measured_m - self._last_m) > 0.05 * step:
            self._last_m, self._stood_since_ns = measured_m, now_ns
        reached = abs(measured_m - target) < REACHED_M
        if reached or now_ns - self._stood_since_ns > BLOCKED_NS:
            self._end(measured_m, target, reached)
        return self.reference_m

    def _end(self, measured_m: float, target_m: float, reached: bool) -> None:
        command, self.moving = self._command, False
        if not command.grasp:
            self.successful = reached
            self.reference_m = target_m if reached else measured_m
            return
        inner, outer = (
            DEFAULT_EPSILON_M if epsilon < 0 else epsilon for epsilon in (command.epsilon_inner, command.epsilon_outer)
        )
        self.successful = target_m - inner <= measured_m <= target_m + outer
        self.grasped = self.successful and measured_m > REACHED_M
        force = float(command.force) if self.grasped else 0.0
        self.reference_m = max(measured_m, 0.0) - min(force / STIFFNESS_N_M, 2 * LEAD_M)
