"""A node that looks from outside like an arm's ros2_control: joint states, a controller, a hand, error recovery.

Names and order of its joints are not ours, as in the stacks that there are; it moves without mass or delay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger
from trajectory_controller import TrajectoryController
from trajectory_msgs.msg import JointTrajectory

RATE_HZ = 200.0


class ControlledArm:
    """One arm.

    Args:
        node: The node that it lives in; it is to be spun.
        q: Where the joints stand [rad], from the base on.
        joints: Their names, from the base on.
        fingers: Names of the fingers' joints.
        topic: Of the joint states.
        commands: Topic of the controller.
        forward: Whether that is a forward command controller.

    Attributes:
        silent: Publish nothing.
        stuck: Do not move, as after a reflex; the service `error_recovery` ends it.
        received: How many commands came.
    """

    def __init__(
        self,
        node: Any,
        q: np.ndarray,
        joints: Sequence[str],
        fingers: Sequence[str] = (),
        topic: str = "joint_states",
        commands: str = "joint_trajectory_controller/joint_trajectory",
        forward: bool = False,
    ) -> None:
        self._node, self._fingers = node, list(fingers)
        self.controller = TrajectoryController(joints, q)
        self.q, self.qdot, self.finger = np.array(q, float), np.zeros(7), 0.04
        self.silent, self.stuck, self.received = False, False, 0
        # Alphabetical reversed, and the fingers first: an order that nobody would choose.
        self._order = sorted(range(7), reverse=True)
        self._publisher = node.create_publisher(JointState, topic, 10)
        if forward:
            node.create_subscription(Float64MultiArray, commands, self._take_position, 10)
        else:
            node.create_subscription(JointTrajectory, commands, self._take_trajectory, 10)
        node.create_subscription(Float64MultiArray, "hand/commands", self._take_hand, 10)
        node.create_service(Trigger, "error_recovery", self._recover)
        node.create_timer(1.0 / RATE_HZ, self._step)

    def _take_trajectory(self, message: JointTrajectory) -> None:
        self.received += 1
        assert (message.header.stamp.sec, message.header.stamp.nanosec) == (0, 0)  # it begins when it arrives
        self.controller.take(
            message.joint_names,
            [
                (
                    p.time_from_start.sec + 1e-9 * p.time_from_start.nanosec,
                    np.array(p.positions),
                    np.array(p.velocities),
                )
                for p in message.points
            ],
        )

    def _take_position(self, message: Float64MultiArray) -> None:
        self.received += 1
        self.controller.q = np.array(message.data)

    def _take_hand(self, message: Float64MultiArray) -> None:
        self.finger = message.data[0]

    def _recover(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = self.stuck, "" if self.stuck else "no errors"
        self.stuck = False
        self.controller.take(self.controller.joints, [(0.0, self.q, np.zeros(7))])
        return response

    def _step(self) -> None:
        self.controller.step(1.0 / RATE_HZ, self.q, self.qdot)
        if not self.stuck:
            self.q, self.qdot = np.array(self.controller.q), np.array(self.controller.qdot)
        if self.silent:
            return
        message = JointState(name=[*self._fingers, *(self.controller.joints[i] for i in self._order)])
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.position = [*[self.finger] * len(self._fingers), *self.q[self._order].tolist()]
        message.velocity = [*[0.0] * len(self._fingers), *self.qdot[self._order].tolist()]
        self._publisher.publish(message)
