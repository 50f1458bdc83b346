"""What a Polymetis arm measured, for who records: thinned, complete over a hold-up; the reader is told by hand."""

from itertools import takewhile

import numpy as np
import pytest

from muse_core.control.kinematics import HOME_Q, PandaKinematics
from muse_ros.arm.drivers.polymetis_state import MeasuredStates
from muse_ros.polymetis.arm_state import ArmState
from muse_ros.polymetis.state_reader import ReadState

MS = 1_000_000


class Reader:
    """Has the states that `hear` was told."""

    def __init__(self):
        self.states = []

    def hear(self, *stamps_ms):
        still = np.zeros(7)
        state = ArmState(0, HOME_Q, still, still, still, 0, True, 0.0)
        self.states += [ReadState(state, round(stamp * MS), 0) for stamp in stamps_ms]

    def newest(self):
        return self.states[-1] if self.states else None

    def since(self, stamp_ns):
        return [*reversed([*takewhile(lambda each: each.stamp_ns > stamp_ns, reversed(self.states))])]


@pytest.fixture
def told():
    reader = Reader()
    measured = MeasuredStates(reader, PandaKinematics())
    return reader, lambda: [state.stamp_ns / MS for state in measured.take(0.04)]


def test_of_250_states_a_second_every_other_one_is_told(told):
    reader, take = told
    reader.hear(1000, 1004, 1008)
    assert take() == [1000, 1008]
    reader.hear(1012, 1016, 1020)
    assert take() == [1016]
    assert take() == []


def test_states_that_come_at_100_a_second_are_all_told_however_uneven(told):
    reader, take = told
    reader.hear(1000, 1013, 1018.5, 1030)
    assert take() == [1000, 1013, 1018.5, 1030]


def test_after_a_hold_up_nothing_is_missing_and_after_a_pause_only_what_is_recent_is_told(told):
    reader, take = told
    reader.hear(1000)
    take()
    reader.hear(*range(1010, 1190, 10))
    assert take() == list(range(1010, 1190, 10))
    reader.hear(*range(1190, 6000, 10))
    assert take() == list(range(5700, 6000, 10))


def test_a_clock_that_is_set_back_silences_nothing(told):
    reader, take = told
    reader.hear(5000)
    take()
    reader.hear(2000, 2010)
    assert take() == [2000, 2010]
    reader.hear(2020)
    assert take() == [2020]


def test_before_the_first_state_there_is_nothing_to_tell(told):
    assert told[1]() == []
