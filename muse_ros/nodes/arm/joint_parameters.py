"""The panda node's parameters of an arm behind ros2_control."""

from __future__ import annotations

from rclpy.node import Node

from muse_ros.arm.drivers.joint_settings import CONTROLLERS, GRIPPERS, TRAJECTORY, JointSettings
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure

NOT_MEASURED = ["none"]


def joint_settings(node: Node) -> JointSettings:
    """Declare them, and read them.

    Args:
        node: The panda node; its parameter `arm_id` is declared.

    Raises:
        NodeFailure: if one is not what it may be.
    """
    arm_id = node.get_parameter("arm_id").value
    joints = _names(declare(node, "joints", [""], "the arm's joints in joint_states, from the base on"))
    fingers = _names(declare(node, "fingers", [""], "joints of the fingers in joint_states; none: not measured"))
    try:
        return JointSettings(
            namespace=node.get_namespace(),
            joints=tuple(joints or [f"{arm_id}_joint{i}" for i in range(1, 8)]),
            fingers=tuple(fingers or [f"{arm_id}_finger_joint{i}" for i in (1, 2)]) if fingers != NOT_MEASURED else (),
            joint_states=declare(node, "joint_states", "joint_states", "topic of the arm's joints"),
            gripper_states=declare(node, "gripper_states", "", "topic of the fingers' joints, where it is another"),
            wrench=declare(node, "wrench", "", "topic of the external wrench in the base frame"),
            controller=declare(node, "controller", TRAJECTORY, "kind of the controller", choices=tuple(CONTROLLERS)),
            command_topic=declare(node, "command_topic", "", "where the controller takes commands from"),
            from_set_point=declare(node, "from_set_point", False, "trajectories begin with the last set-point"),
            following_error_rad=declare(
                node, "following_error", 0.2, "larger distances to set-points are faults [rad]", (0.01, 3.0)
            ),
            following_time_s=declare(node, "following_time_s", 0.5, "if they last so long [s]", (0.05, 10.0)),
            connect_s=declare(node, "connect_s", 10.0, "wait so long for the first joint states [s]", (0.1, 120.0)),
            gripper=declare(node, "gripper", "none", "how the hand is commanded", choices=GRIPPERS),
            gripper_command=declare(node, "gripper_command", "", "topic or action of the hand"),
            gripper_scale=declare(node, "gripper_scale", 0.5, "commanded position per opening [1]", (-10.0, 10.0)),
            gripper_values=declare(node, "gripper_values", 1, "fingers that a command is for", (1, 8)),
            gripper_effort=declare(node, "gripper_effort", 20.0, "largest effort of a command [N]", (0.0, 200.0)),
            gripper_largest_m=declare(node, "gripper_largest", 0.08, "largest opening asked for [m]", (0.001, 0.5)),
            recovery=declare(node, "recovery", "", "service or action that releases the arm's reflex"),
            recovery_type=declare(node, "recovery_type", "std_srvs/srv/Trigger", "type of that service or action"),
        )
    except ValueError as error:
        raise NodeFailure(f"node {node.get_name()}: parameter {error}") from error


def _names(given: list[str]) -> list[str]:
    """The names of a parameter; ROS knows no empty list, so one empty name stands for none."""
    return [name for name in given if name]
