"""The one safety filter: every joint set-point passes it last, and nothing else reaches a driver.

It keeps, beside each set-point, the way to a standstill from there, and lets a set-point pass only if that whole way
keeps every limit too: joint positions with their margin, the workspace box, the tool's linear and angular speed, and by
construction joint velocity, acceleration and jerk. So there is always a lawful next set-point, the next one on the way
to the standstill, whatever is asked for. An arm that starts outside a limit may move back, never further out.

Limits hold for the set-points themselves, by differences of consecutive ones. Must not know what asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from muse_core.control.jerk import JointGenerator, JointMotion
from muse_core.control.kinematics import PandaKinematics
from muse_core.control.limits import Limit, Limits

_SHARES = (1.0, 0.75, 0.5, 0.25, 0.1, 0.03)
"""How much of the step from braking to what was asked is tried, in this order, where all of it is not allowed."""
_WALL_BRAKING = 1.0
"""The tool slows down before a wall of the workspace as if it could brake by this much [m/s^2]."""
_WALL_PERIODS = 4.0
"""And as if the rest of the way took at least this many periods."""
_TOOL_SPEED_SHARE = 0.985
"""Of the tool's speed limits: room for joints whose accelerations, taken back one after the other, turn its way."""
_JOINT_INSET_RAD = 1e-6
"""Joints aim this far inside their margin: more than the generator may miss its aim by."""
_ROUNDING = 1e-12
_REACHED_RAD = 1e-7
_LARGEST = 1e3
"""Wishes beyond this many rad or rad/s mean the same and would overflow."""


@dataclass(frozen=True)
class _Path:
    """A set-point and the way from it to a standstill: n set-points, the first one sent next.

    Attributes:
        motion: Of the joints, arrays of shape (n, 7).
        transforms: The tool's pose at each, shape (n, 4, 4).
    """

    motion: JointMotion
    transforms: np.ndarray

    def __len__(self) -> int:
        return len(self.transforms)

    def rest(self) -> _Path:
        q, velocity, acceleration = self.motion.q, self.motion.velocity, self.motion.acceleration
        return _Path(JointMotion(q[1:], velocity[1:], acceleration[1:]), self.transforms[1:])


