"""What the driver of an arm behind ros2_control needs of its topics. Must not import rclpy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from muse_ros.arm.drivers.joint_commands import Point


class JointTopics(Protocol):
    """The topics of one arm, which somebody else subscribes and publishes. Nothing blocks but `recover`."""

    def taken(self) -> Iterable[tuple[Any, int]]:
        """Joint states since the last call, oldest first, each with when it arrived by our clock [ns]."""

    def wrench(self) -> np.ndarray | None:
        """The newest external force [N], then torque [N m] in the base frame, shape (6,); None where there is none."""

    def send_trajectory(self, points: tuple[Point, ...]) -> None:
        """Publish a trajectory that begins now."""

    def send_position(self, position: np.ndarray) -> None:
        """Publish joint positions [rad], shape (7,)."""

    def listeners(self) -> int:
        """How many controllers listen to what is sent."""

    def rivals(self) -> list[str]:
        """Names of other nodes that speak where commands are sent to."""

    def ask_hand(self, width_m: float) -> None:
        """Have the hand open or close to a width [m]; does not wait for it."""

    def hand_busy(self) -> bool:
        """Whether the hand has not answered the last :meth:`ask_hand` yet."""

    def hand_report(self) -> str:
        """How the hand's last command went, in words."""

    def recover(self) -> str:
        """Have the arm's stack release its reflex, where it can; returns why that failed, or an empty text."""

    def heard_of(self) -> str:
        """Which topics of joint states there are and what would be missing, for a message to the operator."""

    def close(self) -> None:
        """Let go of all topics. Safe to call twice."""
