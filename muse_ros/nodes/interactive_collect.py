"""The interactive_collect node: counts and converts each episode the moment it is kept, and ends when enough are.

The episodes are the collect node's; this node only hears of them. Converting is done by another process, assembling by
a thread, so that no message waits. What it keeps is in ``muse_ros/interactive/keeping.py``.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from rclpy.node import Node

from muse_core.datasets.store import DatasetError
from muse_ros.bridge import STATUS_QOS
from muse_ros.interactive.flags import LARGEST_CAPACITY, REDUCTIONS, Plan
from muse_ros.interactive.keeping import Keeper, KeepingError, Tally
from muse_ros.msg import EpisodeStatus
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure, run_node

BETWEEN = (EpisodeStatus.IDLE, EpisodeStatus.READY)
MOST = 1_000_000_000


class InteractiveCollectNode(Node):
    """Keeps the books of one session."""

    def __init__(self, **options: Any) -> None:
        """Declare parameters, and look at once for what an earlier run has left to do.

        Raises:
            NodeFailure: naming the parameter that is missing or wrong.
        """
        super().__init__("interactive_collect", **options)
        self.finished = threading.Event()
        self.failure = ""
        self.tally = Tally()
        self.plan, recordings = self._read_parameters()
        self._keeper = Keeper(self.plan, recordings)
        self._news = threading.Event()
        self._closing = False
        self._counts: tuple[int, ...] = ()
        self._between = True
        self._episode = ""
        self._told: set[str] = set()
        self.create_subscription(EpisodeStatus, "collect/status", self._hear, STATUS_QOS)
        self._thread = threading.Thread(target=self._work, name="keeping", daemon=True)
        self._news.set()
        self._thread.start()
        self.get_logger().info(f"kept episodes go to {self.plan.dataset}, at the end to {self.plan.save_file}")

    def close(self) -> None:
        """End a conversion that runs. What is not done yet, the same command does when it is called again."""
        self._closing = True
        self._keeper.stop()
        self._news.set()
        self._thread.join()
        if not self.finished.is_set() and self.tally.episodes:
            self.get_logger().info(f"{self.tally.text(self.plan)}; the same command goes on, and assembles the file")

    def _read_parameters(self) -> tuple[Plan, Path]:
        root = declare(self, "root_dir", "recordings", "folder of all sessions")
        session = declare(self, "session", "", "the session's folder in it")
        dataset = declare(self, "dataset", "", "folder of the converted episodes, such as data/mine")
        save_file = declare(self, "save_file", "", "what the kept episodes are assembled into: .npz, .hdf5 or .h5")
        for name, value in (("session", session), ("dataset", dataset), ("save_file", save_file)):
            if not value:
                raise NodeFailure(f"node interactive_collect: parameter {name} must be given")
        returns = declare(self, "returns", "none", "how rewards are reduced", choices=("none", *REDUCTIONS))
        plan = Plan(
            session=session,
            dataset=Path(dataset),
            save_file=Path(save_file),
            model_file=declare(self, "model_file", "", "who acts, as printed; empty: a person") or None,
            max_steps=declare(self, "max_steps", LARGEST_CAPACITY, "end when so many rows are kept", (1, MOST)),
            max_eps=declare(self, "max_eps", 0, "end when so many episodes are kept; 0: not by them", (0, MOST))
            or None,
            episodic=declare(self, "save_episodic", False, "a file for each episode"),
            start_episode=declare(self, "save_start_ep", 0, "number of the first of these files", (0, MOST)),
            returns=None if returns == "none" else returns,
            show_policy=declare(self, "print_policy_name", False, "print who acts, at every episode"),
            show_last=declare(self, "print_last_obs", False, "print each kept episode's last observation"),
        )
        return plan, Path(root).expanduser() / session

    def _hear(self, status: EpisodeStatus) -> None:
        self._between = status.state in BETWEEN
        counts = (status.kept, status.discarded, status.successes, status.failures, self._between)
        if counts != self._counts:
            self._counts = counts
            self._news.set()
        if self.plan.show_policy and status.state == EpisodeStatus.RECORDING and status.episode_id != self._episode:
            self._episode = status.episode_id
            self.get_logger().info(f"{status.episode_id}: {self.plan.model_file or 'a person'} acts")

    def _work(self) -> None:
        while not self._closing:
            self._news.wait()
            self._news.clear()
            if self._closing:
                return
            try:
                self._tell(self._keeper.convert())
            except KeepingError as error:
                self.get_logger().error(str(error))
            if self.tally.enough(self.plan) and self._between and not self._closing:
                self._finish()
                return

    def _tell(self, tally: Tally) -> None:
        """Say what is new."""
        changed, self.tally = tally != self.tally, tally
        for kept in tally.episodes:
            if kept.recording in self._told:
                continue
            self._told.add(kept.recording)
            if self.plan.returns:
                self.get_logger().info(f"{kept.recording}: return {self._keeper.returns(kept):g} ({self.plan.returns})")
            if self.plan.show_last:
                self.get_logger().info(f"{kept.recording}: last observation {self._keeper.last_observation(kept)}")
        if changed:
            self.get_logger().info(tally.text(self.plan))

    def _finish(self) -> None:
        try:
            self._keeper.assemble()
            self.get_logger().info(f"{self.plan.save_file} is assembled: {self.tally.text(self.plan)}")
        except (DatasetError, OSError) as error:
            self.failure = f"{self.plan.save_file} could not be assembled: {error}. What was kept is safe"
        self.finished.set()


def main(args: list[str] | None = None) -> int:
    """Run the node until enough is kept, or a signal."""
    return run_node(InteractiveCollectNode, args)
