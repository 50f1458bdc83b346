"""What a replay plays: the actions of one episode, the pose they began at, and the path they led along.

Plain values with their checks. :mod:`muse_ros.replay.from_bag` and :mod:`muse_ros.replay.from_dataset` make them,
:mod:`muse_ros.replay.schedule` says when each action is due. Imports no ROS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from muse_core.control.state import ACTION_SIZES

NS_PER_S = 1_000_000_000


class MotionError(ValueError):
    """An episode cannot be replayed; the message names the episode, what was found and what to do."""


@dataclass(frozen=True)
class RecordedAction:
    """One action.

    Attributes:
        stamp_ns: When it was decided [ns].
        space: One of :data:`muse_core.control.state.ACTION_SIZES`.
        values: In that space, in the units of msg/Action.msg.
        period_s: Time that it is spread over [s].
        target_ns: When it was to be complete [ns]; 0: a period after it begins.
        source: Who asked for it.
    """

    stamp_ns: int
    space: str
    values: np.ndarray
    period_s: float
    target_ns: int = 0
    source: str = ""


@dataclass(frozen=True)
class Path:
    """Where the tool was measured.

    Attributes:
        stamps_ns: When, rising, shape (K,) [ns].
        positions: In the base frame [m], shape (K, 3).
        quaternions: xyzw, shape (K, 4).
    """

    stamps_ns: np.ndarray
    positions: np.ndarray
    quaternions: np.ndarray

    def __len__(self) -> int:
        return len(self.stamps_ns)


@dataclass(frozen=True)
class Motion:
    """One episode, ready to be played.

    Attributes:
        name: What messages call it.
        actions: In the order of their stamps.
        stop_ns: When the episode ended [ns].
        start_q: The joints as measured when the first action was decided [rad], shape (7,).
        start_gripper_m: The opening between the fingers then [m]; None where it is not known.
        path: Where the tool went; may be empty.
        objects: Positions of the simulated objects at the start [m], shape (O, 3); None of a real arm.
        seed: Of the simulated scene; None where there is none.
        task: What was shown.
        notes: What is peculiar about the recording, in words.
    """

    name: str
    actions: tuple[RecordedAction, ...]
    stop_ns: int
    start_q: np.ndarray
    start_gripper_m: float | None
    path: Path
    objects: np.ndarray | None = None
    seed: int | None = None
    task: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.actions:
            raise MotionError(f"{self.name}: holds no action to replay")
        for number, action in enumerate(self.actions):
            _check(f"{self.name}: action {number} at {self.seconds(action.stamp_ns):.3f} s", action)
        stamps = np.array([action.stamp_ns for action in self.actions])
        if (np.diff(stamps) <= 0).any():
            raise MotionError(f"{self.name}: its actions are not in the order of their stamps")
        if self.start_q.shape != (7,) or not np.isfinite(self.start_q).all():
            raise MotionError(f"{self.name}: the joints at its start are not seven finite numbers: {self.start_q}")

    def seconds(self, stamp_ns: int) -> float:
        """A stamp as seconds since the first action."""
        return (stamp_ns - self.actions[0].stamp_ns) / NS_PER_S

    @property
    def duration_s(self) -> float:
        """From the first action to the end of the episode, or of the last action where that is later [s]."""
        last = self.actions[-1]
        return max(self.seconds(self.stop_ns), self.seconds(last.stamp_ns) + last.period_s)

    def describe(self) -> str:
        """What it is, in one sentence."""
        spaces = ", ".join(dict.fromkeys(action.space for action in self.actions))
        counts = Counter(action.source or "an unknown source" for action in self.actions)
        sources = ", ".join(f"{count} of {source}" for source, count in counts.items())
        return f"{self.name}: {len(self.actions)} actions ({spaces}; {sources}) in {self.duration_s:.1f} s"


def in_order(actions: Iterable[RecordedAction]) -> tuple[RecordedAction, ...]:
    """The actions in the order of their stamps, each stamp once."""
    return tuple({action.stamp_ns: action for action in sorted(actions, key=lambda each: each.stamp_ns)}.values())


def refuse_gaps(name: str, stamps_ns: Sequence[int], longest_s: float, what: str) -> None:
    """Raise where two of these stamps lie further apart than they may.

    Raises:
        MotionError: naming the first gap.
    """
    steps = np.diff(np.asarray(stamps_ns, np.int64)) / NS_PER_S
    gaps = np.flatnonzero(steps > longest_s)
    if len(gaps):
        first = int(gaps[0])
        at_s = (stamps_ns[first] - stamps_ns[0]) / NS_PER_S
        raise MotionError(
            f"{name}: {len(gaps)} gaps in {what}, the first of {steps[first]:.3f} s at {at_s:.3f} s: "
            "what was done there is not known, and a replay must not make it up"
        )


def _check(where: str, action: RecordedAction) -> None:
    size = ACTION_SIZES.get(action.space)
    if size is None:
        raise MotionError(f"{where}: unknown action space {action.space!r}; known are {', '.join(ACTION_SIZES)}")
    if action.values.shape != (size,):
        raise MotionError(f"{where}: {action.space} holds {size} values, got {action.values.size}")
    if not np.isfinite(action.values).all():
        raise MotionError(f"{where}: not finite: {action.values.tolist()}")
    if not 0.0 < action.period_s < np.inf:
        raise MotionError(f"{where}: its period must be > 0 s, got {action.period_s}")
