"""The arm's side of every device with six motions: speeds, frame, gripper, and the action that a sample means."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped

from muse_core.geometry import quaternion_normalize
from muse_ros.contract.message_fields import xyzw
from muse_ros.msg import Action, AppliedAction
from muse_ros.nodes.devices.heard_source import HeardSource
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.polled_topic import PolledTopic
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.teleop.deadman import DeadmanGate
from muse_ros.teleop.mapper import SPEED_SCALES, DeviceSample, TwistMapper, TwistSettings, from_tool_frame, lock_axes
from muse_ros.teleop.mapping import MOTIONS
from muse_ros.teleop.raw_input import DeviceError

PERIOD_S = 0.02


class SixAxes:
    """Makes actions of samples, and keeps what the operator has set.

    Attributes:
        mapper: Speed step and gripper.
        frame: ``base`` or ``tool``: whose axes the device's motions are.
    """

    def __init__(self, node: Any) -> None:
        """Declare the parameters, and listen to the arm.

        Raises:
            NodeFailure: where a parameter is not legal.
        """
        self._node = node
        settings = TwistSettings(
            linear_speed=declare(node, "linear_speed", 0.2, "full speed of the tool [m/s]", (0.001, 1.0)),
            angular_speed=declare(node, "angular_speed", 0.5, "full rotation speed of the tool [rad/s]", (0.001, 3.0)),
            period_s=PERIOD_S,
            scale_index=declare(node, "speed_step", 2, f"first of the speeds {SPEED_SCALES}, from 0", (0, 3)),
        )
        self.mapper = TwistMapper(settings)
        self.frame = declare(node, "frame", "base", "whose axes the motions are", choices=("base", "tool"))
        self._locked = _locked(declare(node, "locked_axes", "", f"motions that stay still: some of {_NAMES}"))
        self._applied = PolledTopic(node, AppliedAction, "panda/applied_action")
        self._tool = HeardSource(node, PoseStamped, "panda/ee_pose", "in the tool's frame nothing moves without it")
        self._gate = DeadmanGate()
        self.gripper_width: float | None = None

    def act(
        self,
        sample: DeviceSample,
        now_ns: int,
        problem: str = "",
        hint: str = "",
        motion: np.ndarray | None = None,
        frame: str = "",
    ) -> Action:
        """The action that a sample means; buttons are obeyed, and what is wrong is told.

        Args:
            sample: What the device says.
            now_ns: Now, by the steady clock [ns].
            problem: What is wrong with the device; empty where nothing is.
            hint: What the operator has to do.
            motion: Six deltas of an ``ee_delta`` action that take the place of the sample's motions.
            frame: Whose axes the sample's motions are, where the device says so; empty: as the parameter says.
        """
        sample = lock_axes(sample, self._locked)
        if (frame or self.frame) == "tool":
            sample, problem = self._from_tool(sample, now_ns, problem)
        self._node.report.say(problem, hint)
        self._node.buttons.take(sample)
        values = self.mapper.step(sample, self._gripper_closed())
        if motion is not None and sample.deadman:
            values[:6] = [0.0 if name in self._locked else x for name, x in zip(MOTIONS, motion, strict=True)]
        return self._node.action(values.tolist(), self._node.now_ns(), PERIOD_S, sample.deadman, enable=sample.enable)

    def _from_tool(self, sample: DeviceSample, now_ns: int, problem: str) -> tuple[DeviceSample, str]:
        """The sample in the base frame; without the tool's orientation its deadman is up until it is pressed anew."""
        try:
            orientation = quaternion_normalize(xyzw(self._tool.message(now_ns).pose.orientation))
        except (DeviceError, ValueError) as error:
            self._gate.lose()
            return replace(sample, deadman=False), problem or str(error)
        return replace(from_tool_frame(sample, orientation), deadman=self._gate.step(sample.deadman)), problem

    def _gripper_closed(self) -> bool | None:
        """Whether the hand is commanded closed, where that is known."""
        applied = self._applied.newest()
        if applied is not None and math.isfinite(applied.gripper_width):
            self.gripper_width = applied.gripper_width
        return None if self.gripper_width is None else self.gripper_width < self._node.gripper_half_open


_NAMES = " ".join(MOTIONS)


def _locked(text: str) -> frozenset[str]:
    """The motions that a parameter's text names."""
    names = frozenset(text.replace(",", " ").split())
    if not names <= {*MOTIONS}:
        raise NodeFailure(f"parameter locked_axes must hold some of {_NAMES}, got {text!r}")
    return names
