"""Jerk-limited motion of the joints from one set-point to the next, and to a standstill, by the library Ruckig.

Ruckig (Berscheid and Kroeger, "Jerk-limited real-time trajectory generation with arbitrary target states", 2021) gives
the fastest motion between two states within limits of velocity, acceleration and jerk. Each period one is planned from
the state that the last one had reached, so the set-points lie on one curve whose jerk is bounded everywhere, and with
it every difference of consecutive set-points. Knows joints only; the tool is the safety filter's concern.
"""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from weakref import WeakSet

import numpy as np
from ruckig import ControlInterface, InputParameter, Ruckig, RuckigError, Synchronization, Trajectory

from muse_core.control.limits import Limits

_HEADROOM = 0.9999
"""Planned within this share of each limit, so that rounding does not carry a difference of set-points beyond it."""
_FRAME_SPEED = 0.95
"""A wish that moves faster than this share of a joint's speed is taken to move that fast."""
_CATCH_UP_PER_S = 4.0
_CATCH_UP_LEAST = 0.02
"""A joint that lags behind a moving point goes faster than it by this share of the gap a second, and by no less than
this [rad/s]. As fast as it can, it would be far too fast at the end of an action, where the point stops at once: the
tool then overshot by 7.6 mm instead of 1.6 mm after a step of 10 mm, and scripted experts took 6 % more steps."""
_SPEED_ROOM = 1e-3
"""A joint that is not to move faster may do so by this much [rad/s]: Ruckig wants speeds above zero."""


@dataclass(frozen=True)
class JointMotion:
    """Where the joints are at one instant, and how they move there.

    Attributes:
        q: Positions [rad], shape (7,) or (n, 7).
        velocity: At that instant [rad/s], the same shape.
        acceleration: At that instant [rad/s^2], the same shape.
    """

    q: np.ndarray
    velocity: np.ndarray
    acceleration: np.ndarray

    @classmethod
    def at_rest(cls, q: np.ndarray) -> JointMotion:
        """Standing at `q` [rad], shape (7,)."""
        return cls(q, np.zeros(7), np.zeros(7))

    def towards(self, other: JointMotion, share: float) -> JointMotion:
        """A share of the way from this to another: lawful where both can be reached lawfully from one motion."""
        return JointMotion(
            self.q + share * (other.q - self.q),
            self.velocity + share * (other.velocity - self.velocity),
            self.acceleration + share * (other.acceleration - self.acceleration),
        )

    def at(self, index: int) -> JointMotion:
        """One of n."""
        return JointMotion(self.q[index], self.velocity[index], self.acceleration[index])


