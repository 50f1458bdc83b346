"""The panda node's parameters of an arm behind a Polymetis server."""

from __future__ import annotations

from rclpy.node import Node

from muse_ros.arm.drivers.polymetis_settings import PolymetisSettings
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure
from muse_ros.polymetis.controller_limits import FIRM_DAMPING, FIRM_STIFFNESS

SERVERS_OWN = [0.0]


def polymetis_settings(node: Node) -> PolymetisSettings:
    """Declare them, and read them.

    Raises:
        NodeFailure: if one is not what it may be.
    """
    stiffness = declare(node, "stiffness", list(FIRM_STIFFNESS), "of seven joints [N m/rad]; [0.0]: the server's own")
    damping = declare(node, "damping", list(FIRM_DAMPING), "of seven joints [N m s/rad]; [0.0]: the server's own")
    try:
        return PolymetisSettings(
            robot_ip=declare(node, "robot_ip", "", "address of the computer that runs the arm's server"),
            robot_port=declare(node, "robot_port", 50051, "of its arm", (1, 65535)),
            hand_port=declare(node, "hand_port", 50052, "of its hand; 0: there is none", (0, 65535)),
            stiffness=() if list(stiffness) == SERVERS_OWN else tuple(stiffness),
            damping=() if list(damping) == SERVERS_OWN else tuple(damping),
            hand_force=declare(node, "hand_force", 20.0, "what the fingers hold with [N]; 0: no grasps", (0.0, 70.0)),
            hand_speed=declare(node, "hand_speed", 0.1, "speed of the fingers [m/s]", (0.01, 0.2)),
        )
    except ValueError as error:
        raise NodeFailure(f"node {node.get_name()}: parameter {error}") from error
