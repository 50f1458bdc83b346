"""What the window shows, as plain values. Must not import rclpy or pygame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class TeleopView:
    """What the device asks of the arm now.

    Attributes:
        device: Name of the device.
        deadman: The operator allows motion.
        gripper_closed: What the gripper is asked to be; None where nothing is asked.
        speed_scale: Fraction of full speed that full deflection asks for; None where the device has no such steps.
        motion: Wanted velocity as a fraction of full speed: x y z, then about x y z.
    """

    device: str = ""
    deadman: bool = False
    gripper_closed: bool | None = None
    speed_scale: float | None = None
    motion: tuple[float, ...] = (0.0,) * 6


@dataclass(frozen=True)
class WindowView:
    """What the window shows.

    Attributes:
        cameras: Name to picture, (H, W, 3) uint8 RGB.
        state: State of the episode in one word.
        recording: An episode is being recorded.
        episode: Lines about the episode and the session.
        message: What to do next, or what is wrong.
        focused: The window has the keyboard.
        stopped: The arm's latched stop is set.
        gripper_closed: The arm's gripper is commanded closed.
        teleop: What the device asks for.
        keys: (keys, what they do) in order.
    """

    cameras: Mapping[str, np.ndarray] = field(default_factory=dict)
    state: str = "no collect node"
    recording: bool = False
    episode: tuple[str, ...] = ()
    message: str = ""
    focused: bool = False
    stopped: bool = False
    gripper_closed: bool = False
    teleop: TeleopView = TeleopView()
    keys: tuple[tuple[str, str], ...] = ()


def motion_fractions(values: Iterable[float], linear_reach: float, angular_reach: float) -> tuple[float, ...]:
    """The six motions of an ``ee_delta`` action as fractions of the largest: for the bars.

    Args:
        values: dx dy dz [m], Euler deltas [rad], and what follows.
        linear_reach: Largest translation of one action [m].
        angular_reach: Largest rotation of one action [rad].
    """
    first = list(values)[:6]
    return tuple(value / (linear_reach if index < 3 else angular_reach) for index, value in enumerate(first))
