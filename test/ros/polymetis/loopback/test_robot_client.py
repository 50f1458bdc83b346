"""The arm's 1 kHz loop: what a busy machine makes it miss is made up for, cycle by cycle, or lost and counted."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

pytest.importorskip("grpc")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

from muse_ros.polymetis.loopback.robot_client import LOST_STEPS, RobotClient
from muse_ros.polymetis.loopback.torque_arm import TorqueArm
from muse_ros.polymetis.messages import Empty, TorqueCommand

DEADLINE_S = 60.0
CYCLES = 300


class Server:
    """Answers with no torque, hangs in one cycle, and refuses another where that is asked for."""

    def __init__(self, hangs_s: float, refused: int = -1) -> None:
        self.hangs_s, self.refused = hangs_s, refused
        self.stamps_ns: list[int] = []
        self.enough = threading.Event()

    def InitRobotClient(self, request):
        return Empty()

    def ControlUpdate(self, request):
        self.stamps_ns.append(request.timestamp.ToNanoseconds())
        if len(self.stamps_ns) == 100:
            time.sleep(self.hangs_s)
        if len(self.stamps_ns) == CYCLES:
            self.enough.set()
        if len(self.stamps_ns) == self.refused:
            raise ValueError("no torques today")
        return TorqueCommand(joint_torques=[0.0] * 7)


class Hand:
    """Has no command."""

    def InitRobotClient(self, request):
        return Empty()

    def ControlUpdate(self, request):
        raise ValueError("no hand")


def run(server: Server, largest_lag_s: float) -> RobotClient:
    robot = RobotClient(TorqueArm(), largest_lag_s=largest_lag_s)
    robot.start(server, Empty(), Hand())
    assert server.enough.wait(DEADLINE_S)
    robot.stop()
    return robot


def test_what_was_missed_follows_at_once_stamped_when_it_was_due():
    server = Server(hangs_s=0.08)
    figures = run(server, largest_lag_s=1000.0).figures
    assert figures.lost_ms == 0 and figures.physics_ms == figures.cycles
    assert figures.largest_lag_ms > 70.0
    after = np.diff(server.stamps_ns[100:160])  # the loop is behind here: these cycles ran back to back
    assert np.median(after) == pytest.approx(1e6, rel=0.05)


def test_what_is_too_far_behind_is_lost_and_counted():
    figures = run(Server(hangs_s=0.08), largest_lag_s=0.04).figures
    assert figures.lost_ms >= 70
    assert (figures.physics_ms - figures.cycles) % (LOST_STEPS - 1) == 0 and figures.physics_ms > figures.cycles


def test_a_refused_cycle_is_a_reflex_from_which_the_arm_comes_back():
    figures = run(Server(hangs_s=0.0, refused=50), largest_lag_s=1000.0).figures
    assert (figures.reflexes, figures.reason) == (1, "no torques today")
