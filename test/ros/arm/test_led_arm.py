"""An arm between start, fault, silence and a guiding hand, with a driver that does as it is told to fail."""

import numpy as np
import pytest

from muse_core.control.kinematics import HOME_Q
from muse_core.control.limits import default_limits
from muse_core.control.state import RobotState
from muse_ros.arm.arm_control import ArmControl
from muse_ros.arm.drivers.driver import DriverError, StaleState
from muse_ros.arm.led_arm import LedArm


class FakeDriver:
    """Stands wherever `q` says; `fails` maps a method to what it raises."""

    def __init__(self):
        self.done, self.fails = [], {}
        self.q, self.stamp_ns = HOME_Q, 1

    def _do(self, what):
        self.done.append(what)
        if what.split()[0] in self.fails:
            raise self.fails[what.split()[0]]

    def start(self):
        self._do("start")

    def stop(self):
        self._do("stop")

    def recover(self):
        self._do("recover")

    def guide(self, on):
        self._do(f"guide {on}")

    def read(self):
        if "read" in self.fails:
            raise self.fails["read"]
        still, turn = np.zeros(6), np.array([0, 0, 0, 1.0])
        return RobotState(self.stamp_ns, self.q, np.zeros(7), np.zeros(3), turn, still, still, 0.08)


@pytest.fixture
def arm():
    driver, control = FakeDriver(), ArmControl(default_limits(), 100.0)
    led = LedArm(driver, control)
    return led, driver, control


def next_position(led, control):
    return control.step(0, 0, led.state).set_point.position


def test_it_starts_from_where_the_arm_is_measured(arm):
    led, driver, control = arm
    driver.q = HOME_Q + 0.1
    led.start()
    assert driver.done == ["start"]
    assert np.array_equal(next_position(led, control), HOME_Q + 0.1)


def test_a_stale_state_is_named_and_keeps_the_last_one_until_a_fresh_one_comes(arm):
    led, driver, _ = arm
    led.start()
    driver.fails["read"] = StaleState("the state is 0.2 s old")
    led.look()
    assert (led.stale, led.state.stamp_ns, led.fault) == ("the state is 0.2 s old", 1, "")
    driver.fails.clear()
    driver.stamp_ns = 2
    led.look()
    assert (led.stale, led.state.stamp_ns) == ("", 2)


def test_an_arm_that_was_never_read_cannot_be_stale(arm):
    led, driver, _ = arm
    driver.fails["read"] = StaleState("the state is 0.2 s old")
    with pytest.raises(DriverError, match=r"0\.2 s old"):
        led.start()


def test_a_fault_stops_the_arm_until_a_recovery_that_succeeds(arm):
    led, driver, control = arm
    led.start()
    led.fail(DriverError("reflex"))
    assert led.fault == "reflex" and control.stopped
    driver.fails["recover"] = DriverError("still in its reflex")
    with pytest.raises(DriverError, match="still"):
        led.recover()
    assert led.fault == "reflex"
    driver.fails.clear()
    driver.q = HOME_Q - 0.1
    led.recover()
    assert led.fault == ""
    assert np.array_equal(next_position(led, control), HOME_Q - 0.1)


def test_a_recovered_arm_does_not_stand_on_a_stale_state(arm):
    led, driver, _ = arm
    led.start()
    led.fail(DriverError("gone"))
    driver.fails["read"] = StaleState("the state is 0.2 s old")
    with pytest.raises(DriverError, match=r"0\.2 s old"):
        led.recover()
    assert led.fault == "gone"


def test_after_it_was_led_by_hand_the_arm_stands_where_it_was_left(arm):
    led, driver, control = arm
    led.start()
    assert led.guide() == "" and led.guided
    driver.q = HOME_Q + 0.2
    assert led.hold() and not led.guided
    assert driver.done == ["start", "guide True", "guide False"]
    assert np.array_equal(next_position(led, control), HOME_Q + 0.2)
    assert not led.hold()


def test_a_deadman_that_was_held_while_it_was_led_by_hand_does_not_lead_it_on(arm):
    led, _, _ = arm
    control = led._control = ArmControl(default_limits(), 100.0, require_release=True)
    led.start()
    led.guide()
    teleop = control._arbiter._sources["teleop"]
    teleop.deadman = teleop.released = True  # pressed meanwhile
    led.hold()
    assert control.to_be_released


@pytest.mark.parametrize("why", ["stopped", "fault", "stale", "on its way home", "cannot"])
def test_an_arm_is_given_to_a_hand_only_while_nothing_else_has_it(arm, why):
    led, driver, control = arm
    led.start()
    if why == "stopped":
        control.stop()
    elif why == "fault":
        led.fail(DriverError("a fault"))
    elif why == "stale":
        driver.fails["read"] = StaleState("stale: 0.2 s old")
        led.look()
    elif why == "on its way home":
        control.go_home(0)
    else:
        driver.fails["guide"] = DriverError("this arm cannot float")
    assert why in led.guide() and not led.guided


def test_a_fault_ends_the_guidance(arm):
    led, _, _ = arm
    led.start()
    led.guide()
    led.fail(DriverError("gone"))
    assert not led.guided
