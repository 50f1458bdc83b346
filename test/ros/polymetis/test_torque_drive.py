import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

from running_controller import POSE, STILL, RunningController

from muse_core.control.kinematics import JOINT_NAMES
from muse_ros.polymetis.controller_limits import FIRM_DAMPING, FIRM_STIFFNESS
from muse_ros.polymetis.controllers import gravity_compensation, joint_impedance
from muse_ros.polymetis.loopback.torque_arm import TorqueArm

SOFT = ((40.0, 30.0, 50.0, 25.0, 35.0, 25.0, 10.0), (4.0, 6.0, 5.0, 5.0, 3.0, 2.0, 1.0))  # a server's own
AMPLITUDE = np.array([0.15, 0.08, 0.1, 0.12, 0.15, 0.15, 0.15])
TURN = 2.0  # rad/s


class Driven:
    """The torque-driven Panda under a controller; friction of a real arm's size in its joints."""

    def __init__(self, archive: bytes, friction: float = 0.5) -> None:
        self.arm = TorqueArm(q=POSE)
        model = self.arm._model
        model.dof_frictionloss[[model.joint(name).dofadr[0] for name in JOINT_NAMES]] = friction
        self.controller = RunningController(archive)
        self.torques: list[np.ndarray] = []
        self.run(5)

    def run(self, cycles: int, lost: bool = False) -> np.ndarray:
        """Run for so many milliseconds; the joints' positions, shape (cycles, 7)."""
        positions = []
        for _ in range(cycles):
            measured = self.arm.measure()
            positions.append(measured.q)
            self.torques.append(self.controller.forward(measured.q * (np.nan if lost else 1.0), measured.qdot))
            self.arm.step(self.torques[-1], 0.04)
        return np.array(positions)

    def swing(self, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """Follow set-points of a swing; positions of the joints and what was desired of them, (n, 7)."""
        positions, desired = [], []
        for n in range(int(50 * seconds)):
            angle = TURN * 0.02 * (n + 1)
            self.controller.update(POSE + AMPLITUDE * (1.0 - np.cos(angle)), AMPLITUDE * TURN * np.sin(angle))
            positions.append(self.run(20))
            desired.append(self.controller.desired)
        return np.array(positions), np.array(desired)


@pytest.mark.parametrize(
    ("gains", "largest_rad", "rest_rad"),
    [((FIRM_STIFFNESS, FIRM_DAMPING), 0.025, 0.0126), (SOFT, 0.1, 0.051)],
    ids=["firm", "server"],
)
def test_the_arm_follows_and_friction_holds_it_off_by_what_its_stiffness_says(gains, largest_rad, rest_rad):
    driven = Driven(joint_impedance(*gains))
    positions, desired = driven.swing(2.0)
    assert np.abs(positions[:, -1] - desired).max() < largest_rad
    rest = driven.run(1500)[-1]
    assert np.abs(rest - driven.controller.desired).max() < rest_rad  # 0.5 N m by the softest stiffness
    assert np.abs(driven.arm.measure().qdot).max() < 0.01
    assert np.abs(np.diff(driven.torques, axis=0)).max() < 0.1  # N m in a millisecond: nothing to hear


def test_states_that_are_lost_for_a_while_let_the_arm_go_gently_and_it_is_held_again():
    driven = Driven(joint_impedance(FIRM_STIFFNESS, FIRM_DAMPING))
    driven.swing(0.5)
    driven.run(50, lost=True)
    caught = driven.run(600)
    assert np.abs(np.diff(driven.torques, axis=0)).max() < 1.0 + 1e-5
    assert np.abs(caught[-1] - caught[0]).max() < 0.03
    assert np.abs(driven.arm.measure().qdot).max() < 0.01


def test_a_guided_arm_stays_where_it_is_left():
    driven = Driven(gravity_compensation())
    assert np.abs(driven.run(500)[-1] - POSE).max() < 0.01
    assert np.array(driven.torques) == pytest.approx(0.0, abs=0.05)
    assert driven.controller.forward(driven.arm.measure().q, STILL) == pytest.approx(STILL, abs=0.05)
