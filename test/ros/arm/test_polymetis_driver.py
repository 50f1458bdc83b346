"""The Polymetis driver with a server of the same protocol in a process of its own, and faults between."""

import time
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("grpc")
pytest.importorskip("torch")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

from muse_core.control.kinematics import PandaKinematics
from muse_core.control.state import SetPoint
from muse_ros.arm.drivers.driver import DriverError, DriverSettings, StaleState, open_driver
from muse_ros.arm.drivers.polymetis_settings import PolymetisSettings
from muse_ros.polymetis.arm_client import ArmClient
from muse_ros.polymetis.controllers import gravity_compensation
from muse_ros.polymetis.loopback.process import LoopbackProcess
from tcp_proxy import TcpProxy

DEADLINE_S = 60.0
LATE = {"hold_after_s": 0.3, "stop_after_s": 1.0}
"""Of tests on a machine that may be busy with others."""


@pytest.fixture(scope="module")
def server():
    with LoopbackProcess("--clock_offset_s", "50") as process:
        yield process


@pytest.fixture
def open_it(server):
    """``open_it(setting=value, ...)`` is a driver of the server, started; it is closed after the test."""
    drivers = []

    def port(address):
        return int(address.rpartition(":")[2])

    def make(**more):
        where = {"robot_ip": "127.0.0.1", "robot_port": port(server.arm), "hand_port": port(server.hand)}
        settings = DriverSettings(polymetis=PolymetisSettings(**{**where, **more}), **LATE)
        drivers.append(open_driver("polymetis", settings))
        drivers[-1].start()
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.close()


def until(what, predicate):
    end = time.monotonic() + DEADLINE_S
    while not predicate():
        assert time.monotonic() < end, f"waited {DEADLINE_S:g} s in vain for {what}"
        time.sleep(0.01)


def measured(driver):
    """The arm's state; on a busy machine it may be stale for an instant."""
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            return driver.read()
        except StaleState:
            assert time.monotonic() < end
            time.sleep(0.01)


