"""What a Polymetis server says of an arm as Muse's state of it: the tool's pose, twist and wrench from the joints.

Pure but for who reads the server. Must not import rclpy or torch.
"""

from __future__ import annotations

from muse_core.control.kinematics import PandaKinematics, tool_wrench
from muse_core.control.state import RobotState
from muse_ros.polymetis.state_reader import ReadState, StateReader

SPACING_NS = 5_000_000
"""States told of are this far apart at the least [ns]: of 250 a second every other one."""
LONGEST_NS = 300_000_000
"""A control loop that was held up, or paused, for longer than this tells of no older states."""


class MeasuredStates:
    """What an arm measured since it was last told of, also while the control loop was held up.

    Args:
        reader: Of the arm's server.
        kinematics: Of the arm.
    """

    def __init__(self, reader: StateReader, kinematics: PandaKinematics) -> None:
        self._reader, self._kinematics = reader, kinematics
        self._told_ns = 0

    def take(self, width_m: float) -> list[RobotState]:
        """The states since the last call, oldest first, the newest with them where it is new enough.

        Args:
            width_m: Opening between the fingers [m].
        """
        newest = self._reader.newest()
        if newest is None:
            return []
        if newest.stamp_ns < self._told_ns:  # a clock was set back
            self._told_ns = 0
        found = []
        for read in self._reader.since(max(self._told_ns, newest.stamp_ns - LONGEST_NS)):
            if self._told_ns + SPACING_NS <= read.stamp_ns <= newest.stamp_ns:
                self._told_ns = read.stamp_ns
                found.append(robot_state(read, self._kinematics, width_m))
        return found


def robot_state(read: ReadState, kinematics: PandaKinematics, width_m: float) -> RobotState:
    """The arm at one instant, stamped by this computer's clock.

    Args:
        read: From the server.
        kinematics: Of the arm.
        width_m: Opening between the fingers [m].
    """
    state = read.state
    position, orientation = kinematics.forward(state.q)
    jacobian = kinematics.jacobian(state.q)
    return RobotState(
        stamp_ns=read.stamp_ns,
        q=state.q,
        qdot=state.qdot,
        ee_position=position,
        ee_orientation=orientation,
        ee_twist=jacobian @ state.qdot,
        wrench=tool_wrench(jacobian, state.torques_external),
        gripper_width=width_m,
    )
