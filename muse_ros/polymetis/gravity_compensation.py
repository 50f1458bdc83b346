"""An arm that floats, to be guided by hand, as TorchScript that libtorch 1.13.1 loads and runs.

Franka's own controller carries the arm's weight; this adds damping, little for a guiding hand's speeds and much above,
and pushes a joint back from its ends. Built like joint_impedance.py, whose remarks hold here, too. What the arm was
told of its load must be right: a load that it does not know of sinks, at about (its torque / `kd`) once it is fast. So
nothing floats unwatched: without a sign of life from who let it float, the server's own controller takes the arm over.
"""

# ruff: noqa: UP006, UP035 - torch 1.13 cannot script list[...] and dict[...]

from collections.abc import Sequence
from typing import Dict, Final, List

import torch
from torch import Tensor

from muse_ros.polymetis.control_cycle import believed, damped, elapsed_time, limited, torque_step
from muse_ros.polymetis.controller_limits import JOINTS, LARGEST_DAMPING, ControllerLimits, joint_values, nominal_period


class GravityCompensation(torch.nn.Module):
    """Torque = - damping velocity, and a spring at the ends of each joint."""

    _share: Final[float] = 0.15
    """The share of the damping that a guiding hand feels."""
    _guided_speed: Final[float] = 0.6
    """Above this speed a joint is damped fully [rad/s]."""
    _edge: Final[float] = 0.15
    """A joint is pushed back within this distance of its limit [rad]."""
    _edge_stiffness: Final[float] = 30.0
    """By so much there [N m/rad]."""
    _unwatched: Final[float] = 2.0
    """It ends this long after the last sign of life [s]."""

    _kd: List[float]
    _lower: List[float]
    _upper: List[float]
    _torque_limit: List[float]
    _q: List[float]
    _torque: List[float]
    _stamp: List[int]

    def __init__(self, kd: Sequence[float], hz: float, limits: ControllerLimits) -> None:
        super().__init__()
        self._kd = joint_values("kd", kd, positive=True, largest=LARGEST_DAMPING)
        self._nominal = nominal_period(hz)
        self._lower, self._upper = list(limits.position_lower), list(limits.position_upper)
        self._torque_limit, self._torque_rate = list(limits.torque), float(limits.torque_rate)
        self._seen = False
        self._silent = 0.0  # since the last sign of life [s]
        self._q, self._torque, self._stamp = [0.0] * JOINTS, [0.0] * JOINTS, [0, 0]

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
        self._silent += dt
        step = torque_step(self._torque_rate, dt)
        for i in range(7):
            fast = max(abs(velocity[i]) - self._guided_speed, 0.0)
            if velocity[i] < 0.0:
                fast = -fast
            torque = damped(self._share * (velocity[i] - fast) + fast, self._kd[i])
            if trusted:
                below = min(max(self._lower[i] + self._edge - q[i], 0.0), 2.0 * self._edge)
                above = min(max(q[i] - self._upper[i] + self._edge, 0.0), 2.0 * self._edge)
                torque += self._edge_stiffness * (below - above)
            self._torque[i] = limited(torque, self._torque[i], self._torque_limit[i], step)
        return {"joint_torques": torch.tensor(self._torque, dtype=torch.float32)}

    @torch.jit.export
    def update(self, parameters: Dict[str, Tensor]) -> None:
        """Take a `set_points.sign_of_life`; there is nothing to set.

        Raises:
            ValueError: It is something else.
        """
        if "leader_lives" not in parameters:
            raise ValueError("the arm is being guided by hand, and takes no set-points")
        self._silent = 0.0

    @torch.jit.export
    def is_terminated(self) -> bool:
        """Whether nobody watches it any more."""
        return self._silent > self._unwatched
