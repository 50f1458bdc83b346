"""The open-loop error: each tick's proposal beside what the operator asked for in its period, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from muse_ros.contract.contract import load_contract
from muse_ros.policy.open_loop import OpenLoopError, distances
from synthetic import START_NS, action

MS = 1_000_000
STREAM = load_contract("panda_sim").actions["action"]


def at(milliseconds):
    return START_NS + milliseconds * MS


def compared(sent, proposals):
    """What comes of messages by topic, and of one proposal a tick."""
    error = OpenLoopError(STREAM, 100 * MS)
    for topic, message in sent:
        error.hear(topic, message, at(0))
    for tick, values in enumerate(proposals):
        error.propose(at(100 * tick), np.array(values, float))
    error.finish()
    return error


def moved(x, gripper=0.0):
    return [x, 0, 0, 0, 0, 0, gripper]


def test_a_proposal_is_compared_with_the_sum_of_what_the_operator_asked_for_in_its_period():
    sent = [("action", action(at(20 * n), moved(0.001, 1.0))) for n in range(15)]
    error = compared(sent, [moved(0.007, 1.0), moved(0.004), moved(0.0), moved(9.0)])
    # five a period, 5 mm: off by 2, 1 and 5 mm; of the last tick nothing has come
    assert error.ticks == 3
    assert error.text() == (
        "from the operator's action over 3 ticks on average: translation 2.667 mm, rotation 0 deg, gripper 0.6667 of 1"
    )


def test_ticks_without_the_operator_and_the_policys_own_actions_do_not_count():
    sent = [("action", action(at(0), moved(0.01), "policy"))]
    error = compared(sent, [moved(0.0)] * 4)
    assert error.ticks == 0 and error.text() == ""


def test_an_experts_clean_label_is_compared_where_there_is_one():
    sent = [("action", action(at(0), moved(0.01))), ("action/teleop_label", action(at(0), moved(0.02)))]
    assert "translation 20 mm" in compared(sent, [moved(0.0)] * 3).text()


def test_a_bag_that_is_played_again_is_compared_again():
    error = OpenLoopError(STREAM, 100 * MS)
    for _ in range(2):
        error.hear("action", action(at(0), moved(0.01)), at(0))
        for tick in range(4):
            error.propose(at(100 * tick), np.array(moved(0.0)))
    assert error.ticks == 2


def test_distances_are_those_of_the_space():
    turned = distances("ee_delta", np.array([0, 0, 0.003, 0, 0, np.pi / 2, 1]), np.array([0.004, 0, 0, 0, 0, 0, 0.0]))
    assert turned == {"translation": pytest.approx(5.0), "rotation": pytest.approx(90.0), "gripper": 1.0}
    down = np.array([0, 0, 0, 1.0, 0, 0, 0, 0])
    assert distances("ee_pose", down, down * [1, 1, 1, -1, 1, 1, 1, 1])["rotation"] == pytest.approx(0.0, abs=1e-6)
    joints = distances("joint_delta", np.array([0.3, 0.4, 0, 0, 0, 0, 0, 1.0]), np.zeros(8))
    assert joints == {"joints": pytest.approx(0.5), "gripper": 1.0}
