import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

from driven_arm import DrivenArm
from running_controller import POSE, STILL

from muse_ros.polymetis.controller_limits import FIRM_DAMPING, FIRM_STIFFNESS
from muse_ros.polymetis.controllers import gravity_compensation, joint_impedance

SOFT = ((40.0, 30.0, 50.0, 25.0, 35.0, 25.0, 10.0), (4.0, 6.0, 5.0, 5.0, 3.0, 2.0, 1.0))  # a server's own


@pytest.mark.parametrize(
    ("gains", "largest_rad", "rest_rad"),
    [((FIRM_STIFFNESS, FIRM_DAMPING), 0.025, 0.0126), (SOFT, 0.12, 0.051)],
    ids=["firm", "server"],
)
def test_the_arm_follows_and_friction_holds_it_off_by_what_its_stiffness_says(gains, largest_rad, rest_rad):
    driven = DrivenArm(joint_impedance(*gains))
    positions, desired = driven.swing(2.0)
    assert np.abs(positions - desired).max() < largest_rad
    rest = driven.run(1500)[-1]
    assert np.abs(rest - driven.controller.desired).max() < rest_rad  # 0.5 N m by the softest stiffness
    assert np.abs(driven.arm.measure().qdot).max() < 0.01
    assert np.abs(np.diff(driven.torques, axis=0)).max() < 0.1  # N m in a millisecond: nothing to hear


def test_states_that_are_lost_for_a_while_let_the_arm_go_gently_and_it_is_held_again():
    driven = DrivenArm(joint_impedance(FIRM_STIFFNESS, FIRM_DAMPING))
    driven.swing(0.5)
    driven.run(50, lost=True)
    caught = driven.run(600)
    assert np.abs(np.diff(driven.torques, axis=0)).max() < 1.0 + 1e-5
    assert np.abs(caught[-1] - caught[0]).max() < 0.03
    assert np.abs(driven.arm.measure().qdot).max() < 0.01


def test_a_guided_arm_stays_where_it_is_left():
    driven = DrivenArm(gravity_compensation())
    assert np.abs(driven.run(500)[-1] - POSE).max() < 0.01
    assert np.array(driven.torques) == pytest.approx(0.0, abs=0.05)
    assert driven.controller.forward(driven.arm.measure().q, STILL) == pytest.approx(STILL, abs=0.05)


@pytest.mark.parametrize("rotors", [0.1, 0.03])
def test_after_a_knock_the_arm_comes_to_rest_with_a_control_loop_that_is_late(rotors):
    driven = DrivenArm(joint_impedance(FIRM_STIFFNESS, FIRM_DAMPING), friction=0.2, late=4, noise=0.002, rotors=rotors)
    driven.run(200)
    driven.knock(0.7)
    driven.run(1500)
    assert np.abs(driven.arm.measure().qdot).max() < 0.02
    assert np.abs(driven.arm.measure().q - driven.controller.desired).max() < 0.02
