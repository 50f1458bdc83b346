"""Joint impedance with streamed set-points, as TorchScript that libtorch 1.13.1 loads and runs.

A server calls `forward` once per control cycle, 1 kHz on hardware, and `update` between two cycles, under the lock that
a cycle needs. An exception in `forward` ends the robot client's loop, so none is raised there: what cannot be believed
takes the stiffness away. An exception in `update` is refused politely by the server, and the arm goes on as it was.

Everything inside is plain numbers in lists: the interpreter then allocates little but the tensor it returns, and the
arithmetic is float64. Limits hold at one place each, the last before the value is used: `_follow` bounds where the arm
is wanted, `limited` bounds what the motors get. Gravity is compensated by the arm, Coriolis torques are not. Knows
joints only; nothing here looks after the tool or its surroundings.

No `from __future__ import annotations` here: TorchScript reads the annotations of attributes as objects.
"""

# ruff: noqa: UP006, UP035 - torch 1.13 cannot script list[...] and dict[...]

import math
from collections.abc import Sequence
from typing import Dict, Final, List, Tuple

import torch
from torch import Tensor

from muse_ros.polymetis.control_cycle import believed, damped, elapsed_time, limited, torque_step
from muse_ros.polymetis.controller_limits import (
    JOINTS,
    LARGEST_DAMPING,
    LARGEST_STIFFNESS,
    LONGEST_DURATION_S,
    ControllerLimits,
    joint_values,
    nominal_period,
)


