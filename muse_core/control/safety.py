"""The one safety filter: every joint set-point passes it last, and nothing else reaches a driver.

It keeps, beside each set-point, the way to a standstill from there, and lets a set-point pass only if that whole way
keeps every limit too: joint positions with their margin, the workspace box, the tool's linear and angular speed, and by
construction joint velocity and acceleration. So there is always a lawful next set-point, the next one on the way to
the standstill, whatever is asked for. An arm that starts outside a limit may move back, never further out.

Limits hold for the set-points themselves, by differences of consecutive ones. Imports numpy and its own package only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from muse_core.control.kinematics import PandaKinematics
from muse_core.control.limits import Limit, Limits

_SHARES = (1.0, 0.75, 0.5, 0.25, 0.1, 0.03)
"""How much of the step from braking to what was asked is tried, in this order, where all of it is not allowed."""
_WALL_BRAKING = 1.0
"""The tool slows down before a wall of the workspace as if it could brake by this much [m/s^2]."""
_ROUNDING = 1e-12
_LARGEST = 1e3
"""Wishes beyond this many rad or rad/s mean the same and would overflow."""


@dataclass(frozen=True)
class _Path:
    """A set-point and the way from it to a standstill: n set-points, the first one sent next.

    Attributes:
        q: Joint positions [rad], shape (n, 7).
        velocity: Joint velocities that lead to each [rad/s], shape (n, 7).
        transforms: The tool's pose at each, shape (n, 4, 4).
    """

    q: np.ndarray
    velocity: np.ndarray
    transforms: np.ndarray

    def rest(self) -> _Path:
        return _Path(self.q[1:], self.velocity[1:], self.transforms[1:])


class SafetyFilter:
    """Limits joint set-points at a fixed rate.

    Args:
        kinematics: Of the arm.
        limits: What to keep.
        dt_s: Time between set-points [s].

    Attributes:
        q: The last set-point [rad], shape (7,).
        velocity: Its joint velocity [rad/s], shape (7,).
    """

    def __init__(self, kinematics: PandaKinematics, limits: Limits, dt_s: float) -> None:
        self._kinematics, self._limits, self._dt = kinematics, limits, dt_s
        self._max_velocity, self._max_acceleration = limits.joint_velocity, limits.joint_acceleration
        self._q_lower, self._q_upper = limits.q_lower, limits.q_upper
        self.reset(np.zeros(7))

    def reset(self, q: np.ndarray) -> None:
        """Stand still at `q` [rad], shape (7,): the arm is there, lawful or not.

        Raises:
            ValueError: unless `q` is seven finite numbers.
        """
        q = np.array(q, dtype=np.float64)
        if q.shape != (7,) or not np.isfinite(q).all():
            raise ValueError(f"the arm's joint positions must be 7 finite numbers [rad], got {q.tolist()}")
        self.q, self.velocity = q, np.zeros(7)
        self._transform = self._kinematics.tool_transforms(q)
        self._braking: _Path | None = None

    @property
    def transform(self) -> np.ndarray:
        """The tool's pose at the last set-point, shape (4, 4)."""
        return self._transform

    @property
    def standing(self) -> bool:
        """Whether the last set-point has no velocity."""
        return not self.velocity.any()

    def brake(self) -> Limit:
        """Take the next set-point of the way to the standstill, into `q` and `velocity`."""
        if self._braking is not None and len(self._braking.q):
            return self._take(self._braking)
        self.velocity = np.zeros(7)
        return Limit.NOT_LIMITED

    def move(self, q_wanted: np.ndarray, velocity_wanted: np.ndarray) -> Limit:
        """Take the lawful set-point nearest to what is wanted, into `q` and `velocity`.

        Args:
            q_wanted: Where the arm should be at the end of this period [rad], shape (7,).
            velocity_wanted: The velocity at which that point itself moves [rad/s], shape (7,).

        Returns:
            The limits that acted.
        """
        q_wanted = np.asarray(q_wanted, dtype=np.float64)
        velocity_wanted = np.asarray(velocity_wanted, dtype=np.float64)
        wishes = (q_wanted, velocity_wanted)
        if any(wish.shape != (7,) or not np.isfinite(wish).all() for wish in wishes):
            return self.brake() | Limit.NOT_FINITE
        q_wanted, velocity_wanted = (np.clip(wish, -_LARGEST, _LARGEST) for wish in wishes)
        wanted, limited = self._wanted_velocity(q_wanted, velocity_wanted)
        change = self._max_acceleration * self._dt
        velocity = np.clip(wanted, self.velocity - change, self.velocity + change)
        if (np.abs(velocity - wanted) > 1e-9).any():
            limited |= Limit.JOINT_ACCELERATION
        path = self._path(velocity)
        broken = self._broken(path)
        if not broken:
            return limited | self._take(path)
        return limited | broken | self._move_less(wanted, (q_wanted - self.q) / self._dt)

    def _move_less(self, *wishes: np.ndarray) -> Limit:
        """Go as far from braking towards one of the wished velocities as the limits allow, all joints alike.

        Limiting joint by joint turns the way, and an arm at a wall of the workspace could not leave it; in a straight
        line of joints it can.
        """
        braked = self._braking_velocity()
        changes = [wish - self.velocity for wish in wishes]
        largest = [np.max(np.abs(change) / (self._max_acceleration * self._dt)) for change in changes]
        straight = [self.velocity + change / max(1.0, most) for change, most in zip(changes, largest, strict=True)]
        for share in _SHARES:
            for velocity in straight:
                path = self._path(braked + share * (velocity - braked))
                if not self._broken(path):
                    return self._take(path)
        return self.brake()

    def _braking_velocity(self) -> np.ndarray:
        return np.zeros(7) if self._braking is None or not len(self._braking.q) else self._braking.velocity[0]

    def _wanted_velocity(self, q_wanted: np.ndarray, velocity_wanted: np.ndarray) -> tuple[np.ndarray, Limit]:
        """The velocity that closes the gap as fast as can be braked without overshooting, within the speed limits."""
        dt, acceleration, limited = self._dt, self._max_acceleration, Limit.NOT_LIMITED
        lowest, highest = np.minimum(self._q_lower, self.q), np.maximum(self._q_upper, self.q)
        inside = np.minimum(np.maximum(q_wanted, lowest), highest)
        if (inside != q_wanted).any():
            limited |= Limit.JOINT_POSITION
        wanted = (inside - self.q) / dt
        # The fastest approach that, braked by acceleration * dt a step, ends in the gap: it takes `steps` steps of y,
        # y - 1, y - 2 ... (in units of acceleration * dt), which add up to the gap.
        gap = np.abs(wanted - velocity_wanted) / (acceleration * dt)
        steps = np.maximum(1.0, np.ceil(0.5 * (np.sqrt(1.0 + 8.0 * gap) - 1.0)))
        approach = (gap / steps + 0.5 * (steps - 1.0)) * acceleration * dt
        velocity = velocity_wanted + np.clip(wanted - velocity_wanted, -approach, approach)
        if np.abs(velocity).max() > 0.0 and (np.abs(velocity) > self._max_velocity).any():
            velocity = velocity * np.min(self._max_velocity / np.maximum(np.abs(velocity), _ROUNDING))
            limited |= Limit.JOINT_VELOCITY
        jacobian = self._kinematics.jacobian(self.q + 0.5 * dt * velocity)
        velocity, at_wall = self._turn_from_walls(velocity, jacobian)
        twist = jacobian @ velocity
        linear, angular = np.sqrt(twist[:3] @ twist[:3]), np.sqrt(twist[3:] @ twist[3:])
        share = max(linear / self._limits.linear_speed, angular / self._limits.angular_speed)
        if share > 0.999:
            velocity, limited = velocity * (0.999 / share), limited | Limit.CARTESIAN_SPEED
        return velocity, limited | at_wall

    def _turn_from_walls(self, velocity: np.ndarray, jacobian: np.ndarray) -> tuple[np.ndarray, Limit]:
        """The velocity without what brings the tool too fast towards a wall of the workspace; it may slide along it."""
        tool, limited = self._transform[:3, 3], Limit.NOT_LIMITED
        walls = ((1.0, self._limits.workspace_upper - tool), (-1.0, tool - self._limits.workspace_lower))
        for axis in range(3):
            for outward, distances in walls:
                room = max(0.0, float(distances[axis]))
                allowed = min(np.sqrt(2.0 * _WALL_BRAKING * room), 0.5 * room / self._dt)
                row = outward * jacobian[axis]
                excess = row @ velocity - allowed
                if excess > 0.0:
                    velocity = velocity - row * (excess / max(row @ row, _ROUNDING))
                    limited |= Limit.WORKSPACE
        return velocity, limited

    def _path(self, velocity: np.ndarray) -> _Path:
        """The step at `velocity`, then the straight way to a standstill that brakes as hard as the joints allow."""
        steps = max(1, int(np.ceil(np.max(np.abs(velocity) / (self._max_acceleration * self._dt)) - 1e-9)))
        velocities = (np.arange(steps, 0, -1) / steps)[:, None] * velocity
        q = self.q + self._dt * np.cumsum(velocities, axis=0)
        return _Path(q, velocities, self._kinematics.tool_transforms(q))

    def _broken(self, path: _Path) -> Limit:
        """Which limits the path would break."""
        broken, limits = Limit.NOT_LIMITED, self._limits
        end = path.q[-1]  # every joint moves one way only: its end is its extreme
        if (np.minimum(self.q, self._q_lower) - end > _ROUNDING).any():
            broken |= Limit.JOINT_POSITION
        if (end - np.maximum(self.q, self._q_upper) > _ROUNDING).any():
            broken |= Limit.JOINT_POSITION
        transforms = np.concatenate([self._transform[None], path.transforms])
        position, R = transforms[:, :3, 3], transforms[:, :3, :3]
        if (np.diff(_outside(position, limits.workspace_lower, limits.workspace_upper), axis=0) > _ROUNDING).any():
            broken |= Limit.WORKSPACE
        travelled = np.sqrt((np.diff(position, axis=0) ** 2).sum(axis=1)).max()
        # |R1 - R0| is 2 sqrt(2) sin(angle / 2): exact for small angles, where the arc cosine of the trace is not.
        chord = np.sqrt((np.diff(R, axis=0) ** 2).sum(axis=(1, 2))).max() / np.sqrt(8.0)
        turned = 2.0 * np.arcsin(min(1.0, chord))
        if travelled > limits.linear_speed * self._dt or turned > limits.angular_speed * self._dt:
            broken |= Limit.CARTESIAN_SPEED
        return broken

    def _take(self, path: _Path) -> Limit:
        self.q, self.velocity, self._transform = path.q[0], path.velocity[0], path.transforms[0]
        self._braking = path.rest()
        return Limit.NOT_LIMITED


def _outside(x: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """How far each component lies outside its interval, 0 inside."""
    return np.maximum(np.maximum(lower - x, x - upper), 0.0)
