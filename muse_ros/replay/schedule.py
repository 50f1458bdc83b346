"""When each action of a replay is due, and the way to the start pose. Pure; the caller has the clock.

At half speed the same deltas are asked for in twice the time: values stay, stamps and periods stretch. Imports no ROS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from muse_core.control.motion import LONGEST_PERIOD_S
from muse_ros.replay.motion import NS_PER_S, Motion, MotionError, RecordedAction

SLOWEST, FASTEST = 0.01, 1.0
APPROACH_PERIOD_S = 0.1


def scheduled(actions: Sequence[RecordedAction], start_ns: int, speed: float) -> list[RecordedAction]:
    """The actions with stamps and periods as they are to be published.

    Args:
        actions: As recorded.
        start_ns: When the first is due [ns].
        speed: Share of the recorded speed, in (0, 1].

    Raises:
        MotionError: if a period becomes longer than the arm takes, naming the speed that would do.
    """
    longest = max(action.period_s for action in actions)
    if not SLOWEST <= speed <= FASTEST:
        raise MotionError(f"speed must lie in [{SLOWEST:g}, {FASTEST:g}], got {speed:g}")
    if longest / speed > LONGEST_PERIOD_S:
        raise MotionError(
            f"at speed {speed:g} an action would last {longest / speed:.1f} s and the arm takes {LONGEST_PERIOD_S:g} s "
            f"at most: use speed {longest / LONGEST_PERIOD_S:.3g} or more"
        )
    first_ns = actions[0].stamp_ns

    def at(stamp_ns: int) -> int:
        return start_ns + round((stamp_ns - first_ns) / speed)

    return [
        replace(
            action,
            stamp_ns=at(action.stamp_ns),
            period_s=action.period_s / speed,
            target_ns=at(action.target_ns) if action.target_ns else 0,
        )
        for action in actions
    ]


def end_ns(motion: Motion, start_ns: int, speed: float) -> int:
    """When the replay of a motion that began at `start_ns` is over [ns]."""
    return start_ns + round(motion.duration_s / speed * NS_PER_S)


def approach(
    q: np.ndarray, goal: np.ndarray, gripper: tuple[float, float], speed: float, start_ns: int
) -> list[RecordedAction]:
    """Joint positions from where the arm stands to a pose: one straight line in joints, slow at both ends.

    Args:
        q: Where the arm stands [rad], shape (7,).
        goal: Where it is to stand [rad], shape (7,).
        gripper: How far the hand is closed there and then, 0 to 1; it moves with the last action.
        speed: Largest speed of any joint [rad/s].
        start_ns: When the first action is due [ns].
    """
    way = np.asarray(goal, np.float64) - q
    # A cosine's steepest slope is pi / 2 times its mean one.
    duration_s = max(APPROACH_PERIOD_S, 0.5 * np.pi * float(np.abs(way).max()) / speed)
    count = int(np.ceil(duration_s / APPROACH_PERIOD_S))
    shares = 0.5 - 0.5 * np.cos(np.pi * np.arange(1, count + 1) / count)
    period_ns = round(APPROACH_PERIOD_S * NS_PER_S)
    hands = np.where(shares < 1.0, *gripper)
    return [
        RecordedAction(
            start_ns + number * period_ns,
            "joint_position",
            np.append(q + share * way, hand),
            APPROACH_PERIOD_S,
            0,
            "approach",
        )
        for number, (share, hand) in enumerate(zip(shares, hands, strict=True))
    ]
