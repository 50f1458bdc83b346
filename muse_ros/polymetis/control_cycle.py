"""What every controller does in a cycle: whether to believe a measurement, how much time went by, what a torque may be.

Compiled by TorchScript together with the controllers (functions on plain numbers, no `from __future__ import
annotations`), so that it runs in libtorch 1.13.1 on the server. TorchScript knows no globals: constants get in as
defaults. Imports no torch itself, and raises nothing.
"""

# ruff: noqa: UP006, UP035 - torch 1.13 cannot script list[...] and dict[...]

import math
from typing import List

LONGEST_CYCLE_S = 0.01
"""A controller's time advances by no more than this in one cycle: after a gap it goes on, and does not catch up."""
LONGEST_TORQUE_STEP_S = 0.002
"""Nor does a torque change by more than its rate allows in this time."""
POSITION_BELIEVED = 6.3
VELOCITY_BELIEVED = 10.0
JUMP_BELIEVED = 0.05
"""Beyond [rad], [rad/s] and [rad per cycle] a measurement is not one: no Panda gets there."""


def believed(
    q: List[float],
    velocity: List[float],
    last: List[float],
    seen: bool,
    furthest: float = POSITION_BELIEVED,
    fastest: float = VELOCITY_BELIEVED,
    jump: float = JUMP_BELIEVED,
) -> bool:
    """Whether a measurement can be one; a jump since the `last` says no, if that was `seen`."""
    for i in range(7):
        if not (abs(q[i]) <= furthest and abs(velocity[i]) <= fastest):  # false for NaN, too
            return False
        if seen and not (abs(q[i] - last[i]) <= jump):
            return False
    return True


def elapsed_time(stamp: List[int], last: List[int], nominal: float, longest: float = LONGEST_CYCLE_S) -> float:
    """Time from one cycle's stamp (seconds, nanoseconds) to the next [s]: never 0, never long, whatever the clock does.

    A clock that stands still or is set back gives the nominal period.
    """
    elapsed = float(stamp[0] - last[0]) + 1e-9 * float(stamp[1] - last[1])
    if not elapsed > 0.0:
        elapsed = nominal
    return min(elapsed, longest)


def damped(velocity: float, damping: float, fastest: float = VELOCITY_BELIEVED) -> float:
    """The torque of a damper [N m]; none for a velocity that is not to be believed."""
    if abs(velocity) <= fastest:
        return -damping * velocity
    return 0.0


def torque_step(rate: float, dt: float, longest: float = LONGEST_TORQUE_STEP_S) -> float:
    """How much a torque may change in a cycle [N m]."""
    return rate * min(dt, longest)


def limited(torque: float, last: float, largest: float, step: float) -> float:
    """A torque [N m] within its limit, and within a step of the last one. Not a number becomes 0."""
    if not math.isfinite(torque):
        torque = 0.0
    torque = min(max(torque, -largest), largest)
    return min(max(torque, last - step), last + step)
