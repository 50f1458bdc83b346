"""What the simulated arm says of itself to the server: its URDF, gains and rest pose, as the real Panda's client does.

The URDF is made from Franka's published Denavit-Hartenberg parameters. Must not import ROS.
"""

from __future__ import annotations

from typing import Any

import torch

from muse_core.control.kinematics import JOINT_NAMES
from muse_ros.polymetis.controllers import archive
from muse_ros.polymetis.messages import RobotClientMetadata

CONTROL_HZ = 1000
STIFFNESS = (40.0, 30.0, 50.0, 25.0, 35.0, 25.0, 10.0)
DAMPING = (4.0, 6.0, 5.0, 5.0, 3.0, 2.0, 1.0)
REST_POSE = (-0.1393, -0.0205, -0.0520, -2.0691, 0.0506, 2.0029, -0.9168)
VERSION = "0.2"
_QUARTER = "1.5707963267948966"
_ORIGINS = (  # xyz [m], roll about x [rad] of each joint's frame in that of the joint before; then the flange
    ("0 0 0.333", "0"),
    ("0 0 0", f"-{_QUARTER}"),
    ("0 -0.316 0", _QUARTER),
    ("0.0825 0 0", _QUARTER),
    ("-0.0825 0.384 0", f"-{_QUARTER}"),
    ("0 0 0", _QUARTER),
    ("0.088 0 0", _QUARTER),
    ("0 0 0.107", "0"),
)
_LIMITS = (  # lower, upper [rad], effort [N m], velocity [rad/s]
    (-2.8973, 2.8973, 87.0, 2.1750),
    (-1.7628, 1.7628, 87.0, 2.1750),
    (-2.8973, 2.8973, 87.0, 2.1750),
    (-3.0718, -0.0698, 87.0, 2.1750),
    (-2.8973, 2.8973, 12.0, 2.6100),
    (-0.0175, 3.7525, 12.0, 2.6100),
    (-2.8973, 2.8973, 12.0, 2.6100),
)


class StandStill(torch.nn.Module):
    """The default controller: a spring and a damper at the pose in which it begins.

    Args:
        stiffness: Of each joint [N m / rad].
        damping: Of each joint [N m s / rad].
    """

    def __init__(self, stiffness: torch.Tensor, damping: torch.Tensor) -> None:
        super().__init__()
        self.stiffness = stiffness
        self.damping = damping
        self.began = False
        self.pose = torch.zeros_like(stiffness)

    @torch.jit.export
    def reset(self) -> None:
        """Begin anew, where the next state is."""
        self.began = False

    def forward(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Torques [N m] for a state."""
        position = state["joint_positions"]
        if not self.began:
            self.pose = position.clone()
            self.began = True
        sprung = self.stiffness * (self.pose - position)
        return {"joint_torques": sprung - self.damping * state["joint_velocities"]}


def robot_metadata(version: str = VERSION, joints: int = 7) -> Any:
    """The RobotClientMetadata message of the simulated Panda.

    Args:
        version: Polymetis' version, as the server tells it.
        joints: How many joints it claims to have; 7, but for tests of a client's checks.
    """
    return RobotClientMetadata(
        urdf_file=panda_urdf(),
        hz=CONTROL_HZ,
        default_Kq=STIFFNESS[:joints],
        default_Kqd=DAMPING[:joints],
        default_controller=stand_still_archive(joints),
        dof=joints,
        ee_link_name="panda_link8",
        ee_link_idx=7,
        rest_pose=REST_POSE[:joints],
        polymetis_version=version,
        default_Kx=(750.0, 750.0, 750.0, 15.0, 15.0, 15.0),
        default_Kxd=(37.0, 37.0, 37.0, 2.0, 2.0, 2.0),
    )


def panda_urdf() -> str:
    """The kinematic chain from panda_link0 to panda_link8, without shapes and masses."""
    links = "".join(f'<link name="panda_link{i}"/>' for i in range(9))
    return f'<?xml version="1.0"?><robot name="panda">{links}{"".join(_joint(i) for i in range(8))}</robot>'


def stand_still_archive(joints: int) -> bytes:
    """The default controller as TorchScript."""
    return archive(StandStill(torch.tensor(STIFFNESS[:joints]), torch.tensor(DAMPING[:joints])))


def _joint(index: int) -> str:
    xyz, roll = _ORIGINS[index]
    frames = f'<parent link="panda_link{index}"/><child link="panda_link{index + 1}"/>'
    origin = f'<origin xyz="{xyz}" rpy="{roll} 0 0"/>'
    if index == len(JOINT_NAMES):
        return f'<joint name="panda_joint8" type="fixed">{origin}{frames}</joint>'
    lower, upper, effort, velocity = _LIMITS[index]
    limit = f'<limit lower="{lower}" upper="{upper}" effort="{effort}" velocity="{velocity}"/>'
    axis = '<axis xyz="0 0 1"/>'
    return f'<joint name="{JOINT_NAMES[index]}" type="revolute">{origin}{frames}{axis}{limit}</joint>'
