"""When an arm is home, and when it will not get there."""

import numpy as np
import pytest

from muse_core.control.kinematics import HOME_Q
from muse_ros.recording.home_watch import HomeWatch

STILL = np.zeros(7)


def test_an_arm_is_home_once_it_is_near_and_still():
    watch = HomeWatch(0.0)
    watch.see(HOME_Q + 0.02, STILL, "home", False, 0.1)
    watch.see(HOME_Q + 0.005, STILL + 0.05, "home", False, 0.1)
    assert not watch.home
    watch.see(HOME_Q + 0.005, STILL, "home", False, 0.1)
    assert watch.home and not watch.failure


@pytest.mark.parametrize(
    ("source", "stopped", "reason"), [("home", True, "was stopped"), ("teleop", False, "teleop took")]
)
def test_an_arm_that_somebody_stops_or_takes_is_not_waited_for(source, stopped, reason):
    watch = HomeWatch(0.0)
    watch.see(HOME_Q, STILL, source, stopped, 0.1)
    assert reason in watch.failure and not watch.home


def test_an_arm_that_never_comes_is_given_up():
    watch = HomeWatch(100.0)
    watch.look(140.0)
    assert watch.failure == ""
    watch.look(140.1)
    assert "not home after 40 s" in watch.failure


def test_an_arm_that_is_not_heard_of_any_more_is_given_up_after_two_seconds():
    watch = HomeWatch(100.0)
    watch.see(HOME_Q + 0.5, STILL + 0.3, "home", False, 101.0)
    watch.look(103.0)
    assert not watch.gave_up
    watch.look(103.1)
    assert watch.gave_up and not watch.failure


def test_a_move_that_ends_before_the_arm_is_home_is_given_up_after_a_second():
    watch = HomeWatch(100.0)
    watch.see(HOME_Q + 0.5, STILL + 0.3, "home", False, 101.0)
    watch.see(HOME_Q + 0.02, STILL, "", False, 102.0)
    assert not watch.gave_up
    watch.see(HOME_Q + 0.02, STILL, "", False, 102.1)
    assert watch.gave_up and not watch.home
