"""What a controller on the server keeps, whatever is sent to it. Plain numbers: no torch, no ROS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

JOINTS = 7
LONGEST_DURATION_S = 1.0
"""From one set-point to the next."""

FIRM_STIFFNESS = (200.0, 200.0, 200.0, 200.0, 80.0, 80.0, 40.0)
FIRM_DAMPING = (25.0, 25.0, 25.0, 25.0, 7.0, 6.0, 3.5)
"""Gains [N m/rad], [N m s/rad] of an arm that is to be where it is told. With a Polymetis server's own (50 N m/rad and
less) friction of 0.5 N m leaves a joint up to 50 mrad off, with these 13 mrad; after a knock they come to rest with a
control loop that is 4 ms late even with light rotors, with those of libfranka's example (600 and 50) an arm then flails
(all in MuJoCo). What a contact is pressed with does not depend on them: `ControllerLimits.spring_torque`."""
LARGEST_STIFFNESS = (1200.0, 1200.0, 1200.0, 1200.0, 500.0, 300.0, 100.0)
LARGEST_DAMPING = (100.0, 100.0, 100.0, 100.0, 60.0, 50.0, 30.0)
"""Gains above these, twice those of libfranka's joint impedance example, are refused: an arm that is much stiffer
shakes itself to a stop."""

GUIDED_DAMPING = (10.0, 10.0, 10.0, 10.0, 3.0, 3.0, 2.0)
"""For an arm that is guided by hand [N m s/rad]: of a fast joint. A load of 5 N m that the arm was not told of sinks at
1 rad/s."""


@dataclass(frozen=True)
class ControllerLimits:
    """What a controller keeps, whatever is sent to it. The defaults are for a Panda.

    They lie outside the safety filter's (which is what should limit), and inside those at which Polymetis' client for
    the arm stops it (2.075 rad/s, 86 and 11.5 N m, joints to 0.1 rad from their ends) or brakes it (above 1.575 rad/s).

    Attributes:
        position_lower: Of the desired positions [rad], 7 of them. An arm that starts beyond is not drawn inside.
        position_upper: Likewise.
        velocity: Of the desired velocities, either way [rad/s].
        acceleration: Of the desired accelerations, either way [rad/s^2].
        torque: Either way [N m].
        torque_rate: Change of a torque per second [N m/s].
        spring_torque: Most that a joint's spring may draw it with, either way [N m]. What pushes the arm further moves
            the desired position along: nothing winds up, and a contact is pressed by no more than this.
        spring_distance: And never further than this from the measured position [rad].
        step: A set-point further than this from the desired position is refused [rad].
    """

    position_lower: tuple[float, ...] = (-2.78, -1.64, -2.78, -2.95, -2.78, 0.1, -2.78)
    position_upper: tuple[float, ...] = (2.78, 1.64, 2.78, -0.19, 2.78, 3.63, 2.78)
    velocity: tuple[float, ...] = (1.5, 1.5, 1.5, 1.5, 1.9, 1.9, 1.9)
    acceleration: tuple[float, ...] = (15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0)
    torque: tuple[float, ...] = (86.0, 86.0, 86.0, 86.0, 11.5, 11.5, 11.5)
    torque_rate: float = 1000.0
    spring_torque: tuple[float, ...] = (20.0, 20.0, 20.0, 20.0, 6.0, 6.0, 6.0)
    spring_distance: float = 0.25
    step: float = 0.2

    def __post_init__(self) -> None:
        """Check them.

        Raises:
            ValueError: One has another length than 7, is not finite, or not positive where it must be.
        """
        for name in ("position_lower", "position_upper", "velocity", "acceleration", "torque", "spring_torque"):
            joint_values(name, getattr(self, name), positive=not name.startswith("position"))
        for name in ("torque_rate", "spring_distance", "step"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f"ControllerLimits.{name} must be positive and finite, found {getattr(self, name)}")
        if any(lower >= upper for lower, upper in zip(self.position_lower, self.position_upper, strict=True)):
            raise ValueError(f"position_lower {self.position_lower} is not below position_upper {self.position_upper}")


def nominal_period(hz: float) -> float:
    """Of a control cycle [s]; `ValueError` where no arm has that rate."""
    if not 10.0 <= hz <= 10_000.0:
        raise ValueError(f"a control loop has between 10 and 10000 cycles a second, found {hz}")
    return 1.0 / hz


def joint_values(name: str, values: Sequence[float], positive: bool, largest: Sequence[float] = ()) -> list[float]:
    """`values` as 7 floats; `ValueError` where they are not that, or one is above the largest of its joint."""
    found = [float(value) for value in values]
    if len(found) != JOINTS or not all(math.isfinite(value) and (value > 0.0 or not positive) for value in found):
        raise ValueError(f"{name} must be {JOINTS} finite{' positive' if positive else ''} numbers, found {found}")
    for joint, (value, most) in enumerate(zip(found, largest), start=1):  # noqa: B905 - there may be no largest
        if value > most:
            raise ValueError(f"{name} of joint {joint} must be at most {most:g}, found {value:g}")
    return found
