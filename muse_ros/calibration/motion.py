"""The small motion by which a calibration makes the cameras see something: sideways and up, back and forth.

It ends where it began, never goes below it, and crosses the same places in both directions at changing speed, so that
no other delay than the true one fits. Deltas of the tool, so that it begins wherever the arm stands. Imports no ROS.
"""

from __future__ import annotations

import numpy as np

from muse_ros.replay.motion import NS_PER_S, RecordedAction

PERIOD_S = 0.05
SIDEWAYS_M = 0.04
UP_M = 0.03
SIDEWAYS_HZ = (0.25, 0.6)
"""At the beginning and at the end: a single frequency would look the same one period later."""
UP_HZ = 0.37
EASE_S = 2.0
GRIPPER_STAYS = 0.5
"""Between open and closed: the hand of an `ee_delta` stays as it was."""


def sway(duration_s: float, size: float = 1.0) -> tuple[RecordedAction, ...]:
    """Deltas of the tool in the base frame, the first of stamp 0.

    Args:
        duration_s: How long it lasts, at least twice :data:`EASE_S` [s].
        size: Share of :data:`SIDEWAYS_M` and :data:`UP_M`.
    """
    count = round(duration_s / PERIOD_S)
    at_s = np.arange(count + 1) * PERIOD_S
    share = at_s / at_s[-1]
    slow, fast = SIDEWAYS_HZ
    turns = slow * at_s + 0.5 * (fast - slow) * share * at_s
    ease = np.clip(np.minimum(at_s, at_s[-1] - at_s) / EASE_S, 0.0, 1.0)
    ease = ease * ease * (3.0 - 2.0 * ease)
    sideways = size * SIDEWAYS_M * ease * np.sin(2.0 * np.pi * turns)
    up = size * UP_M * ease * 0.5 * (1.0 - np.cos(2.0 * np.pi * UP_HZ * at_s))
    deltas = np.zeros((count, 7))
    deltas[:, 1], deltas[:, 2], deltas[:, 6] = np.diff(sideways), np.diff(up), GRIPPER_STAYS
    period_ns = round(PERIOD_S * NS_PER_S)
    return tuple(
        RecordedAction(number * period_ns, "ee_delta", values, PERIOD_S, 0, "calibration")
        for number, values in enumerate(deltas)
    )
