"""Actions aligned with ticks: which action each row of a dataset, or tick of a shadowed operator, is labelled with.

Pure; imports no ROS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from muse_core.geometry import euler_from_quaternion, quaternion_from_euler, quaternion_multiply
from muse_ros.contract.decode import decode
from muse_ros.contract.message_fields import DecodeError
from muse_ros.contract.sample_buffer import Sample, SampleBuffer
from muse_ros.contract.stream import Stream

TELEOP = "teleop"


@dataclass(frozen=True)
class Label:
    """The action of one row.

    Attributes:
        values: The action, as the stream's spec describes it.
        source: Who asked for it: teleop, policy or replay.
        stamp_ns: Its stamp [ns].
        count: How many actions were added up; 1 for ``next``.
        clean: Whether it came from the stream's ``label_topic``.
        displaced: Whether another source took the arm before the period was over.
    """

    values: np.ndarray
    source: str
    stamp_ns: int
    count: int = 1
    clean: bool = False
    displaced: bool = False


class ActionTrack:
    """Finds the label of a tick.

    The action on the stream's `topic` decides whether a row has an action and who made it. Where a teleoperator made it
    and the recording has the stream's `label_topic`, the values are those of the label with the same stamp; a label
    that is missing there makes the row's action missing, never noisy.

    A row belongs to who acted first in it. Where another source takes the arm before the row's period is over, as when
    an operator takes over from a policy, what that one asked for in the rest of the period is not added: neither the
    sum of two sources nor a part of a period is what anybody would have done from here.

    Args:
        stream: The action stream of the contract.
        actions: Samples of its topic.
        labels: Samples of its label topic; None where the recording has none.
    """

    def __init__(self, stream: Stream, actions: SampleBuffer, labels: SampleBuffer | None = None) -> None:
        self._stream = stream
        self._actions = actions
        self._labels = labels if labels is not None and len(labels) else None

    def label(self, tick_ns: int, next_tick_ns: int) -> Label | str:
        """The label of the row that owns ``tick_ns <= stamp < next_tick_ns``, or the reason why there is none."""
        latency = self._stream.latency_ns
        window = self._actions.between(tick_ns + latency, next_tick_ns + latency)
        moves = [sample for sample in window if len(sample.message.values)]
        if not moves:
            return f"no action on {self._stream.topic} between this tick and the next"
        sources = [str(sample.message.source) for sample in moves]
        own = [sample for sample, source in zip(moves, sources, strict=True) if source == sources[0]]
        if self._stream.align == "next":
            own = own[:1]
        try:
            labels = [self._one(sample) for sample in own]
        except DecodeError as error:
            return str(error)
        label = labels[0] if len(labels) == 1 else self._added(labels)
        return replace(label, displaced=len(set(sources)) > 1)

    def _one(self, sample: Sample) -> Label:
        source = str(sample.message.source)
        chosen, clean = sample, False
        if self._labels is not None and source == TELEOP:
            found = self._labels.exactly(sample.stamp_ns)
            if found is None:
                raise DecodeError(f"no label on {self._stream.label_topic} of the stamp of the teleoperator's action")
            chosen, clean = found, True
        values = decode(self._stream, chosen.message)
        return Label(values, source, sample.stamp_ns - self._stream.latency_ns, clean=clean)

    def _added(self, labels: list[Label]) -> Label:
        combine = _COMBINE[str(self._stream.space)]
        values = combine(np.stack([label.values for label in labels]).astype(np.float64)).astype(self._stream.dtype)
        clean = all(label.clean for label in labels)
        return Label(values, labels[0].source, labels[0].stamp_ns, len(labels), clean)


def _add_ee_deltas(deltas: np.ndarray) -> np.ndarray:
    """One ``ee_delta`` that does what these (N, 7) do one after the other; the gripper's is the last."""
    rotation = np.array([0.0, 0.0, 0.0, 1.0])
    for euler in deltas[:, 3:6]:
        rotation = quaternion_multiply(quaternion_from_euler(euler), rotation)
    return np.concatenate([deltas[:, :3].sum(axis=0), euler_from_quaternion(rotation), deltas[-1, 6:]])


def _add_joint_deltas(deltas: np.ndarray) -> np.ndarray:
    """One ``joint_delta`` that does what these (N, 8) do one after the other; the gripper's is the last."""
    return np.concatenate([deltas[:, :7].sum(axis=0), deltas[-1, 7:]])


_COMBINE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ee_delta": _add_ee_deltas,
    "joint_delta": _add_joint_deltas,
}
