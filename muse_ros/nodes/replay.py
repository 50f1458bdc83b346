"""The replay node: plays an episode's actions on ``action/replay``, through the same arbiter and safety as any source.

Parameters are here, and the order of things: put the scene and the arm where the recording began, check that they are
there, play, say how far the tool strayed. What is played and when is decided in ``muse_ros.replay``. The node ends by
itself: exit code 0 after a whole replay, 1 where it refused or lost the arm. It never goes on after losing it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.node import Node

from muse_core.control.kinematics import HOME_Q
from muse_core.control.limits import default_limits
from muse_core.datasets.store import DatasetError
from muse_ros.bags.bags import BagError
from muse_ros.contract.contract import ContractError
from muse_ros.msg import EpisodeStatus
from muse_ros.nodes.node_clock import NodeClock
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.replaying.arm import TOPIC, ReplayArm
from muse_ros.nodes.replaying.service_calls import POLL_S, ServiceCalls, ServiceError
from muse_ros.nodes.run_node import NodeFailure, run_node
from muse_ros.replay.drift import drift
from muse_ros.replay.follow import forbidden
from muse_ros.replay.motion import NS_PER_S, MotionError, Path, RecordedAction
from muse_ros.replay.opening import WHAT, open_motion
from muse_ros.replay.schedule import approach, end_ns, scheduled
from muse_ros.replay.start_pose import StartPose, compare, scene_difference

GRID_NS = 100_000_000
"""A replay begins on a whole multiple of this: recorded again at 10 Hz, each tick then has its one action."""
SETTLE_S = 0.5
HOME_S = 40.0
HOME_RAD = 0.01


class Ended(Exception):
    """The replay ends before it is whole; the message says why."""


class ReplayNode(Node):
    """Plays one episode, and ends."""

    def __init__(self, **options: Any) -> None:
        """Read the episode and begin.

        Args:
            options: Of :class:`rclpy.node.Node`.

        Raises:
            NodeFailure: where there is nothing that could be replayed.
        """
        super().__init__("replay", **options)
        self.finished = threading.Event()
        self.failure = ""
        self._read_parameters()
        self._pace = NodeClock(self.get_clock())
        self._closing = False
        self._arm = ReplayArm(self, self._pace.wake)
        self._calls = ServiceCalls(self, lambda: self._closing, self._patience_s)
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)
        self.get_logger().info(self.motion.describe())
        for note in self.motion.notes:
            self.get_logger().warning(note)
        self._thread.start()

    def _read_parameters(self) -> None:
        path = declare(self, "path", "", "the episode: a bag, or an episode of a dataset")
        episode = declare(self, "episode", "", "which episode, where `path` is a dataset of several")
        what = declare(self, "what", "actions", "actions as asked for, or set_points as applied", choices=WHAT)
        self._speed = declare(self, "speed", 1.0, "share of the recorded speed", (0.01, 1.0))
        self._wants_reset = declare(self, "reset_scene", False, "simulation: put the scene to the recorded seed first")
        self._wants_home = declare(self, "home", False, "move home first")
        self._home_q = np.array(
            declare(self, "home_q", HOME_Q.tolist(), "joints at home, as node panda has them [rad]")
        )
        self._simulator = declare(self, "simulator", "panda", "node that has the simulated world's seed")
        self._wants_approach = declare(self, "approach", False, "move to the recorded start first, slowly")
        self._approach_speed = declare(self, "approach_speed", 0.2, "of any joint on that way [rad/s]", (0.01, 0.5))
        self._tolerance = declare(self, "start_tolerance", 0.02, "of any joint at the start [rad]", (0.0, 0.5))
        self._gripper_tolerance = declare(
            self, "gripper_tolerance", 0.01, "of the gripper's opening at the start [m]", (0.0, 0.1)
        )
        self._wants_record = declare(self, "record", False, "have the collect node record the replay as an episode")
        self._patience_s = declare(
            self, "patience_s", 20.0, "longest wait for the arm, an answer or a permission [s]", (0.1, 600.0)
        )
        if not path:
            raise NodeFailure(
                "node replay: parameter path must name an episode, such as recordings/monday/episode_0003"
            )
        try:
            self.motion = open_motion(path, episode, what)
            scheduled(self.motion.actions, 0, self._speed)
        except (MotionError, BagError, DatasetError, ContractError, FileNotFoundError) as error:
            raise NodeFailure(f"node replay: {error}") from error

    def close(self) -> None:
        """Let go of the arm: it holds as soon as the heartbeat is missed."""
        self._closing = True
        self._pace.wake()
        self._thread.join()
        self._arm.silence()
        self._pace.close()

    def _run(self) -> None:
        try:
            self._replay()
        except (Ended, ServiceError, MotionError) as error:
            self.failure = "" if self._closing else f"replay: {error}"
        except Exception as error:  # a thread has nobody above it to raise to
            self.failure = f"replay failed: {type(error).__name__}: {error}"
        finally:
            self._arm.silence()
            self.finished.set()

    def _replay(self) -> None:
        log = self.get_logger()
        self._wait(lambda: self._arm.q is not None and self._arm.applied is not None, self._why_no_state)
        if self._arm.rivals():
            raise Ended(f"another node publishes {TOPIC}: end it first")
        if self._wants_reset:
            self._reset_scene()
        if self._wants_home:
            self._go_home()
        self._arm.speak()
        if self._wants_approach and not self._start_pose().reached:
            self._go_to_start()
        self._wait(lambda: self._arm.standing, lambda: "the arm does not come to rest")
        refusal = self._start_pose().refusal()
        if refusal:
            raise Ended(refusal)
        log.info(f"start: {self._start_pose().describe()}")
        if self._wants_record:
            self._start_episode()
        try:
            played = self._play(self.motion.actions, self._speed, lambda start: end_ns(self.motion, start, self._speed))
            success = self._settle()
        except Ended:
            if self._wants_record and not self._closing:  # what there is of it is the operator's to keep or discard
                self._calls.trigger("collect/stop")
            raise
        if self._wants_record:
            self._end_episode(success)
        log.info(self._figures(played, success))

    def _start_pose(self) -> StartPose:
        return compare(self.motion, self._arm.q, self._arm.gripper_m, self._tolerance, self._gripper_tolerance)

    def _reset_scene(self) -> None:
        if self.motion.seed is None:
            raise Ended("the recording names no seed: its scene cannot be made again, do without --reset")
        self._calls.set_integer(self._simulator, "seed", self.motion.seed)
        self.get_logger().info(self._calls.trigger("sim/reset"))
        self._arm.objects = None
        seen = self._arm.states
        self._wait(lambda: self._arm.states > seen + 2 and self._arm.objects is not None, self._why_no_state)
        difference = scene_difference(self.motion.objects, self._arm.objects)
        if difference:
            raise Ended(difference)

    def _go_home(self) -> None:
        self.get_logger().info(self._calls.trigger("panda/home"))
        self._wait(
            lambda: self._arm.standing and np.abs(self._arm.q - self._home_q).max() < HOME_RAD,
            lambda: "the arm is not home",
            HOME_S,
        )

    def _go_to_start(self) -> None:
        arm, widest = self._arm, default_limits().gripper_max_width
        wanted = arm.gripper_m if self.motion.start_gripper_m is None else self.motion.start_gripper_m
        hands = tuple(float(np.clip(1.0 - width / widest, 0.0, 1.0)) for width in (arm.gripper_m, wanted))
        way = approach(arm.q, self.motion.start_q, hands, self._approach_speed, 0)
        self.get_logger().info(
            f"moving to the recorded start in {way[-1].stamp_ns / NS_PER_S + way[-1].period_s:.1f} s"
        )
        self._play(way, 1.0, lambda start: start + way[-1].stamp_ns + NS_PER_S)
        self._arm.rest()

    def _play(self, actions: Any, speed: float, end: Callable[[int], int]) -> Path:
        """Publish actions when they are due, and watch that the arm follows; returns where the tool went.

        Raises:
            Ended: where the arm was lost.
        """
        self._wait(lambda: not self._why_not(), lambda: f"the arm cannot be moved: {self._why_not()}")
        self._arm.follow()
        start_ns = (self._pace.now_ns() // GRID_NS + 2) * GRID_NS
        due: list[RecordedAction] = scheduled(actions, start_ns, speed)
        for number, action in enumerate(due):
            self._wait_until(action.stamp_ns, f"after {number} of {len(due)} actions")
            self._arm.act(action)
        self._wait_until(end(start_ns), "after the last action")
        path = self._arm.path()
        inside = (path.stamps_ns >= start_ns) & (path.stamps_ns <= end(start_ns))
        return Path(path.stamps_ns[inside], path.positions[inside], path.quaternions[inside])

    def _wait_until(self, due_ns: int, where: str) -> None:
        def over() -> bool:
            return self._closing or bool(self._arm.follower.lost(time.monotonic_ns()))

        if not self._pace.wait_until(due_ns, over):
            why = self._arm.follower.lost(time.monotonic_ns()) or "the clock went back"
            raise Ended(f"stopped {where}: {why}. It does not go on by itself; begin it again from its start")

    def _settle(self) -> bool | None:
        """Let the arm come to rest; what the simulation then says of its task."""
        self._wait_until(self._pace.now_ns() + round(SETTLE_S * NS_PER_S), "at its end")
        self._arm.rest()
        return self._arm.success

    def _start_episode(self) -> None:
        self._wait(
            lambda: self._arm.recorder_state == EpisodeStatus.READY,
            lambda: "the collect node is not ready for an episode" if self._arm.recorder_state is not None
            else "there is no collect node to record with",
        )  # fmt: skip
        self._calls.trigger("collect/start")
        self._wait(lambda: self._arm.recorder_state == EpisodeStatus.RECORDING, lambda: "the recording did not begin")

    def _end_episode(self, success: bool | None) -> None:
        verb = {True: "success", False: "failure", None: "stop"}[success]
        self._calls.trigger(f"collect/{verb}")
        self.get_logger().info(f"recorded and kept; collect: {self._calls.trigger('collect/keep')}")

    def _figures(self, played: Path, success: bool | None) -> str:
        follower = self._arm.follower
        strayed = drift(self.motion.path, played)
        word = {True: "; the task is done", False: "; the task is not done", None: ""}[success]
        asked, done = len(self.motion.actions), follower.carried_out
        late = f" ({asked - done} came too late and were left out: is this machine too busy?)" if done < asked else ""
        where = strayed.describe() if strayed else "where the tool was is not recorded"
        return (
            f"replayed {min(done, asked)} of {asked} actions{late} in {self.motion.duration_s / self._speed:.1f} s "
            f"(speed {self._speed:g}): {where}; "
            f"a limit acted on {follower.limited} of {follower.served} set-points{word}"
        )

    def _why_not(self) -> str:
        """Why the arm would not follow a replay now; empty where it would."""
        if self._arm.deadman:
            return "a teleoperator holds the deadman"
        return forbidden(self._arm.applied)

    def _why_no_state(self) -> str:
        silent = [name for name, there in (
            ("panda/joint_states", self._arm.q is not None), ("panda/applied_action", self._arm.applied is not None),
        ) if not there]  # fmt: skip
        return f"nothing comes on {', '.join(silent) or 'sim/objects'}: is the panda node running, on this domain?"

    def _wait(self, done: Callable[[], Any], why: Callable[[], str], patience_s: float = 0.0) -> None:
        """Wait for a condition.

        Raises:
            Ended: where it does not come true in time, with the reason why.
        """
        patience_s = patience_s or self._patience_s
        end_s, told_s = time.monotonic() + patience_s, time.monotonic() + 1.0
        while not done():
            if self._closing:
                raise Ended("interrupted")
            if time.monotonic() > end_s:
                raise Ended(f"{why()} (waited {patience_s:g} s)")
            if time.monotonic() > told_s:
                self.get_logger().info(f"waiting: {why()}")
                told_s = end_s
            time.sleep(POLL_S)


def main(args: list[str] | None = None) -> int:
    """Run the node until its episode is played, or a signal."""
    return run_node(ReplayNode, args)
