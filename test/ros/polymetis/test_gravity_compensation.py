import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from running_controller import POSE, STILL, RunningController, load

from muse_ros.polymetis.controller_limits import GUIDED_DAMPING, ControllerLimits
from muse_ros.polymetis.controllers import gravity_compensation
from muse_ros.polymetis.set_points import sign_of_life

FIRST, FOURTH = np.eye(7)[0], np.eye(7)[3]
ARCHIVE = gravity_compensation(GUIDED_DAMPING)


@pytest.fixture
def guided() -> RunningController:
    arm = RunningController(ARCHIVE)
    arm.forward(POSE)
    return arm


def settled(arm: RunningController, q: np.ndarray, velocity: np.ndarray = STILL) -> np.ndarray:
    """The torques at one state once their rate does not matter."""
    for _ in range(100):
        torques = arm.forward(q, velocity)
    return torques


def test_the_archive_is_small():
    assert len(ARCHIVE) < 16_000


def test_a_guided_arm_rests_anywhere(guided):
    assert settled(guided, POSE) == pytest.approx(STILL, abs=1e-6)
    assert settled(RunningController(ARCHIVE), POSE + 0.3) == pytest.approx(STILL, abs=1e-6)


def test_a_hand_feels_little_of_the_damping_and_a_falling_arm_all_of_it(guided):
    # 10 N m s/rad: 0.15 of it up to 0.6 rad/s, all of it above
    assert settled(guided, POSE, 0.5 * FIRST) == pytest.approx(-0.75 * FIRST, abs=1e-3)
    assert settled(guided, POSE, -1.0 * FIRST) == pytest.approx((0.9 + 4.0) * FIRST, abs=1e-3)


def test_a_joint_is_pushed_back_from_its_end(guided):
    upper = ControllerLimits().position_upper[3]
    at_the_end = np.where(FOURTH > 0, upper, POSE)
    arm = RunningController(ARCHIVE)
    assert settled(arm, at_the_end) == pytest.approx(-30.0 * 0.15 * FOURTH, abs=1e-3)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e30])
def test_broken_states_give_no_torque(guided, wrong):
    assert settled(guided, np.full(7, wrong)) == pytest.approx(STILL, abs=1e-6)
    assert settled(guided, POSE, np.full(7, wrong)) == pytest.approx(STILL, abs=1e-6)


def test_torques_change_slowly_and_are_limited(guided):
    rng = np.random.default_rng(0)
    torques = [guided.forward(rng.uniform(-3, 3, 7), rng.uniform(-9.9, 9.9, 7)) for _ in range(500)]
    assert np.abs(np.diff(torques, axis=0)).max() < 1.0 + 1e-5
    assert np.all(np.abs(settled(guided, POSE, 9.9 * np.ones(7))) <= np.array(ControllerLimits().torque) + 1e-4)


def test_an_arm_that_nobody_watches_any_more_does_not_float_on(guided):
    def ends_after(cycles):
        for _ in range(cycles):
            guided.forward(POSE)
        return guided.module.is_terminated()

    assert not ends_after(1990)  # 2 s from the first cycle, of which some went by
    guided.module.update(load(sign_of_life()).forward())
    assert not ends_after(1990)
    assert ends_after(20)


def test_it_takes_no_set_points(guided):
    with pytest.raises(torch.jit.Error, match="guided by hand"):
        guided.update(POSE)
    assert guided.module.is_terminated() is False
