"""How far a policy that only looks on is from the operator whom it shadows: the open-loop error of what it would do.

Both actions of a tick start from the same observation; the operator's is the one that a dataset's row would have, by
the contract. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from muse_core.geometry import quaternion_from_euler, turn_between
from muse_ros.contract.action_track import ActionTrack, Label
from muse_ros.contract.sample_buffer import SampleBuffer
from muse_ros.contract.stream import Stream

GRACE_PERIODS = 1
"""What an operator asked for in a period is compared so many periods after its end: by then it has come."""
KEPT_S = 10.0
_MESSAGE = "muse_ros/msg/Action"


class OpenLoopError:
    """Compares actions tick by tick.

    Args:
        stream: The contract's action.
        period_ns: Between two ticks [ns].

    Attributes:
        ticks: Ticks so far at which both had an action.
    """

    def __init__(self, stream: Stream, period_ns: int) -> None:
        self._stream, self._period_ns = stream, period_ns
        names = [stream.topic] if stream.label_topic is None else [stream.topic, stream.label_topic]
        self._heard = {name: SampleBuffer(_MESSAGE, keep_ns=round(KEPT_S * 1e9)) for name in names}
        self._proposed: deque[tuple[int, np.ndarray]] = deque()
        self._sums: dict[str, float] = {}
        self.ticks = 0

    @property
    def topics(self) -> Iterable[str]:
        """Where the operator's actions come from."""
        return self._heard.keys()

    def hear(self, topic: str, message: Any, received_ns: int) -> None:
        """Take in a message of one of the topics."""
        self._heard[topic].add(message, received_ns)

    def propose(self, tick_ns: int, action: np.ndarray) -> None:
        """Take in what the policy would do at a tick, and compare what is old enough."""
        if self._proposed and tick_ns <= self._proposed[-1][0]:  # the clock went back: a bag is played again
            self._proposed.clear()
        self._proposed.append((tick_ns, action))
        while tick_ns - self._proposed[0][0] > GRACE_PERIODS * self._period_ns:
            self._compare(*self._proposed.popleft())

    def finish(self) -> None:
        """Compare the rest but the last tick, whose period was cut off."""
        while len(self._proposed) > 1:
            self._compare(*self._proposed.popleft())
        self._proposed.clear()

    def text(self) -> str:
        """The means, for an operator; empty where nothing could be compared."""
        if not self.ticks:
            return ""
        means = ", ".join(f"{name} {total / self.ticks:.4g} {_UNITS[name]}" for name, total in self._sums.items())
        return f"from the operator's action over {self.ticks} ticks on average: {means}"

    def _compare(self, tick_ns: int, proposed: np.ndarray) -> None:
        actions, *labels = self._heard.values()
        label = ActionTrack(self._stream, actions, *labels).label(tick_ns, tick_ns + self._period_ns)
        if not isinstance(label, Label) or label.source == "policy":
            return
        for name, distance in distances(str(self._stream.space), proposed, label.values.astype(np.float64)).items():
            self._sums[name] = self._sums.get(name, 0.0) + distance
        self.ticks += 1


def distances(space: str, one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """How far two actions of one space are apart.

    Args:
        space: The action space.
        one: (7,) or (8,).
        other: Of the same shape.

    Returns:
        For Cartesian spaces translation [mm] and rotation [deg], for joints the distance in joint space [rad]; and of
        the gripper [0 to 1].
    """
    gripper = {"gripper": float(abs(one[-1] - other[-1]))}
    if space.startswith("joint"):
        return {"joints": float(np.linalg.norm(one[:-1] - other[:-1])), **gripper}
    turns = [a[3:7] if space == "ee_pose" else quaternion_from_euler(a[3:6]) for a in (one, other)]
    rotation = float(np.degrees(np.linalg.norm(turn_between(*turns))))
    return {"translation": 1e3 * float(np.linalg.norm(one[:3] - other[:3])), "rotation": rotation, **gripper}


_UNITS = {"translation": "mm", "rotation": "deg", "joints": "rad", "gripper": "of 1"}
