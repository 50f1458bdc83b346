"""A controller as a Polymetis server has it: loaded from its archive, called once per cycle, updated by archives."""

from __future__ import annotations

import io
import warnings

import numpy as np
import torch

from muse_ros.polymetis.set_points import SetPointArchive

POSE = np.array([0.0, -0.4, 0.0, -2.0, 0.0, 1.6, 0.8])
STILL = np.zeros(7)
NOON_NS = 1_700_000_000_000_000_000


def load(archive: bytes) -> torch.jit.ScriptModule:
    """What a server makes of the bytes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript, which is what the servers run
        return torch.jit.load(io.BytesIO(archive))


class RunningController:
    """Cycles of 1 ms, unless told otherwise.

    Attributes:
        module: The loaded controller, whose attributes show what it wants.
        number: Of the last set-point.
    """

    def __init__(self, archive: bytes) -> None:
        self.module = load(archive)
        self.number = 0
        self._packed = SetPointArchive()
        self._time_ns = NOON_NS

    def forward(self, q: np.ndarray, velocity: np.ndarray = STILL, elapsed_ns: int = 1_000_000) -> np.ndarray:
        """One cycle; the torques [N m], shape (7,)."""
        self._time_ns += elapsed_ns
        state = {
            "timestamp": torch.tensor(divmod(self._time_ns, 1_000_000_000), dtype=torch.int32),
            "joint_positions": torch.as_tensor(q, dtype=torch.float32),
            "joint_velocities": torch.as_tensor(velocity, dtype=torch.float32),
            "motor_torques_measured": torch.zeros(7),
            "motor_torques_external": torch.zeros(7),
        }
        with torch.no_grad():
            return self.module.forward(state)["joint_torques"].double().numpy()

    def update(self, position, velocity=STILL, duration_s: float = 0.02, number: int | None = None) -> None:
        """One set-point, through its archive."""
        self.number = self.number + 1 if number is None else number
        self.module.update(load(self._packed.pack(position, velocity, duration_s, self.number)).forward())

    def update_raw(self, **parameters: np.ndarray | float) -> None:
        """Parameters as they are, whatever `SetPointArchive` would say to them."""
        whole = {
            "leader": 0,
            "position": POSE,
            "velocity": STILL,
            "duration": 0.02,
            "number": self.number + 1,
            **parameters,
        }
        self.module.update({name: torch.as_tensor(value, dtype=torch.float64) for name, value in whole.items()})

    @property
    def desired(self) -> np.ndarray:
        """Where the joints are wanted [rad], shape (7,)."""
        return np.array(self.module._desired)

    @property
    def desired_velocity(self) -> np.ndarray:
        """How fast they are wanted to move [rad/s], shape (7,)."""
        return np.array(self.module._desired_velocity)

    def follow(self, cycles: int) -> np.ndarray:
        """An arm that is always where it is wanted; its velocities [rad/s], shape (cycles, 7)."""
        rows = []
        for _ in range(cycles):
            self.forward(self.desired, self.desired_velocity)
            rows.append(self.desired_velocity)
        return np.array(rows)