class JointGenerator:
    """Plans joint motion within the limits in use.

    Args:
        limits: Velocity, acceleration and jerk of the joints.
        dt_s: Time between set-points [s].
    """

    def __init__(self, limits: Limits, dt_s: float) -> None:
        self._dt = dt_s
        self._velocity = _HEADROOM * limits.joint_velocity
        self._jerk = _HEADROOM * limits.joint_jerk
        self._ruckig, self._input, self._trajectory = Ruckig(7, dt_s), InputParameter(7), Trajectory(7)
        self._input.max_acceleration = (_HEADROOM * limits.joint_acceleration).tolist()
        self._input.max_jerk = self._jerk.tolist()
        self._input.target_acceleration = [0.0] * 7
        _generators.add(self)

    def let_go(self) -> None:
        """Give Ruckig's objects back; nothing can be planned any more."""
        self._ruckig = self._input = self._trajectory = None

    def follow(
        self, now: JointMotion, q_wanted: np.ndarray, velocity_wanted: np.ndarray, fastest: np.ndarray | None = None
    ) -> JointMotion | None:
        """A period later, on the fastest way into a point that moves: each joint by itself.

        Args:
            now: The last set-point.
            q_wanted: Where the point will be at the end of this period [rad], shape (7,).
            velocity_wanted: How it moves [rad/s], shape (7,).
            fastest: Velocity that no joint is to exceed on its way [rad/s], shape (7,), unless it or the point does.

        Returns:
            None where Ruckig finds no way.
        """
        frame = np.clip(velocity_wanted, -_FRAME_SPEED * self._velocity, _FRAME_SPEED * self._velocity)
        plan = self._input
        plan.synchronization = Synchronization.No
        self._begin(now.q - (q_wanted - frame * self._dt), now.velocity - frame, now.acceleration)
        level = self.levelled(now)
        highest, lowest = self._velocity - frame, -self._velocity - frame
        if fastest is not None:
            bounds = np.array([fastest, frame, level])
            highest = np.minimum(highest, bounds.max(axis=0) - frame + _SPEED_ROOM)
            lowest = np.maximum(lowest, bounds.min(axis=0) - frame - _SPEED_ROOM)
        gap = np.abs(q_wanted - frame * self._dt - now.q)
        moving = np.abs(frame).max() > _CATCH_UP_LEAST
        catch_up = np.maximum(_CATCH_UP_PER_S * gap, _CATCH_UP_LEAST) if moving else np.full(7, np.inf)
        highest = np.minimum(highest, np.maximum(catch_up, level - frame + _SPEED_ROOM))
        lowest = np.maximum(lowest, np.minimum(-catch_up, level - frame - _SPEED_ROOM))
        self._aim_position(np.zeros(7), highest, lowest)
        reached = self._after_a_period()
        if reached is None:
            return None
        return JointMotion(reached.q + q_wanted, reached.velocity + frame, reached.acceleration)

    def go_straight(self, now: JointMotion, q_wanted: np.ndarray) -> JointMotion | None:
        """A period later, on the fastest way to a point that stands, in a straight line of joints where that can be."""
        self._input.synchronization = Synchronization.Phase
        self._begin(now.q, now.velocity, now.acceleration)
        self._aim_position(q_wanted, self._velocity, -self._velocity)
        return self._after_a_period()

    def take_speed(self, now: JointMotion, velocity: np.ndarray) -> JointMotion | None:
        """A period later, on the fastest way to a velocity [rad/s], shape (7,)."""
        self._input.synchronization = Synchronization.No
        self._begin(now.q, now.velocity, now.acceleration)
        self._aim_velocity(np.clip(velocity, -self._velocity, self._velocity))
        return self._after_a_period()

    def brake(self, now: JointMotion) -> JointMotion | None:
        """The fastest way to a standstill on which all joints stand at the same time: n set-points, the last at rest.

        Where Ruckig cannot bring the joints' times together, each joint stands as soon as it can.
        """
        self._begin(now.q, now.velocity, now.acceleration)
        self._aim_velocity(np.zeros(7))
        self._input.synchronization = Synchronization.Phase
        if not self._plan():
            self._input.synchronization = Synchronization.No
            if not self._plan():
                return None
        periods = max(1, int(np.ceil(self._trajectory.duration / self._dt - 1e-9)))
        samples = np.array([self._trajectory.at_time(k * self._dt) for k in range(1, periods + 1)])
        samples[-1, 1:] = 0.0
        return JointMotion(samples[:, 0], samples[:, 1], samples[:, 2])

    def levelled(self, motion: JointMotion) -> np.ndarray:
        """The velocity at which the motion ends when its acceleration is taken back at once [rad/s], shape (7,)."""
        acceleration = motion.acceleration
        return motion.velocity + acceleration * np.abs(acceleration) / (2.0 * self._jerk)

    def _begin(self, q: np.ndarray, velocity: np.ndarray, acceleration: np.ndarray) -> None:
        plan = self._input
        plan.current_position, plan.current_velocity = q.tolist(), velocity.tolist()
        plan.current_acceleration = acceleration.tolist()

    def _aim_position(self, q: np.ndarray, highest: np.ndarray, lowest: np.ndarray) -> None:
        plan = self._input
        plan.control_interface = ControlInterface.Position
        plan.target_position, plan.target_velocity = q.tolist(), [0.0] * 7
        plan.max_velocity, plan.min_velocity = highest.tolist(), lowest.tolist()

    def _aim_velocity(self, velocity: np.ndarray) -> None:
        self._input.control_interface = ControlInterface.Velocity
        self._input.target_velocity = velocity.tolist()

    def _after_a_period(self) -> JointMotion | None:
        if not self._plan():
            return None
        return JointMotion(*np.array(self._trajectory.at_time(self._dt)))

    def _plan(self) -> bool:
        try:
            return self._ruckig.calculate(self._input, self._trajectory) >= 0
        except RuckigError:
            return False


_generators: WeakSet[JointGenerator] = WeakSet()


@atexit.register
def _let_go_of_all() -> None:
    """Ruckig's binding (nanobind) prints pages about leaks where an object of it outlives the interpreter."""
    for generator in list(_generators):
        generator.let_go()
