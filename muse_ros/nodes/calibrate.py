"""The calibrate node: sways the arm a little on ``action/replay`` and records what a calibration needs into a bag.

What the recording says is worked out of the bag by ``muse calibrate latency``, with no node around it. The node ends by
itself: exit code 0 with the bag whole, 1 where it could not move the arm or lost it.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

from muse_ros.bags.bags import BagWriteError, open_writer
from muse_ros.bridge import message_class
from muse_ros.calibration.from_bag import calibrated_topics
from muse_ros.calibration.latency import CalibrationError
from muse_ros.calibration.motion import EASE_S, SIDEWAYS_M, sway
from muse_ros.contract.contract import ContractError, load_contract
from muse_ros.contract.stream import IMAGE_TYPES
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.replaying.player import Ended, Player
from muse_ros.nodes.run_node import NodeFailure, run_node
from muse_ros.replay.motion import NS_PER_S

PICTURE_QOS = QoSProfile(depth=20, reliability=ReliabilityPolicy.BEST_EFFORT)
STATE_QOS = QoSProfile(depth=200, reliability=ReliabilityPolicy.BEST_EFFORT)  # 0.2 s of a state at 1 kHz
AROUND_S = 1.0
"""Recorded before and after the motion: there are states on both sides of every picture, whatever its delay."""


class CalibrateNode(Node):
    """Moves the arm once, and ends."""

    def __init__(self, **options: Any) -> None:
        """Read the contract and begin.

        Args:
            options: Of :class:`rclpy.node.Node`.

        Raises:
            NodeFailure: where the contract names nothing to calibrate, or the bag cannot be written.
        """
        super().__init__("calibrate", **options)
        self.finished = threading.Event()
        self.failure = ""
        path = declare(self, "bag", "", "folder of the bag to be written; it must not exist yet")
        name = declare(self, "contract", "panda", "a contract file, or the name of one: its cameras and its state")
        self._duration_s = declare(self, "duration", 20.0, "of the motion [s]", (2.0 * EASE_S, 120.0))
        self._size = declare(self, "size", 1.0, "share of 4 cm sideways and 3 cm up", (0.2, 1.0))
        state = declare(self, "state", "", "key of the contract that tells where the arm is; empty: its joints")
        patience_s = declare(self, "patience_s", 20.0, "longest wait for the arm, or a permission [s]", (0.1, 600.0))
        if not path:
            raise NodeFailure("node calibrate: parameter bag must name a folder, such as calibration/monday")
        if Path(path).exists():
            raise NodeFailure(f"node calibrate: bag {path} exists already; a bag is never written over another")
        try:
            self._contract = load_contract(name)
            topics = calibrated_topics(self._contract, state)
        except (CalibrationError, ContractError) as error:
            raise NodeFailure(f"node calibrate: {error}") from error
        self._path, self._bag, self._writing = Path(path), None, threading.Lock()
        self._counts = dict.fromkeys(topics, 0)
        self._listening = [self._listen(topic, type_name) for topic, type_name in topics.items()]
        self._player = Player(self, patience_s)
        self._thread = threading.Thread(target=self._run, name="calibrate", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let go of the arm."""
        self._player.stop()
        self._thread.join()
        self._player.close()

    def _listen(self, topic: str, type_name: str) -> Any:
        qos = PICTURE_QOS if type_name in IMAGE_TYPES else STATE_QOS
        absolute = self.resolve_topic_name(topic)

        def take(data: bytes) -> None:
            self._counts[topic] += 1
            # A disk that is full is told when the bag is closed.
            with self._writing, contextlib.suppress(BagWriteError):
                if self._bag is not None:
                    self._bag.write(absolute, type_name, data, self.get_clock().now().nanoseconds)

        return self.create_subscription(message_class(type_name), topic, take, qos, raw=True)

    def _run(self) -> None:
        try:
            self._calibrate()
        except (Ended, BagWriteError) as error:
            self.failure = "" if self._player.closing else f"calibrate: {error}"
        except Exception as error:  # a thread has nobody above it to raise to
            self.failure = f"calibrate failed: {type(error).__name__}: {error}"
        finally:
            self._player.arm.silence()
            self.finished.set()

    def _calibrate(self) -> None:
        player, log = self._player, self.get_logger()
        player.find_arm()
        player.wait(lambda: all(self._counts.values()), self._why_silent)
        player.arm.speak()
        player.come_to_rest()
        log.info(f"the arm sways {100 * SIDEWAYS_M * self._size:.1f} cm to both sides for {self._duration_s:g} s")
        bag = open_writer(self._path, self._contract.to_dict(), self._contract.digest())
        try:
            self._bag = bag
            player.settle(AROUND_S)
            actions = sway(self._duration_s, self._size)
            path = player.play(actions, 1.0, lambda start: start + round(self._duration_s * NS_PER_S))
            player.settle(AROUND_S)
        finally:
            with self._writing:
                self._bag = None
            bag.close()
        off_m = float(np.linalg.norm(path.positions[-1] - path.positions[0])) if len(path) else 0.0
        counts = ", ".join(f"{bag.counts.get(self.resolve_topic_name(name), 0)} of {name}" for name in self._counts)
        log.info(f"recorded {counts}; the tool ends {1e3 * off_m:.1f} mm from where it began")

    def _why_silent(self) -> str:
        silent = [topic for topic, count in self._counts.items() if not count]
        return f"nothing comes on {', '.join(silent)}, which the contract {self._contract.name} names"


def main(args: list[str] | None = None) -> int:
    """Run the node until its recording is made, or a signal."""
    return run_node(CalibrateNode, args)
