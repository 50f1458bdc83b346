"""What the ros2_control driver has to know of an arm's stack: names of joints, topics, the controller, the hand.

Plain values, checked when they are made; the panda node's parameters of the same names fill them. Must not import
rclpy.
"""

from __future__ import annotations

from dataclasses import dataclass

TRAJECTORY, FORWARD = "joint_trajectory_controller", "forward_command_controller"
CONTROLLERS = {TRAJECTORY: "joint_trajectory", FORWARD: "commands"}
"""The kinds of controllers that are driven, and the last part of the topic that each takes commands from."""
GRIPPERS = ("none", "topic", "action")


@dataclass(frozen=True)
class JointSettings:
    """One arm behind ros2_control. Topics are relative to `namespace`, unless they begin with a slash.

    Attributes:
        namespace: Of the panda node.
        joints: Names of the seven arm joints in `joint_states`, from the base on.
        fingers: Names of the fingers' joints, each of which measures half the opening; empty: the hand is not measured.
        joint_states: Topic (sensor_msgs/JointState) that has the arm's joints, in any order, among any others.
        gripper_states: Topic of the fingers' joints, where it is another.
        wrench: Topic (geometry_msgs/WrenchStamped) of the external wrench in the base frame; empty: there is none.
        controller: Kind of the controller, of :data:`CONTROLLERS`. A forward command controller gets set-points as
            steps: it is for stacks that soften them, not for the position interface of a real arm.
        command_topic: Where it takes commands from; empty: the controller's usual topic.
        from_set_point: Each trajectory begins with the last set-point at time zero, for a controller that would begin
            it where the arm is measured.
        following_error_rad: A joint further from where it was told to be, for `following_time_s`, is a fault [rad].
        following_time_s: See `following_error_rad` [s].
        connect_s: How long the first joint states are waited for [s].
        gripper: How the hand is commanded, of :data:`GRIPPERS`.
        gripper_command: Topic (std_msgs/Float64MultiArray) or action (control_msgs/GripperCommand) of the hand.
        gripper_scale: Commanded position per opening between the fingers: 0.5 where it is a finger's joint [1].
        gripper_values: How many equal values a command by topic holds.
        gripper_effort: Largest effort of a command by action [N].
        gripper_largest_m: Opening that the hand is asked for at most [m].
        recovery: Service or action that releases the arm's reflex; empty: there is none.
        recovery_type: Its type, such as ``franka_msgs/action/ErrorRecovery``; request and goal are left empty.
    """

    namespace: str = ""
    joints: tuple[str, ...] = tuple(f"panda_joint{i}" for i in range(1, 8))
    fingers: tuple[str, ...] = ("panda_finger_joint1", "panda_finger_joint2")
    joint_states: str = "joint_states"
    gripper_states: str = ""
    wrench: str = ""
    controller: str = TRAJECTORY
    command_topic: str = ""
    from_set_point: bool = False
    following_error_rad: float = 0.2
    following_time_s: float = 0.5
    connect_s: float = 10.0
    gripper: str = "none"
    gripper_command: str = ""
    gripper_scale: float = 0.5
    gripper_values: int = 1
    gripper_effort: float = 20.0
    gripper_largest_m: float = 0.08
    recovery: str = ""
    recovery_type: str = "std_srvs/srv/Trigger"

    def __post_init__(self) -> None:
        """Refuse what cannot be, with a ValueError that names the parameter, what was found and what is legal."""
        if len(self.joints) != 7 or len(set(self.joints)) != 7:
            raise ValueError(f"joints: seven different names are needed, got {list(self.joints)}")
        if len(set(self.fingers)) != len(self.fingers) or set(self.fingers) & set(self.joints):
            raise ValueError(f"fingers: names must differ from each other and from joints, got {list(self.fingers)}")
        if self.controller not in CONTROLLERS:
            raise ValueError(f"controller must be one of {', '.join(CONTROLLERS)}, got {self.controller!r}")
        if self.gripper not in GRIPPERS:
            raise ValueError(f"gripper must be one of {', '.join(GRIPPERS)}, got {self.gripper!r}")
        if self.gripper != "none" and not self.gripper_command:
            raise ValueError(f"gripper is {self.gripper}, but gripper_command names no {self.gripper}")
        package, _, rest = self.recovery_type.partition("/")
        kind, _, name = rest.partition("/")
        if self.recovery and not (package and name and kind in ("srv", "action")):
            raise ValueError(
                f"recovery_type must be like std_srvs/srv/Trigger or franka_msgs/action/ErrorRecovery, got "
                f"{self.recovery_type!r}"
            )

    @property
    def commands(self) -> str:
        """The topic that set-points go to."""
        return self.command_topic or f"{self.controller}/{CONTROLLERS[self.controller]}"
