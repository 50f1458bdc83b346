"""The scripted expert as a teleoperation device: from state messages stamped at a tick to the action of that tick.

:class:`TickJoin` waits until every topic that the expert looks at has delivered its message of one tick, and
:class:`ExpertDriver` makes the state, asks the expert and remembers which episode runs. Duck-typed, without rclpy.

A simulation that makes the time stamps on a grid, and a tick's messages are those of its stamp. What is measured when
it is measured, as an arm behind a server is, has at a tick the message before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from muse_core.control.kinematics import FINGER_NAMES, JOINT_NAMES
from muse_core.control.state import RobotState
from muse_ros.contract.message_fields import xyz, xyzw
from muse_ros.contract.ticks import tick_at_or_after

JOINT_STATES = "panda/joint_states"
EE_POSE = "panda/ee_pose"
EE_TWIST = "panda/ee_twist"
OBJECTS = "sim/objects"
PENDING_TICKS = 20
GRID_NS = 10_000_000
"""Stamps that are whole multiples of this are a simulation's."""
LARGEST_AGE_NS = 100_000_000
"""An older message does not stand for a tick."""


class TickJoin:
    """Collects messages by stamp, at ticks only, until every topic has delivered its own."""

    def __init__(self, topics: Iterable[str], rate_hz: float) -> None:
        """Wait for all of `topics` at each tick of `rate_hz`."""
        self._topics = frozenset(topics)
        self._rate_hz = rate_hz
        self._pending: dict[int, dict[str, Any]] = {}
        self._newest: dict[str, tuple[int, Any]] = {}
        self._done_ns = -1

    @property
    def tick_ns(self) -> int:
        """The last tick that came out [ns]."""
        return self._done_ns

    def add(self, topic: str, stamp_ns: int, message: Any) -> dict[str, Any] | None:
        """Take one message in.

        Args:
            topic: Where it came from.
            stamp_ns: Its stamp [ns].
            message: The message.

        Returns:
            Topic to message, once, when the last of one tick's messages is in; None otherwise. Ticks come out in order:
            what is older than the last one joined is dropped.
        """
        tick_ns, found = stamp_ns, message
        if stamp_ns % GRID_NS:
            tick_ns, found = self._held(topic, stamp_ns, message)
        if found is None or tick_ns <= self._done_ns or tick_at_or_after(tick_ns, self._rate_hz) != tick_ns:
            return None
        messages = self._pending.setdefault(tick_ns, {})
        messages.setdefault(topic, found)
        if self._topics <= messages.keys():
            self._done_ns = tick_ns
            self._pending = {stamp: kept for stamp, kept in self._pending.items() if stamp > tick_ns}
            return messages
        while len(self._pending) > PENDING_TICKS:
            del self._pending[min(self._pending)]
        return None

    def reset(self) -> None:
        """Forget everything: for a clock that went back."""
        self._pending.clear()
        self._newest.clear()
        self._done_ns = -1

    def _held(self, topic: str, stamp_ns: int, message: Any) -> tuple[int, Any]:
        """The tick before a stamp, and the topic's newest message up to it; None where there is none young enough."""
        before_ns, before = self._newest.get(topic, (0, None))
        if stamp_ns <= before_ns:
            return stamp_ns, None
        self._newest[topic] = stamp_ns, message
        tick_ns = tick_at_or_after(stamp_ns - round(1e9 / self._rate_hz), self._rate_hz)
        young = tick_ns - LARGEST_AGE_NS <= before_ns <= tick_ns
        return tick_ns, before if young else None


class ExpertDriver:
    """Runs one expert per episode, each with noise of its own, and stays silent between episodes."""

    def __init__(self, make_expert: Callable[[int], Any], object_names: Iterable[str], seed: int) -> None:
        """Drive experts that `make_expert` makes.

        Args:
            make_expert: Makes an expert from the seed of its noise.
            object_names: What the poses on ``sim/objects`` are called, in their order.
            seed: The session's seed; an episode's noise depends on it and on the episode's number alone.
        """
        self._make_expert = make_expert
        self._object_names = tuple(object_names)
        self._seed = seed
        self._expert: Any = None
        self._start_ns = 0

    @property
    def acting(self) -> bool:
        """Whether an episode runs."""
        return self._expert is not None

    def begin(self, episode_index: int, start_ns: int) -> None:
        """Start an episode; ticks before `start_ns` get no action.

        Args:
            episode_index: Number of the episode in its session, from 0.
            start_ns: When it began [ns].
        """
        self._expert = self._make_expert(episode_seed(self._seed, episode_index))
        self._expert.reset()
        self._start_ns = start_ns

    def end(self) -> None:
        """Stop acting."""
        self._expert = None

    def act(self, stamp_ns: int, messages: Mapping[str, Any]) -> Any | None:
        """The expert's action at a tick, executed and label; None where no episode runs or it had not begun by then.

        Args:
            stamp_ns: The tick [ns].
            messages: Topic to message, each stamped at the tick.
        """
        if self._expert is None or stamp_ns < self._start_ns:
            return None
        state = robot_state(stamp_ns, messages[JOINT_STATES], messages[EE_POSE], messages[EE_TWIST])
        return self._expert.act(state, object_poses(self._object_names, messages[OBJECTS]))


def episode_seed(seed: int, episode_index: int) -> int:
    """A seed for one episode's noise, independent of every other episode's and session's."""
    return int(np.random.SeedSequence([seed & 0xFFFFFFFF, episode_index]).generate_state(1)[0])


def robot_state(stamp_ns: int, joint_states: Any, ee_pose: Any, ee_twist: Any) -> RobotState:
    """The arm's state from its messages. The wrench is NaN: no expert looks at it, and none may begin to unnoticed.

    Args:
        stamp_ns: The stamp of the messages [ns].
        joint_states: A JointState with the arm's and the fingers' joints, by name.
        ee_pose: A PoseStamped.
        ee_twist: A TwistStamped, in the base frame.

    Raises:
        KeyError: naming the joint that the message lacks.
    """
    index = {name: i for i, name in enumerate(joint_states.name)}
    arm = [index[name] for name in JOINT_NAMES]
    position, velocity = np.asarray(joint_states.position), np.asarray(joint_states.velocity)
    return RobotState(
        stamp_ns=stamp_ns,
        q=position[arm],
        qdot=velocity[arm],
        ee_position=xyz(ee_pose.pose.position),
        ee_orientation=xyzw(ee_pose.pose.orientation),
        ee_twist=np.concatenate([xyz(ee_twist.twist.linear), xyz(ee_twist.twist.angular)]),
        wrench=np.full(6, np.nan),
        gripper_width=float(sum(position[index[name]] for name in FINGER_NAMES)),
    )


def object_poses(names: tuple[str, ...], message: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name to (position (3,) [m], quaternion (4,) xyzw) of the simulated objects, in the base frame.

    Args:
        names: What the poses are called, in their order.
        message: A PoseArray.

    Raises:
        ValueError: where the number of poses is another than that of names.
    """
    if len(message.poses) != len(names):
        raise ValueError(f"sim/objects holds {len(message.poses)} poses, the task has {len(names)}: {', '.join(names)}")
    return {name: (xyz(pose.position), xyzw(pose.orientation)) for name, pose in zip(names, message.poses, strict=True)}