class SafetyFilter:
    """Limits joint set-points at a fixed rate.

    Args:
        kinematics: Of the arm.
        limits: What to keep.
        dt_s: Time between set-points [s].

    Attributes:
        q: The last set-point [rad], shape (7,).
        velocity: The joint velocity that led to it, the difference of set-points [rad/s], shape (7,).
    """

    def __init__(self, kinematics: PandaKinematics, limits: Limits, dt_s: float) -> None:
        self._kinematics, self._limits, self._dt = kinematics, limits, dt_s
        self._generator = JointGenerator(limits, dt_s)
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
        self._motion = JointMotion.at_rest(q)
        self._transform = self._kinematics.tool_transforms(q)
        self._braking: _Path | None = None

    @property
    def transform(self) -> np.ndarray:
        """The tool's pose at the last set-point, shape (4, 4)."""
        return self._transform

    @property
    def standing(self) -> bool:
        """Whether the arm came to a standstill before the last set-point."""
        return not (self.velocity.any() or self._braking)

    def brake(self) -> Limit:
        """Take the next set-point of the way to the standstill, into `q` and `velocity`."""
        if self._braking:
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
        q_wanted, velocity_wanted, limited = self._inside(q_wanted, velocity_wanted)
        steps, limited_tool = self._steps(q_wanted, velocity_wanted)
        if not steps:
            return limited | self.brake()
        limited |= limited_tool | self._behind(steps[0], q_wanted)
        for step in steps:
            path = self._path(step)
            broken = self._broken(path) if path is not None else Limit.NOT_LIMITED
            if path is not None and not broken:
                return limited | self._take(path)
            limited |= broken
        return limited | self._move_less(*steps, self._generator.go_straight(self._motion, q_wanted))

    def _inside(self, q: np.ndarray, velocity: np.ndarray) -> tuple[np.ndarray, np.ndarray, Limit]:
        """The wish with its joints inside their limits, where a joint of it stands still."""
        lowest = np.minimum(self._q_lower + _JOINT_INSET_RAD, self.q)
        highest = np.maximum(self._q_upper - _JOINT_INSET_RAD, self.q)
        inside = np.minimum(np.maximum(q, lowest), highest)
        moved = inside != q
        if not moved.any():
            return q, velocity, Limit.NOT_LIMITED
        return inside, np.where(moved, 0.0, velocity), Limit.JOINT_POSITION

    def _steps(self, q_wanted: np.ndarray, velocity_wanted: np.ndarray) -> tuple[list[JointMotion], Limit]:
        """The next set-points on the way to the wish, the best first, no faster than the tool may go."""
        now, generator = self._motion, self._generator
        step = generator.follow(now, q_wanted, velocity_wanted)
        if step is None:
            return [], Limit.NOT_LIMITED
        velocity, limited = self._tool_limited(generator.levelled(step), step)
        if not limited:
            return [step], limited
        # A plan within that speed brakes in time for the wish; before a wall it could not tell why to go slower.
        slower = None if limited & Limit.WORKSPACE else generator.follow(now, q_wanted, velocity_wanted, velocity)
        return [each for each in (slower, generator.take_speed(now, velocity)) if each is not None], limited

    def _tool_limited(self, wanted: np.ndarray, step: JointMotion) -> tuple[np.ndarray, Limit]:
        """The velocity without what is too fast for the tool, or brings it too fast towards a wall."""
        jacobian = self._kinematics.jacobian(step.q)
        velocity, limited = self._turn_from_walls(wanted, jacobian)
        twist = jacobian @ velocity
        linear, angular = np.sqrt(twist[:3] @ twist[:3]), np.sqrt(twist[3:] @ twist[3:])
        share = max(linear / self._limits.linear_speed, angular / self._limits.angular_speed)
        if share > _TOOL_SPEED_SHARE:
            velocity, limited = velocity * (_TOOL_SPEED_SHARE / share), limited | Limit.CARTESIAN_SPEED
        return velocity, limited

    def _behind(self, step: JointMotion, q_wanted: np.ndarray) -> Limit:
        """Which limits of the joints keep the set-point from being where it is wanted."""
        if np.abs(step.q - q_wanted).max() < _REACHED_RAD:
            return Limit.NOT_LIMITED
        if (np.abs(step.velocity) > 0.999 * self._max_velocity).any():
            return Limit.JOINT_VELOCITY
        if (np.abs(step.acceleration) > 0.999 * self._max_acceleration).any():
            return Limit.JOINT_ACCELERATION
        return Limit.JOINT_JERK

    def _move_less(self, *steps: JointMotion | None) -> Limit:
        """Go as far from braking towards one of the steps as the limits allow, all joints alike.

        Limiting joint by joint turns the way, and an arm at a wall of the workspace could not leave it; in a straight
        line of joints it can.
        """
        braked = self._braking.motion.at(0) if self._braking else JointMotion.at_rest(self.q)
        for share in _SHARES:
            for step in steps:
                path = self._path(braked.towards(step, share)) if step is not None else None
                if path is not None and not self._broken(path):
                    return self._take(path)
        return self.brake()

    def _turn_from_walls(self, velocity: np.ndarray, jacobian: np.ndarray) -> tuple[np.ndarray, Limit]:
        """The velocity without what brings the tool too fast towards a wall of the workspace; it may slide along it."""
        tool, limited = self._transform[:3, 3], Limit.NOT_LIMITED
        walls = ((1.0, self._limits.workspace_upper - tool), (-1.0, tool - self._limits.workspace_lower))
        for axis in range(3):
            for outward, distances in walls:
                room = max(0.0, float(distances[axis]))
                allowed = min(np.sqrt(2.0 * _WALL_BRAKING * room), room / (_WALL_PERIODS * self._dt))
                row = outward * jacobian[axis]
                excess = row @ velocity - allowed
                if excess > 0.0:
                    velocity = velocity - row * (excess / max(row @ row, _ROUNDING))
                    limited |= Limit.WORKSPACE
        return velocity, limited

    def _path(self, step: JointMotion) -> _Path | None:
        """The step, then the fastest way to a standstill; None where the generator finds none."""
        braking = self._generator.brake(step)
        if braking is None:
            return None
        motion = JointMotion(
            np.concatenate([step.q[None], braking.q]),
            np.concatenate([step.velocity[None], braking.velocity]),
            np.concatenate([step.acceleration[None], braking.acceleration]),
        )
        return _Path(motion, self._kinematics.tool_transforms(motion.q))

    def _broken(self, path: _Path) -> Limit:
        """Which limits the path would break."""
        broken, limits, q = Limit.NOT_LIMITED, self._limits, path.motion.q
        if (np.minimum(self.q, self._q_lower) - q > _ROUNDING).any():
            broken |= Limit.JOINT_POSITION
        if (q - np.maximum(self.q, self._q_upper) > _ROUNDING).any():
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
        self._motion = path.motion.at(0)
        self.velocity = (self._motion.q - self.q) / self._dt
        self.q, self._transform = self._motion.q, path.transforms[0]
        self._braking = path.rest() if len(path) > 1 else None
        return Limit.NOT_LIMITED


def _outside(x: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """How far each component lies outside its interval, 0 inside."""
    return np.maximum(np.maximum(lower - x, x - upper), 0.0)
