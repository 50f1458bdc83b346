import io

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from muse_ros.polymetis import set_points
from muse_ros.polymetis.controllers import gravity_compensation, joint_impedance
from muse_ros.polymetis.messages import LARGEST_CONTROLLER_BYTES

KP = (40.0, 30.0, 50.0, 25.0, 35.0, 25.0, 10.0)
KD = (4.0, 6.0, 5.0, 5.0, 3.0, 2.0, 1.0)
POSE = np.array([0.0, -0.4, 0.0, -2.0, 0.0, 1.6, 0.8])


class Running:
    """A controller as a server has it, loaded from its archive, with a clock of 1 ms per cycle."""

    def __init__(self, archive: bytes):
        self.module = torch.jit.load(io.BytesIO(archive))
        self.packed = set_points.SetPointArchive()
        self.time_ns = 1_700_000_000_000_000_000

    def forward(self, q: np.ndarray, velocity: np.ndarray, elapsed_ns: int = 1_000_000) -> np.ndarray:
        """One cycle."""
        self.time_ns += elapsed_ns
        state = {
            "timestamp": torch.tensor(divmod(self.time_ns, 1_000_000_000), dtype=torch.int32),
            "joint_positions": torch.as_tensor(q, dtype=torch.float32),
            "joint_velocities": torch.as_tensor(velocity, dtype=torch.float32),
            "motor_torques_measured": torch.zeros(7),
            "motor_torques_external": torch.zeros(7),
        }
        with torch.no_grad():
            return self.module.forward(state)["joint_torques"].double().numpy()

    def update(self, position: np.ndarray, velocity: np.ndarray, duration_s: float, number: int) -> None:
        """One set-point, through its archive."""
        container = torch.jit.load(io.BytesIO(self.packed.pack(position, velocity, duration_s, number)))
        self.module.update(container.forward())


def test_controllers_and_set_points_are_small():
    assert len(joint_impedance(KP, KD)) < 32_000 < LARGEST_CONTROLLER_BYTES
    assert len(gravity_compensation(KD)) < 32_000
    assert len(set_points.SetPointArchive().pack(POSE, np.zeros(7), 0.02, 1)) < 4_096


def test_an_arm_is_held_where_it_is_measured_first():
    arm = Running(joint_impedance(KP, KD))
    assert arm.forward(POSE, np.zeros(7)) == pytest.approx(np.zeros(7), abs=1e-4)
    pushed = POSE + 0.02 * np.eye(7)[0]
    assert arm.forward(pushed, np.zeros(7)) == pytest.approx([-0.8, 0, 0, 0, 0, 0, 0], abs=1e-3)  # 40 N m/rad, 0.02 rad
