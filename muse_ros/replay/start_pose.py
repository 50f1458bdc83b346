"""Whether the arm stands where a recording began, and the scene is the recorded one. Pure; imports no ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from muse_ros.replay.motion import Motion

SCENE_TOLERANCE_M = 0.005


@dataclass(frozen=True)
class StartPose:
    """How far the arm stands from the recorded start.

    Attributes:
        differences: Measured less recorded, per joint [rad], shape (7,).
        gripper_m: The same of the opening between the fingers [m]; 0 where the recording does not say.
        tolerance_rad: What any joint may differ by [rad].
        gripper_tolerance_m: What the opening may differ by [m].
    """

    differences: np.ndarray
    gripper_m: float
    tolerance_rad: float
    gripper_tolerance_m: float

    @property
    def reached(self) -> bool:
        """Whether a replay may begin here."""
        joints_there = bool((np.abs(self.differences) <= self.tolerance_rad).all())  # not-a-number is nowhere
        return joints_there and abs(self.gripper_m) <= self.gripper_tolerance_m

    def describe(self) -> str:
        """How far off it is, in one sentence."""
        joint = int(np.argmax(np.abs(self.differences)))
        largest = self.differences[joint]
        return (
            f"joint {joint + 1} is {largest:+.3f} rad from the recorded start, the others less "
            f"(allowed {self.tolerance_rad:g}); the gripper's opening {1e3 * self.gripper_m:+.1f} mm "
            f"(allowed {1e3 * self.gripper_tolerance_m:g})"
        )

    def refusal(self) -> str:
        """Why no replay begins here, joint by joint, and what to do; empty where one may."""
        if self.reached:
            return ""
        off = ", ".join(f"joint {number + 1} {way:+.3f}" for number, way in enumerate(self.differences))
        return (
            f"the arm does not stand where the recording began. Measured less recorded [rad]: {off}; allowed "
            f"{self.tolerance_rad:g}. Gripper: {1e3 * self.gripper_m:+.1f} mm, allowed "
            f"{1e3 * self.gripper_tolerance_m:g}. --approach moves there slowly in a straight line of joints; --home "
            "moves home, where many recordings begin; a simulation is put there by --reset"
        )


def compare(
    motion: Motion, q: np.ndarray, gripper_m: float, tolerance_rad: float, gripper_tolerance_m: float
) -> StartPose:
    """The measured pose beside the recorded start.

    Args:
        motion: What is to be replayed.
        q: Measured joints [rad], shape (7,).
        gripper_m: Measured opening between the fingers [m].
        tolerance_rad: What any joint may differ by [rad].
        gripper_tolerance_m: What the opening may differ by [m].
    """
    gripper = 0.0 if motion.start_gripper_m is None else gripper_m - motion.start_gripper_m
    return StartPose(np.asarray(q, np.float64) - motion.start_q, gripper, tolerance_rad, gripper_tolerance_m)


def scene_difference(recorded: np.ndarray | None, found: np.ndarray | None) -> str:
    """How a simulated scene differs from the recorded one, with what to do; empty where it does not, or none is known.

    Args:
        recorded: Positions of the objects at the recorded start [m], shape (O, 3).
        found: Positions now [m], shape (P, 3).
    """
    if recorded is None or found is None:
        return ""
    cure = "are task and wide those of the recording?"
    if recorded.shape != found.shape:
        return f"the scene holds {len(found)} objects, the recorded one {len(recorded)}: {cure}"
    away = np.linalg.norm(found - recorded, axis=1)
    if not len(away) or away.max() <= SCENE_TOLERANCE_M:
        return ""
    worst = int(np.argmax(away))
    return (
        f"object {worst} of the scene lies {1e3 * away[worst]:.1f} mm from where it lay in the recording "
        f"(allowed {1e3 * SCENE_TOLERANCE_M:g}): {cure}"
    )
