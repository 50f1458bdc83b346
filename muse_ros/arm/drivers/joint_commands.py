"""What is sent to a controller of ros2_control and when: short trajectories that brake by themselves, a hand's goals.

Pure: times come in as arguments. Must not import rclpy.

A joint trajectory controller interpolates cubically between points that have positions and velocities, and by default
refuses a trajectory that does not end at rest (ros-controls/ros2_controllers, joint_trajectory_controller). So each
trajectory is: the set-point, then a standstill that constant deceleration leads to. While set-points keep coming the
second half is replaced before it is reached; when they stop, the arm brakes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from muse_core.control.state import SetPoint

LEAD = 2.0
"""A set-point is to be reached after so many intervals between set-points. Fewer make late ones felt: with 5 ms of
jitter at 50 Hz and 0.5 rad/s, 1.25 leaves jumps of 35 rad/s^2 in the controller's desired motion, 2 leaves 11."""
BRAKE_RAD_S2 = 5.0
"""Deceleration of the fastest joint where no set-point follows; below every maximum of Panda and FR3."""
SHORTEST_BRAKE_S = 0.05


@dataclass(frozen=True)
class Point:
    """One point of a trajectory.

    Attributes:
        time_s: When it is to be reached, after the trajectory's start [s].
        position: Joint positions [rad], shape (7,).
        velocity: Joint velocities [rad/s], shape (7,).
    """

    time_s: float
    position: np.ndarray
    velocity: np.ndarray


def braking(set_point: SetPoint, reach_s: float, last: SetPoint | None) -> tuple[Point, ...]:
    """The trajectory of one set-point.

    Args:
        set_point: Where to be.
        reach_s: When to be there, after the trajectory's start [s].
        last: Where the trajectory begins, at time zero; None: wherever the controller is.
    """
    velocity = np.asarray(set_point.velocity, dtype=np.float64)
    brake_s = max(SHORTEST_BRAKE_S, float(np.abs(velocity).max()) / BRAKE_RAD_S2)
    rest = set_point.position + 0.5 * brake_s * velocity
    points = (Point(reach_s, set_point.position, velocity), Point(reach_s + brake_s, rest, np.zeros(7)))
    return points if last is None else (Point(0.0, last.position, last.velocity), *points)


class Cadence:
    """When the next set-point is sent: at a steady rate, though the control loop's is another.

    Args:
        rate_hz: Set-points per second [Hz].
        at_once: The first set-point of a new action does not wait.
    """

    def __init__(self, rate_hz: float, at_once: bool) -> None:
        self._interval_ns, self._at_once = round(1e9 / rate_hz), at_once
        self._due_ns: int | None = None
        self._action_stamp_ns = 0

    def due(self, set_point: SetPoint, steady_ns: int, period_s: float) -> bool:
        """Whether this set-point is to be sent; of two periods the nearer one to the due time has it.

        Args:
            set_point: What the control loop decided.
            steady_ns: Now [ns].
            period_s: Of the control loop [s].
        """
        begins = self._at_once and set_point.action_stamp_ns > self._action_stamp_ns
        due_ns = steady_ns if self._due_ns is None else self._due_ns
        early_ns = round(0.5e9 * min(period_s, 1e-9 * self._interval_ns))
        if not begins and steady_ns < due_ns - early_ns:
            return False
        self._action_stamp_ns = max(self._action_stamp_ns, set_point.action_stamp_ns)
        on_time = abs(steady_ns - due_ns) <= 0.5 * self._interval_ns
        self._due_ns = (due_ns if on_time else steady_ns) + self._interval_ns
        return True


class HandGoals:
    """Which opening the hand is asked for, and when: where the wish has changed, and one goal after another.

    A hand is slow (a Franka hand takes a second for a command) and does not like to be interrupted: while it is busy,
    the newest wish waits.

    Args:
        largest_m: Opening that is asked for at most [m].
    """

    SMALLEST_CHANGE_M = 0.002
    GIVE_UP_S = 5.0
    """A goal without an answer for so long blocks no other."""

    def __init__(self, largest_m: float) -> None:
        self._largest_m = largest_m
        self._asked_m: float | None = None
        self._asked_ns = 0

    def forget(self) -> None:
        """The next wish is what the hand does already: at the start, nothing is to move by itself."""
        self._asked_m = None

    def next(self, wish_m: float, busy: bool, steady_ns: int) -> float | None:
        """The opening to ask for now [m], or None.

        Args:
            wish_m: Commanded opening [m].
            busy: Whether the last goal has had no answer yet.
            steady_ns: Now [ns].
        """
        wish_m = float(np.clip(wish_m, 0.0, self._largest_m))
        if self._asked_m is None:
            self._asked_m = wish_m
        waiting = busy and steady_ns - self._asked_ns < self.GIVE_UP_S * 1e9
        if waiting or abs(wish_m - self._asked_m) < self.SMALLEST_CHANGE_M:
            return None
        self._asked_m, self._asked_ns = wish_m, steady_ns
        return wish_m
