"""How the hand moves: one command at a time, to a width or until something stops it."""

from __future__ import annotations

import pytest

pytest.importorskip("grpc")

from muse_ros.polymetis.loopback.hand_motion import HandMotion
from muse_ros.polymetis.loopback.state_log import StateLog
from muse_ros.polymetis.messages import GripperCommand

MS = 1_000_000


class Fingers:
    """Follow the servo at once, as far as what lies between them lets them."""

    def __init__(self, object_m=0.0, width_m=0.08):
        self.hand, self.object_m, self.width_m, self.now_ns = HandMotion(), object_m, width_m, 0

    def carry_out(self, **command) -> float:
        """Run one command to its end; how long that took [s]."""
        begin_ns = self.now_ns
        self.hand.begin(GripperCommand(**command), self.now_ns)
        while self.hand.moving:
            self.now_ns += MS
            self.width_m = max(self.object_m, self.hand.update(self.now_ns, self.width_m, 0.001))
            assert self.now_ns - begin_ns < 10_000 * MS
        return (self.now_ns - begin_ns) * 1e-9


def test_a_move_takes_as_long_as_its_speed_says_after_a_tenth_of_a_second():
    fingers = Fingers()
    assert fingers.carry_out(width=0.04, speed=0.05) == pytest.approx(0.1 + 0.04 / 0.05, abs=0.05)
    assert fingers.width_m == pytest.approx(0.04, abs=0.001)
    assert fingers.hand.successful and not fingers.hand.grasped


def test_a_grasp_keeps_its_force_on_what_it_holds():
    fingers = Fingers(object_m=0.044)
    fingers.carry_out(width=0.0, speed=0.1, force=20.0, grasp=True, epsilon_inner=-1.0, epsilon_outer=-1.0)
    assert fingers.hand.grasped and fingers.hand.successful
    assert fingers.width_m - fingers.hand.reference_m == pytest.approx(20.0 / 2000.0)


def test_a_grasp_outside_its_epsilon_has_failed_and_holds_with_nothing():
    fingers = Fingers(object_m=0.044)
    fingers.carry_out(width=0.02, speed=0.1, force=20.0, grasp=True, epsilon_inner=0.005, epsilon_outer=0.005)
    assert not fingers.hand.grasped and not fingers.hand.successful
    assert fingers.hand.reference_m == fingers.width_m


def test_a_move_that_is_blocked_has_failed_and_lets_go():
    fingers = Fingers(object_m=0.044)
    fingers.carry_out(width=0.02, speed=0.1)
    assert not fingers.hand.successful and fingers.hand.reference_m == fingers.width_m


def test_a_grasp_of_nothing_closes():
    fingers = Fingers()
    fingers.carry_out(width=0.0, speed=0.1, force=20.0, grasp=True, epsilon_inner=-1.0, epsilon_outer=-1.0)
    assert fingers.hand.successful and not fingers.hand.grasped
    assert fingers.hand.reference_m == fingers.width_m  # nothing is pressed


def test_the_log_counts_all_states_and_keeps_the_newest():
    log = StateLog(capacity=3)
    assert log.get(0) is None and log.get(-1) is None
    for number in range(5):
        log.append(bytes([number]))
    assert log.count == 5
    assert [log.get(index) for index in range(6)] == [None, None, b"\x02", b"\x03", b"\x04", None]
