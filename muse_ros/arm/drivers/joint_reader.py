"""Joint states of any names and order become the arm's joints, its fingers' opening, and how old they are.

Messages are JointState-like objects; times come in as arguments. Must not import rclpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from muse_ros.contract.message_fields import time_ns

CLOCKS_AGREE_NS = 100_000_000
"""A stamp further than this from the time of its arrival is by another clock: the time of arrival counts instead."""


class JointReader:
    """Keeps the newest position and velocity of each joint that matters.

    Args:
        joints: Names of the arm's seven joints, from the base on.
        fingers: Names of the fingers' joints; may be none.

    Attributes:
        q: Positions of the arm's joints [rad], shape (7,).
        qdot: Their velocities [rad/s], shape (7,).
        stamp_ns: When they were measured, by our clock [ns]; 0 before the first.
        heard_ns: When they arrived, by the steady clock [ns].
        width_m: Opening between the fingers [m]; None before the fingers were heard.
        clock_difference_ns: How much earlier the last stamp was than its arrival [ns]; delay and clocks together.
        count: Messages that had the arm's joints.
        refused: Messages that had them without usable positions.
        repeated: How many of the last ones had the stamp of the one before: nothing new, however often it comes.
        others: Names of joints in the last message that had not all of the arm's.
    """

    def __init__(self, joints: Sequence[str], fingers: Sequence[str]) -> None:
        self._joints, self._fingers = tuple(joints), tuple(fingers)
        self._names: list[str] | None = None
        self._arm: list[int] = []
        self._places: list[int] = []
        self._finger_positions: dict[str, float] = {}
        self.q = np.zeros(7)
        self.qdot = np.zeros(7)
        self.stamp_ns = 0
        self.heard_ns = 0
        self.width_m: float | None = None
        self.clock_difference_ns = 0
        self.count = 0
        self.refused = 0
        self.repeated = 0
        self._read_ns = 0
        self.others: tuple[str, ...] = ()

    def hear(self, message: Any, received_ns: int, steady_ns: int) -> None:
        """Take one message in.

        Args:
            message: With `header.stamp`, `name`, `position`, `velocity`.
            received_ns: When it arrived, by our clock [ns].
            steady_ns: The same by the steady clock [ns].
        """
        self._find(message.name)
        if self._places:
            self._hear_fingers(message)
        if not self._arm:
            return
        position = _picked(message.position, self._arm)
        if position is None:
            self.refused += 1
            return
        read_ns = time_ns(message.header.stamp)
        if read_ns and read_ns == self._read_ns:
            self.repeated += 1
            return
        self._read_ns, self.repeated = read_ns, 0
        stamp_ns = self._stamp(message, received_ns)
        velocity = _picked(message.velocity, self._arm)
        if velocity is None:
            velocity = self._difference(position, stamp_ns)
        self.q, self.qdot, self.stamp_ns, self.heard_ns = position, velocity, stamp_ns, steady_ns
        self.count += 1

    def age_s(self, steady_ns: int) -> float:
        """How long ago the arm's joints arrived [s]; infinite before the first."""
        return (steady_ns - self.heard_ns) * 1e-9 if self.count else float("inf")

    def _find(self, names: Any) -> None:
        """Where our joints are in the messages of these names: found once, since the names seldom change."""
        if self._names == names:
            return
        self._names = list(names)
        places = {name: place for place, name in enumerate(names)}
        complete = all(name in places for name in self._joints)
        self._arm = [places[name] for name in self._joints] if complete else []
        self._places = [places[name] for name in self._fingers if name in places]
        if not complete:
            self.others = tuple(names)

    def _hear_fingers(self, message: Any) -> None:
        for place in self._places:
            if place < len(message.position) and np.isfinite(message.position[place]):
                self._finger_positions[message.name[place]] = float(message.position[place])
        if self._finger_positions:
            self.width_m = 2.0 * float(np.mean([*self._finger_positions.values()]))

    def _stamp(self, message: Any, received_ns: int) -> int:
        stamp_ns = time_ns(message.header.stamp)
        self.clock_difference_ns = received_ns - stamp_ns if stamp_ns else 0
        return stamp_ns if stamp_ns and abs(self.clock_difference_ns) <= CLOCKS_AGREE_NS else received_ns

    def _difference(self, position: np.ndarray, stamp_ns: int) -> np.ndarray:
        """Velocities where the messages have none: from the last two positions."""
        seconds = (stamp_ns - self.stamp_ns) * 1e-9
        if not self.count or seconds <= 0.0:
            return np.zeros(7)
        return (position - self.q) / seconds


def _picked(values: Any, places: list[int]) -> np.ndarray | None:
    """The values at these places; None where one is missing or not finite."""
    if len(values) <= max(places):
        return None
    picked = np.array([values[place] for place in places], dtype=np.float64)
    return picked if np.isfinite(picked).all() else None