class JointImpedance(torch.nn.Module):
    """Joints on springs and dampers that follow set-points: torque = kp (desired - q) + kd (desired' - q').

    A set-point (`SetPointArchive`) says where the joints are to be and how fast they are to move there, `duration`
    after the set-point before it. Between, the reference is a cubic. Where set-points lie on a motion whose
    acceleration is at most A, its own is at most 5/3 A. Arrivals may jitter: the reference keeps the durations, not the
    arrivals. When the next does not come it brakes within 0.1 s and holds. What is desired follows the reference with
    bounded velocity and acceleration, always, so it has no jump, and neither has the torque.

    The first two calls of `update` take 2 and 5 ms, since TorchScript compiles it then (the server warms up `forward`
    only): the first two set-points should come while the arm stands.
    """

    _brake: Final[float] = 0.1
    """From the last set-point to a standstill, when none follows [s]. Starts without deceleration: a few milliseconds
    of lateness are hardly felt."""
    _buffer: Final[float] = 0.01
    """Set-points are reached this much later than asked for, so that one may be late by as much unnoticed [s]."""
    _longest_lead: Final[float] = 0.1
    """After a stall set-points come all at once. So much of what is left is gone through in time, the rest faster."""
    _forgetting: Final[float] = 0.05
    """How fast the smallest lead that is remembered grows, when none is smaller [s/s]."""
    _drawing: Final[float] = 0.03
    """The share by which one set-point draws it to the buffer's size,"""
    _leak: Final[float] = 0.1
    """by this share of the set-point's duration at most."""
    _standing: Final[float] = 0.05
    """Slower than this there is no motion whose time to keep [rad/s]: the buffer is made at once."""
    _shortest: Final[float] = 0.02
    """A way from a standstill takes this long at least, if its set-point says nothing shorter [s]."""
    _longest_duration: Final[float] = LONGEST_DURATION_S
    """Of a set-point [s]."""
    _most_steps: Final[float] = 5.0
    """Where set-points were lost, the next has the durations of those too, so many in all at most."""
    _catch_up: Final[float] = 50.0
    """A gap to the reference is closed at this rate [1/s], slower where that would be too much to brake."""

    _kp: List[float]
    _kd: List[float]
    _lower: List[float]
    _upper: List[float]
    _velocity_limit: List[float]
    _acceleration_limit: List[float]
    _torque_limit: List[float]
    _stretch: List[float]
    _q: List[float]
    _desired: List[float]
    _desired_velocity: List[float]
    _from: List[float]
    _from_velocity: List[float]
    _to: List[float]
    _to_velocity: List[float]
    _torque: List[float]
    _stamp: List[int]

    def __init__(
        self, kp: Sequence[float], kd: Sequence[float], hz: float, limits: ControllerLimits, leader: int = 0
    ) -> None:
        super().__init__()
        self._leader = float(leader)
        self._kp = joint_values("kp", kp, positive=True, largest=LARGEST_STIFFNESS)
        self._kd = joint_values("kd", kd, positive=True, largest=LARGEST_DAMPING)
        self._nominal = nominal_period(hz)
        self._lower, self._upper = list(limits.position_lower), list(limits.position_upper)
        self._velocity_limit, self._acceleration_limit = list(limits.velocity), list(limits.acceleration)
        self._torque_limit, self._torque_rate = list(limits.torque), float(limits.torque_rate)
        self._furthest = float(limits.step)
        self._stretch = [
            min(t / k, limits.spring_distance) for t, k in zip(limits.spring_torque, self._kp, strict=True)
        ]
        self._seen = False  # a measurement, ever
        self._anchored = False  # the desired position is one that was believed
        self._q = [0.0] * JOINTS
        self._desired, self._desired_velocity = [0.0] * JOINTS, [0.0] * JOINTS
        self._from, self._from_velocity = [0.0] * JOINTS, [0.0] * JOINTS
        self._to, self._to_velocity = [0.0] * JOINTS, [0.0] * JOINTS
        self._torque = [0.0] * JOINTS
        self._stamp = [0, 0]
        self._time = 0.0  # since the present cubic began [s]
        self._length = 0.0  # of the cubic [s]
        self._least_lead = 0.0  # of late, from a set-point's arrival to the end of the cubic before it [s]
        self._number = -math.inf

    def forward(self, state: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """One cycle: the measured state to `joint_torques` [N m], shape (7,). Raises nothing."""
        q: List[float] = state["joint_positions"].double().tolist()
        velocity: List[float] = state["joint_velocities"].double().tolist()
        stamp: List[int] = state["timestamp"].long().tolist()
        dt = self._nominal
        if self._seen:
            dt = elapsed_time(stamp, self._stamp, self._nominal)
        trusted = believed(q, velocity, self._q, self._seen)
        self._stamp, self._q, self._seen = stamp, q, True
        if trusted and not self._anchored:
            self._anchor(q, velocity)
        self._anchored = trusted
        if trusted:
            self._time += dt
            for i in range(7):
                self._follow(i, q[i], dt)
        step = torque_step(self._torque_rate, dt)
        for i in range(7):
            torque = damped(velocity[i], self._kd[i])
            if trusted:
                torque += self._kp[i] * (self._desired[i] - q[i]) + self._kd[i] * self._desired_velocity[i]
            self._torque[i] = limited(torque, self._torque[i], self._torque_limit[i], step)
        return {"joint_torques": torch.tensor(self._torque, dtype=torch.float32)}

    def _anchor(self, q: List[float], velocity: List[float]) -> None:
        """Want the arm where it is, and brake it from the velocity it has."""
        for i in range(7):
            limit = self._velocity_limit[i]
            self._desired[i] = q[i]
            self._desired_velocity[i] = min(max(velocity[i], -limit), limit)
            self._to[i] = q[i]
            self._to_velocity[i] = self._desired_velocity[i]
        self._time, self._length = 0.0, 0.0

    def _reference(self, i: int) -> Tuple[float, float]:
        """Position [rad] and velocity [rad/s] on the cubic, or on the way from its end to a standstill."""
        if self._time < self._length:
            length = self._length
            u = self._time / length
            from_slope, to_slope = self._from_velocity[i] * length, self._to_velocity[i] * length
            rise = self._to[i] - self._from[i]
            b = 3.0 * rise - 2.0 * from_slope - to_slope
            a = from_slope + to_slope - 2.0 * rise
            position = self._from[i] + u * (from_slope + u * (b + u * a))
            return position, (from_slope + u * (2.0 * b + 3.0 * u * a)) / length
        u = min((self._time - self._length) / self._brake, 1.0)  # velocity falls by 1 - 3 u^2 + 2 u^3
        gone = u - u * u * u + 0.5 * u * u * u * u
        left = 1.0 - u * u * (3.0 - 2.0 * u)
        return self._to[i] + self._to_velocity[i] * self._brake * gone, self._to_velocity[i] * left

    def _follow(self, i: int, q: float, dt: float) -> None:
        """Move what is desired of joint `i` by one cycle: towards the reference, within the limits."""
        position, velocity = self._reference(i)
        now, now_velocity, most = self._desired[i], self._desired_velocity[i], self._acceleration_limit[i]
        gap = position - (now + 0.5 * (now_velocity + velocity) * dt)
        closing = min(self._catch_up * abs(gap), math.sqrt(most * abs(gap)))  # half of `most` brakes it in time
        wanted = velocity + (closing if gap > 0.0 else -closing)
        # As fast as it may go, and towards a limit of the joint no faster than it can brake before it.
        fastest = min(self._velocity_limit[i], math.sqrt(1.6 * most * max(self._upper[i] - now, 0.0)))
        slowest = -min(self._velocity_limit[i], math.sqrt(1.6 * most * max(now - self._lower[i], 0.0)))
        wanted = min(max(wanted, slowest), fastest)
        velocity = min(max(wanted, now_velocity - most * dt), now_velocity + most * dt)
        desired = now + 0.5 * (now_velocity + velocity) * dt
        pulled = min(max(desired, q - self._stretch[i]), q + self._stretch[i])
        if pulled != desired:  # held back or pushed: this is where it is held now, until the next set-point
            self._to[i], self._to_velocity[i] = pulled, 0.0
            self._from[i], self._from_velocity[i] = pulled, 0.0
        self._desired[i], self._desired_velocity[i] = pulled, velocity

    @torch.jit.export
    def update(self, parameters: Dict[str, Tensor]) -> None:
        """Take a set-point. One that is not newer than the last is ignored.

        Raises:
            ValueError: It is somebody else's, not finite, too far from what is desired now or too fast, or the arm's
                state is not believed.
        """
        if "leader" not in parameters or float(parameters["leader"]) != self._leader:
            raise ValueError("set-point: somebody else leads the arm now, with a controller of their own")
        position: List[float] = parameters["position"].double().flatten().tolist()
        velocity: List[float] = parameters["velocity"].double().flatten().tolist()
        duration = float(parameters["duration"])
        number = float(parameters["number"])
        if len(position) != 7 or len(velocity) != 7:
            found = str(len(position)) + " and " + str(len(velocity))
            raise ValueError("set-point: needs 7 positions and 7 velocities, found " + found)
        if not (duration > 0.0 and duration <= self._longest_duration):
            raise ValueError("set-point: its duration must be above 0 and at most 1 s, found " + str(duration))
        if not math.isfinite(number):
            raise ValueError("set-point: its number must be finite, found " + str(number))
        if not self._anchored:
            raise ValueError("set-point: the arm's measured state is not to be believed; wait until it is")
        if number <= self._number:
            return
        for i in range(7):
            if not abs(velocity[i]) <= self._velocity_limit[i]:
                raise ValueError("set-point: velocity of joint " + str(i + 1) + " too high: " + str(velocity[i]))
            if not abs(position[i] - self._desired[i]) <= self._furthest:
                raise ValueError(
                    "set-point: joint " + str(i + 1) + " wanted at " + str(position[i]) + " rad, too far from "
                    + str(self._desired[i]) + " rad where it is held; begin again from where the arm is"
                )  # fmt: skip
        steps = 1.0 if math.isinf(self._number) else min(number - self._number, self._most_steps)
        length = self._time_for(duration, duration * steps)
        for i in range(7):
            self._from[i], self._from_velocity[i] = self._desired[i], self._desired_velocity[i]
            self._to[i], self._to_velocity[i] = position[i], velocity[i]
        self._time, self._length, self._number = 0.0, length, number

    def _time_for(self, duration: float, after_last: float) -> float:
        """How long the way to a new set-point takes [s], `after_last` on from the one before it.

        As long as it keeps the set-points' own time. The smallest lead that set-points had of late is drawn to the
        buffer's size, little by little. How long an arm stood is no part of its way.
        """
        lead, stood, speed = self._length - self._time, 0.0, 0.0
        for i in range(7):
            speed = max(speed, abs(self._desired_velocity[i]))
        if lead < 0.0 and speed < self._standing:
            if not math.isinf(self._number):
                stood = min(-lead, max(after_last - self._shortest, 0.0))
            lead, self._least_lead = self._buffer, self._buffer
        elif lead < 0.0:
            u = min(-lead / self._brake, 1.0)
            overrun = self._brake * (u - u * u * u + 0.5 * u * u * u * u)
            lead = -overrun  # so far along the motion is the arm, not as far as time
        lead = min(lead, self._longest_lead)
        self._least_lead = min(lead, self._least_lead + self._forgetting * duration)
        most = self._leak * duration
        shift = min(max(self._drawing * (self._buffer - self._least_lead), -most), most)
        length = max(lead + after_last - stood + shift, 0.5 * min(duration, self._shortest))
        self._least_lead += length - (lead + after_last - stood)
        return length

    @torch.jit.export
    def is_terminated(self) -> bool:
        """Never by itself: the server's TerminateController ends it."""
        return False