def failure(driver, kind=DriverError):
    """What reading the arm raises, once it does."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        try:
            driver.read()
        except kind as error:
            if type(error) is kind:
                return error
        except DriverError:
            pass
        time.sleep(0.005)
    pytest.fail(f"no {kind.__name__} in {DEADLINE_S:g} s")


def recovered(driver):
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            driver.recover()
            return
        except DriverError:
            assert time.monotonic() < end


def turn(driver, joint, by_rad, width_m=0.08):
    """Turn a joint in a second, in set-points of 10 ms; returns where the joints were to end."""
    began = measured(driver).q.copy()
    goal, moved = began.copy(), np.zeros(7)
    goal[joint] += by_rad
    for period in range(1, 101):
        share = 0.5 - 0.5 * np.cos(np.pi * period / 100)
        moved[joint] = by_rad * 0.5 * np.pi * np.sin(np.pi * period / 100)
        driver.send(SetPoint(began + share * (goal - began), moved, width_m, 0, "teleop", 1), 0.01)
        time.sleep(0.01)
    return goal


def test_the_arm_goes_where_the_set_points_lead_and_stands_there(open_it):
    driver = open_it()
    goal = turn(driver, 0, 0.2)
    until("the arm to arrive", lambda: np.abs(measured(driver).q - goal).max() < 0.01)
    state = measured(driver)
    assert np.allclose(state.ee_position, PandaKinematics().forward(state.q)[0])
    # of 100 periods the first, in which the action begins, and then every second
    until("50 set-points", lambda: driver._sender.sent + driver._sender.left_out == 50)
    assert driver.report()["controller"] == "joint impedance"


def test_a_set_point_with_which_an_action_begins_does_not_wait_for_its_turn(open_it):
    driver = open_it()
    still = measured(driver).q
    stamps = (1, 1, 1, 1, 2, 3, 3)  # in periods of 10 ms; turns are 20 ms apart, from the last one sent on
    for number, stamp in enumerate(stamps):
        driver.send(SetPoint(still, np.zeros(7), 0.08, 0, "teleop", stamp), 0.01)
        due = (1, 1, 2, 2, 3, 4, 4)[number]
        until("what was due", lambda due=due: driver._sender.sent == due)


def test_states_are_stamped_by_our_clock_though_the_servers_is_50_s_ahead(open_it):
    driver = open_it()
    assert abs(time.time_ns() - measured(driver).stamp_ns) < 2e9
    assert float(driver.report()["server clock behind [ms]"]) == pytest.approx(-50_000, abs=100)


def test_a_state_that_ceases_is_stale_then_a_fault_and_recover_brings_the_arm_back(open_it, server):
    driver = open_it()
    server.scene.ask("reflex", for_s=3.0)
    assert "no new state of the arm" in str(failure(driver, StaleState))
    assert "reflex" in str(failure(driver))
    recovered(driver)
    goal = turn(driver, 0, -0.1)
    until("the arm to be led again", lambda: abs(measured(driver).q[0] - goal[0]) < 0.05)


def test_a_cut_network_is_not_taken_for_a_reflex(open_it, server):
    with TcpProxy(server.arm) as proxy:
        driver = open_it(robot_port=int(proxy.address.rpartition(":")[2]))
        proxy.forget_connections()
        text = str(failure(driver, StaleState))
        assert "does not answer" in text and "reflex" not in text
        recovered(driver)  # over a connection of its own making
        driver.close()


def test_a_controller_that_ended_is_a_fault_when_the_next_set_point_goes_out(open_it, server):
    driver = open_it()
    server.scene.ask("reflex", for_s=1.5)
    failure(driver)
    until("the states to come back", lambda: driver._reader.age_s() < 0.1)
    where = SetPoint(measured(driver).q, np.zeros(7), 0.08, 0, "", 0)

    def ended():
        try:
            driver.send(where, 0.01)
        except DriverError as error:
            return "no controller runs" in str(error)
        return False

    until("the end of the controller to be noticed", ended)
    driver.recover()
    driver.send(where, 0.01)


def test_a_server_that_was_restarted_is_found_again_without_a_new_driver(open_it, server):
    driver = open_it()
    server.scene.ask("restart", for_s=2.0)
    assert "cannot be reached" in str(failure(driver))
    recovered(driver)
    assert driver.report()["controller"] == "joint impedance"


def test_an_arm_led_by_hand_floats_and_stands_again_where_it_was_left(open_it, server):
    driver = open_it()
    driver.guide(True)
    assert driver.report()["controller"] == "gravity compensation"
    begun = driver._client.interval()[0]
    until("3 s of its log", lambda: measured(driver) and len(driver._client.log(begun, -1)) > 3000)
    driver.send(SetPoint(np.zeros(7), np.zeros(7), 0.08, 0, "", 0), 0.01)  # nobody sends, but if: it goes nowhere
    left = measured(driver).q
    driver.guide(False)
    assert driver.report()["controller"] == "joint impedance"
    assert np.abs(measured(driver).q - left).max() < 0.05


def test_a_guidance_that_the_server_refuses_leaves_the_arm_with_its_controller(open_it, server):
    driver = open_it()
    server.scene.ask("refuse_controllers", text="no such archive")
    try:
        with pytest.raises(DriverError, match="no such archive"):
            driver.guide(True)
    finally:
        server.scene.ask("refuse_controllers", text="")
    goal = turn(driver, 0, 0.05)
    until("the arm to be led on", lambda: abs(measured(driver).q[0] - goal[0]) < 0.03)


def test_a_controller_that_somebody_else_sets_is_a_fault(open_it, server):
    driver = open_it()
    where = SetPoint(measured(driver).q, np.zeros(7), 0.08, 0, "", 0)
    other = ArmClient(server.arm)
    other.set_controller(gravity_compensation([1.0] * 7))
    other.close()

    def noticed():
        try:
            driver.send(where, 0.01)
        except DriverError as error:
            return "another client has set" in str(error) or "update" in str(error)
        return False

    until("the other controller to be noticed", noticed)
    driver.recover()
    driver.send(where, 0.01)


def test_the_hand_keeps_what_it_holds_at_the_start_and_follows_what_is_new(open_it):
    driver = open_it()
    still = measured(driver).q
    until("the hand", lambda: measured(driver).gripper_width > 0.07)
    driver.send(SetPoint(still, np.zeros(7), 0.05, 0, "", 0), 0.01)  # as an arm that was anchored with 50 mm asks
    driver.send(SetPoint(still, np.zeros(7), 0.05, 0, "", 0), 0.01)
    assert driver._hand._hand._wanted_m is None
    driver.send(SetPoint(still, np.zeros(7), 0.0, 0, "", 0), 0.01)
    until("the fingers to close", lambda: measured(driver).gripper_width < 0.01)
    driver.send(SetPoint(still, np.zeros(7), 0.08, 0, "", 0), 0.01)
    until("the fingers to open", lambda: measured(driver).gripper_width > 0.07)


def test_an_arm_that_floats_is_held_again_when_who_let_it_float_is_gone(open_it):
    driver = open_it()
    driver.guide(True)  # and never reads again, as one that was killed
    until("the server's own controller", lambda: not driver._client.controller_runs())
    assert "has ended" in str(failure(driver))
    driver.recover()
    measured(driver)


def test_of_two_drivers_the_second_leads_the_arm_at_once_and_ends_when_it_is_told_to(open_it):
    first = open_it()
    first._sender._number = 30_000  # as after ten minutes
    still = SetPoint(measured(first).q, np.zeros(7), 0.08, 0, "teleop", 1)
    first.send(still, 0.01)
    second = open_it()
    first._client._proved_s = first._client._looked_s = time.monotonic()  # before it looks again whose it is

    def refused():
        try:
            first.send(still, 0.1)
        except DriverError as error:
            return str(error)

    until("the first to notice", refused)
    assert "leads the arm" in refused() or "may lead the arm" in refused()
    goal = turn(second, 0, 0.1)
    until("the second to lead", lambda: abs(measured(second).q[0] - goal[0]) < 0.03)
    first.close()
    assert second._client.controller_runs()


def test_with_a_fault_the_hand_wants_nothing_any_more(open_it, monkeypatch):
    driver = open_it()
    still = measured(driver).q
    for width_m in (0.08, 0.03):
        driver.send(SetPoint(still, np.zeros(7), width_m, 0, "", 0), 0.01)
    assert driver._hand._hand._wanted_m == 0.03
    newest = driver._reader.newest()
    broken = replace(newest, state=replace(newest.state, q=np.full(7, np.nan)))
    with monkeypatch.context() as patched:
        patched.setattr(driver._reader, "newest", lambda: broken)
        with pytest.raises(DriverError, match="not finite"):
            driver.read()
    assert driver._hand._hand._wanted_m is None


def test_another_arm_that_has_come_to_the_address_is_not_led(open_it, monkeypatch):
    driver = open_it()
    longer = replace(driver._metadata, urdf=driver._metadata.urdf.replace("0.333", "0.433"))
    with monkeypatch.context() as patched:
        patched.setattr(driver._client, "metadata", lambda: longer)
        with pytest.raises(DriverError, match="no Panda that Muse knows"):
            driver.recover()
    driver.recover()


def test_after_stop_the_servers_own_controller_has_the_arm(open_it):
    driver = open_it()
    assert driver._client.controller_runs()
    driver.stop()
    driver.stop()
    assert not driver._client.controller_runs()
    assert driver.report()["controller"] == "the server's own"


def test_what_is_missing_is_said(server):
    with pytest.raises(DriverError, match="robot_ip:=ADDRESS"):
        open_driver("polymetis", DriverSettings())
    with pytest.raises(DriverError, match="cannot be reached"):
        open_driver("polymetis", DriverSettings(polymetis=PolymetisSettings(robot_ip="127.0.0.1", robot_port=1)))


def test_an_arm_of_other_joints_is_refused():
    with LoopbackProcess("--joints", "6") as other:
        server = PolymetisSettings("127.0.0.1", int(other.arm.rpartition(":")[2]), hand_port=0)
        with pytest.raises(DriverError, match="7 joints"):
            open_driver("polymetis", DriverSettings(polymetis=server))
