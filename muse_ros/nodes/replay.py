"""The replay node: plays an episode's actions on ``action/replay``, through the same arbiter and safety as any source.

Parameters are here, and the order of things: put the scene and the arm where the recording began, check that they are
there, play, say how far the tool strayed. What is played and when is decided in ``muse_ros.replay``. The node ends by
itself: exit code 0 after a whole replay, 1 where it refused or lost the arm. It never goes on after losing it.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from rclpy.node import Node

from muse_core.control.kinematics import HOME_Q
from muse_core.control.limits import default_limits
from muse_core.datasets.store import DatasetError
from muse_ros.bags.bags import BagError
from muse_ros.contract.contract import ContractError
from muse_ros.msg import EpisodeStatus
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.replaying.player import Ended, Player
from muse_ros.nodes.replaying.service_calls import ServiceCalls, ServiceError
from muse_ros.nodes.run_node import NodeFailure, run_node
from muse_ros.replay.drift import drift
from muse_ros.replay.motion import NS_PER_S, MotionError, Path
from muse_ros.replay.opening import WHAT, open_motion
from muse_ros.replay.schedule import approach, end_ns, scheduled
from muse_ros.replay.start_pose import StartPose, compare, scene_difference

SETTLE_S = 0.5
HOME_S = 40.0
HOME_RAD = 0.01


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
        self._player = Player(self, self._patience_s)
        self._arm = self._player.arm
        self._calls = ServiceCalls(self, lambda: self._player.closing, self._patience_s)
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
        self._player.stop()
        self._thread.join()
        self._player.close()

    def _run(self) -> None:
        try:
            self._replay()
        except (Ended, ServiceError, MotionError) as error:
            self.failure = "" if self._player.closing else f"replay: {error}"
        except Exception as error:  # a thread has nobody above it to raise to
            self.failure = f"replay failed: {type(error).__name__}: {error}"
        finally:
            self._arm.silence()
            self.finished.set()

    def _replay(self) -> None:
        log = self.get_logger()
        self._player.find_arm()
        if self._wants_reset:
            self._reset_scene()
        if self._wants_home:
            self._go_home()
        self._arm.speak()
        if self._wants_approach and not self._start_pose().reached:
            self._go_to_start()
        self._player.come_to_rest()
        refusal = self._start_pose().refusal()
        if refusal:
            raise Ended(refusal)
        log.info(f"start: {self._start_pose().describe()}")
        if self._wants_record:
            self._start_episode()
        try:
            played = self._player.play(
                self.motion.actions, self._speed, lambda start: end_ns(self.motion, start, self._speed)
            )
            success = self._settle()
        except Ended:
            # What there is of the recording is the operator's to keep or discard.
            if self._wants_record and not self._player.closing:
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
        self._player.wait(
            lambda: self._arm.states > seen + 2 and self._arm.objects is not None, self._player.why_no_state
        )
        difference = scene_difference(self.motion.objects, self._arm.objects)
        if difference:
            raise Ended(difference)

    def _go_home(self) -> None:
        self.get_logger().info(self._calls.trigger("panda/home"))
        self._player.wait(
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
        self._player.play(way, 1.0, lambda start: start + way[-1].stamp_ns + NS_PER_S)
        self._arm.rest()

    def _settle(self) -> bool | None:
        """Let the arm come to rest; what the simulation then says of its task."""
        self._player.settle(SETTLE_S)
        return self._arm.success

    def _start_episode(self) -> None:
        self._player.wait(
            lambda: self._arm.recorder_state == EpisodeStatus.READY,
            lambda: "the collect node is not ready for an episode" if self._arm.recorder_state is not None
            else "there is no collect node to record with",
        )  # fmt: skip
        self._calls.trigger("collect/start")
        self._player.wait(
            lambda: self._arm.recorder_state == EpisodeStatus.RECORDING, lambda: "the recording did not begin"
        )

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


def main(args: list[str] | None = None) -> int:
    """Run the node until its episode is played, or a signal."""
    return run_node(ReplayNode, args)
