"""What the Polymetis driver needs to know of one arm's server. Plain values: no gRPC, torch or ROS."""

from __future__ import annotations

from dataclasses import dataclass

from muse_ros.polymetis.controller_limits import (
    FIRM_DAMPING,
    FIRM_STIFFNESS,
    LARGEST_DAMPING,
    LARGEST_STIFFNESS,
    joint_values,
)


@dataclass(frozen=True)
class PolymetisSettings:
    """One server.

    Attributes:
        robot_ip: Where it is: a name or an address. No default: a real arm must be meant.
        robot_port: Of its arm.
        hand_port: Of its hand; 0: there is no hand, or Muse leaves it alone.
        stiffness: Of the joints [N m/rad], 7 of them; empty: as the server has it by default.
        damping: Of the joints [N m s/rad], likewise.
        hand_force: What the fingers hold with [N]; with 0 they never grasp, they only go to widths.
        hand_speed: How fast they move [m/s].
    """

    robot_ip: str = ""
    robot_port: int = 50051
    hand_port: int = 50052
    stiffness: tuple[float, ...] = FIRM_STIFFNESS
    damping: tuple[float, ...] = FIRM_DAMPING
    hand_force: float = 20.0
    hand_speed: float = 0.1

    def __post_init__(self) -> None:
        """Check the gains.

        Raises:
            ValueError: naming the one that is wrong.
        """
        for name, most in (("stiffness", LARGEST_STIFFNESS), ("damping", LARGEST_DAMPING)):
            if found := getattr(self, name):
                joint_values(name, found, positive=True, largest=most)
