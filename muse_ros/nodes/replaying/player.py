"""Has the arm carry out actions that are known beforehand, and watches that it follows: of a replay, of a calibration.

Its methods wait, so they run in a thread of the node's own. Whoever lost the arm ends: it never goes on by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from muse_ros.nodes.node_clock import NodeClock
from muse_ros.nodes.replaying.arm import TOPIC, ReplayArm
from muse_ros.nodes.replaying.service_calls import POLL_S
from muse_ros.replay.follow import forbidden
from muse_ros.replay.motion import NS_PER_S, Path, RecordedAction
from muse_ros.replay.schedule import scheduled

GRID_NS = 100_000_000
"""Playing begins on a whole multiple of this: recorded again at 10 Hz, each tick then has its one action."""


class Ended(Exception):
    """The actions end before they are all played; the message says why."""


class Player:
    """One source of actions on replay's topic.

    Attributes:
        arm: What is heard of the arm, and said to it.
        closing: Whether the node is to end: what waits raises :class:`Ended`.
    """

    def __init__(self, node: Any, patience_s: float) -> None:
        """Subscribe to the arm.

        Args:
            node: The node.
            patience_s: Longest wait for the arm, an answer or a permission [s].
        """
        self._node, self._patience_s = node, patience_s
        self._pace = NodeClock(node.get_clock())
        self.closing = False
        self.arm = ReplayArm(node, self._pace.wake)

    def stop(self) -> None:
        """Have whatever waits give up."""
        self.closing = True
        self._pace.wake()

    def close(self) -> None:
        """Let go of the arm: it holds as soon as the heartbeat is missed."""
        self.arm.silence()
        self._pace.close()

    def find_arm(self) -> None:
        """Wait until the arm is heard.

        Raises:
            Ended: where it is not, or another node plays something.
        """
        self.wait(lambda: self.arm.q is not None and self.arm.applied is not None, self.why_no_state)
        if self.arm.rivals():
            raise Ended(f"another node publishes {TOPIC}: end it first")

    def come_to_rest(self) -> None:
        """Wait until the arm stands.

        Raises:
            Ended: where it does not.
        """
        self.wait(lambda: self.arm.standing, lambda: "the arm does not come to rest")

    def play(self, actions: Sequence[RecordedAction], speed: float, end: Callable[[int], int]) -> Path:
        """Publish actions when they are due, and watch that the arm follows; returns where the tool went.

        Args:
            actions: In the order of their stamps.
            speed: Share of their own speed.
            end: From the start to when it is over, both by the node's clock [ns].

        Raises:
            Ended: where the arm cannot be moved, or was lost.
        """
        self.wait(lambda: not self._why_not(), lambda: f"the arm cannot be moved: {self._why_not()}")
        self.arm.follow()
        start_ns = (self._pace.now_ns() // GRID_NS + 2) * GRID_NS
        due = scheduled(actions, start_ns, speed)
        for number, action in enumerate(due):
            self._wait_until(action.stamp_ns, f"after {number} of {len(due)} actions")
            self.arm.act(action)
        self._wait_until(end(start_ns), "after the last action")
        path = self.arm.path()
        inside = (path.stamps_ns >= start_ns) & (path.stamps_ns <= end(start_ns))
        return Path(path.stamps_ns[inside], path.positions[inside], path.quaternions[inside])

    def settle(self, settle_s: float) -> None:
        """Let the arm come to rest, with the last action still asked for, and then nothing any more.

        Raises:
            Ended: where the arm was lost.
        """
        self._wait_until(self._pace.now_ns() + round(settle_s * NS_PER_S), "at its end")
        self.arm.rest()

    def why_no_state(self) -> str:
        """Which of the arm's topics are silent."""
        silent = [name for name, there in (
            ("panda/joint_states", self.arm.q is not None), ("panda/applied_action", self.arm.applied is not None),
        ) if not there]  # fmt: skip
        return f"nothing comes on {', '.join(silent) or 'sim/objects'}: is the panda node running, on this domain?"

    def wait(self, done: Callable[[], Any], why: Callable[[], str], patience_s: float = 0.0) -> None:
        """Wait for a condition.

        Args:
            done: The condition.
            why: What is to be said where it does not come true.
            patience_s: Longest wait; 0: the player's own [s].

        Raises:
            Ended: where it does not come true in time, with the reason why.
        """
        patience_s = patience_s or self._patience_s
        end_s, told_s = time.monotonic() + patience_s, time.monotonic() + 1.0
        while not done():
            if self.closing:
                raise Ended("interrupted")
            if time.monotonic() > end_s:
                raise Ended(f"{why()} (waited {patience_s:g} s)")
            if time.monotonic() > told_s:
                self._node.get_logger().info(f"waiting: {why()}")
                told_s = end_s
            time.sleep(POLL_S)

    def _wait_until(self, due_ns: int, where: str) -> None:
        def over() -> bool:
            return self.closing or bool(self.arm.follower.lost(time.monotonic_ns()))

        if not self._pace.wait_until(due_ns, over):
            why = self.arm.follower.lost(time.monotonic_ns()) or "the clock went back"
            raise Ended(f"stopped {where}: {why}. It does not go on by itself; begin it again from its start")

    def _why_not(self) -> str:
        """Why the arm would not follow now; empty where it would."""
        if self.arm.deadman:
            return "a teleoperator holds the deadman"
        return forbidden(self.arm.applied)
