"""What a Polymetis server says of an arm as Muse's state of it: the tool's pose, twist and wrench from the joints.

Pure. Must not import rclpy or torch.
"""

from __future__ import annotations

import numpy as np

from muse_core.control.kinematics import PandaKinematics
from muse_core.control.state import RobotState
from muse_ros.polymetis.state_reader import ReadState

WRENCH_DAMPING = 1e-6
"""As in the simulated Panda: near singularities no force explains the torques."""


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
    pushed = jacobian @ state.torques_external
    return RobotState(
        stamp_ns=read.stamp_ns,
        q=state.q,
        qdot=state.qdot,
        ee_position=position,
        ee_orientation=orientation,
        ee_twist=jacobian @ state.qdot,
        wrench=np.linalg.solve(jacobian @ jacobian.T + WRENCH_DAMPING * np.eye(6), pushed),
        gripper_width=width_m,
    )
