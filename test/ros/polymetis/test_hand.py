"""The hand: which commands a wanted width becomes, and how they reach its server."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

pytest.importorskip("grpc")

from muse_ros.polymetis.errors import PolymetisError
from muse_ros.polymetis.hand import Hand, HandCommands, HandSettings
from muse_ros.polymetis.hand_client import HandClient, HandCommand, HandState
from polymetis_servicer import HandServicer, serving

SETTINGS = HandSettings(speed_m_s=0.1, force_n=20.0, step_m=0.004, interval_s=0.1)
LONGEST_WAIT_S = 30.0


def wait_for(condition) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def at(width_m: float, *, grasped: bool = False, moving: bool = False) -> HandState:
    return HandState(1, width_m, grasped, moving, True, 0)


def goes(width_m: float) -> HandCommand:
    return HandCommand(width_m, 0.1, 20.0, grasp=False)


def grasps(width_m: float) -> HandCommand:
    return HandCommand(width_m, 0.1, 20.0, grasp=True)


def test_an_open_hand_that_is_wanted_open_is_left_alone():
    assert HandCommands(SETTINGS).decide(0.08, at(0.0785), 0.0) is None


def test_closing_grasps_and_opening_goes_once_each():
    commands = HandCommands(SETTINGS)
    sent = [commands.decide(0.0, at(0.08), 0.02 * tick) for tick in range(20)]
    sent += [commands.decide(0.08, at(0.0), 0.4 + 0.02 * tick) for tick in range(20)]
    assert [each for each in sent if each] == [grasps(0.0), goes(0.08)]


def test_a_hand_without_force_only_goes_to_widths():
    commands = HandCommands(HandSettings(force_n=0.0))
    assert commands.decide(0.0, at(0.08), 0.0) == HandCommand(0.0, 0.1, 0.0, grasp=False)


def test_a_ramp_becomes_few_commands_and_ends_where_it_ends():
    commands = HandCommands(SETTINGS)
    sent = [commands.decide(width, at(0.08), 0.01 * tick) for tick, width in enumerate(np.linspace(0.08, 0.0, 100))]
    sent += [commands.decide(0.0, at(0.08), 1.0 + 0.01 * tick) for tick in range(20)]
    sent = [each for each in sent if each]
    assert 8 <= len(sent) <= 11  # a second, at most ten a second, and one for what the last left
    assert sent[-1] == grasps(0.0)
    assert (np.diff([each.width_m for each in sent]) < 0).all()


def test_the_last_millimetres_are_gone_once_the_width_has_settled():
    commands = HandCommands(SETTINGS)
    assert commands.decide(0.042, at(0.08), 0.0) == grasps(0.042)
    assert commands.decide(0.039, at(0.042), 1.0) is None  # 3 mm, and perhaps on its way
    assert commands.decide(0.039, at(0.042), 1.1) is None
    assert commands.decide(0.0392, at(0.042), 1.25) == grasps(0.0392)  # a cube of 40 mm is held, not left standing
    assert commands.decide(0.039, at(0.04, grasped=True), 2.0) is None


def test_what_is_held_is_not_gripped_again_while_the_width_falls_on():
    commands = HandCommands(SETTINGS)
    assert commands.decide(0.03, at(0.08), 0.0) == grasps(0.03)
    for tick in range(5):
        assert commands.decide(0.02 - 0.004 * tick, at(0.04, grasped=True), 1.0 + tick) is None
    assert commands.decide(0.004, at(0.04, grasped=True), 5.3) == grasps(0.004)  # once: it may have been nothing
    for tick in range(5):
        assert commands.decide(0.004, at(0.04, grasped=True), 6.0 + tick) is None
    assert commands.decide(0.08, at(0.04, grasped=True), 19.0) == goes(0.08)


def test_what_is_held_is_not_let_go_of_while_the_width_stays_below_it():
    commands = HandCommands(SETTINGS)
    assert commands.decide(0.02, at(0.08), 0.0) == grasps(0.02)
    for tick in range(5):
        assert commands.decide(0.038, at(0.04, grasped=True), 1.0 + tick) is None
    assert commands.decide(0.045, at(0.04, grasped=True), 9.0) == goes(0.045)


def test_fingers_that_grasped_air_close_further():
    commands = HandCommands(SETTINGS)
    assert commands.decide(0.03, at(0.08), 0.0) == grasps(0.03)
    assert commands.decide(0.01, at(0.03, grasped=True), 1.0) == grasps(0.01)


def test_noise_of_the_wanted_width_moves_nothing():
    commands = HandCommands(SETTINGS)
    commands.decide(0.04, at(0.08), 0.0)
    noise = np.random.default_rng(0).uniform(-0.0019, 0.0019, 100)
    assert not any(commands.decide(0.04 + each, at(0.04), 1.0 + 0.02 * tick) for tick, each in enumerate(noise))


def test_after_a_loss_the_measured_width_decides():
    commands = HandCommands(SETTINGS)
    assert commands.decide(0.0, at(0.08), 0.0) == grasps(0.0)
    commands.forget()
    assert commands.decide(0.0, at(0.08), 1.0) == grasps(0.0)  # it did not come through
    commands.forget()
    assert commands.decide(0.0, at(0.001), 2.0) == grasps(0.0)  # closed, by its own measure: harmless, and it holds
    commands.forget()
    assert commands.decide(0.08, at(0.0799), 3.0) is None


@pytest.fixture
def servicer():
    return HandServicer()


@pytest.fixture
def client(servicer):
    with serving(servicer) as address:
        client = HandClient(address, timeout_s=5.0)
        yield client
        client.close()


def test_a_command_travels_with_the_hands_own_tolerances_and_a_stamp_that_is_new(client, servicer):
    for _ in range(50):
        client.send(grasps(0.02))
    first = servicer.commands[0]
    assert (first.grasp, first.force, first.epsilon_inner, first.epsilon_outer) == (True, 20.0, -1.0, -1.0)
    assert (first.width, first.speed) == (pytest.approx(0.02), pytest.approx(0.1))
    nanos = [each.timestamp.nanos for each in servicer.commands]
    assert all(nanos)
    assert all(one != other for one, other in itertools.pairwise(nanos))


def test_a_stamp_on_the_full_second_or_on_the_last_ones_nanoseconds_is_moved(client, servicer, monkeypatch):
    now_ns = iter([5_000_000_000, 6_000_000_001, 6_000_000_001])
    monkeypatch.setattr("muse_ros.polymetis.hand_client.time.time_ns", lambda: next(now_ns))
    for _ in range(3):
        client.send(goes(0.08))
    assert [each.timestamp.ToNanoseconds() for each in servicer.commands] == [
        5_000_000_001,
        6_000_000_002,
        6_000_000_003,
    ]


def test_a_state_is_read_and_a_hand_that_never_was_is_named(client, servicer):
    assert client.metadata().max_width_m == pytest.approx(0.08)
    assert client.state().width_m == pytest.approx(0.08)
    servicer.live = False
    servicer.state.Clear()
    with pytest.raises(PolymetisError) as caught:
        client.state()
    assert caught.value.kind == "no_robot"


def test_the_newest_width_wins_and_nobody_waits(client, servicer):
    hand = Hand(client, SETTINGS, rate_hz=100.0)
    hand.start()
    for width in np.linspace(0.08, 0.0, 200):
        hand.command(width)
    wait_for(lambda: servicer.commands and servicer.commands[-1].width == 0.0)
    assert len(servicer.commands) < 20  # of 200; two, where the machine is not busy
    assert hand.error is None
    hand.close()


def test_a_hand_whose_states_cease_is_reported_and_one_that_comes_back_hears_what_is_wanted(client, servicer):
    hand = Hand(client, HandSettings(stale_s=0.3), rate_hz=100.0)
    hand.start()
    wait_for(lambda: hand.state() is not None and hand.error is None)
    servicer.live = False
    wait_for(lambda: hand.error is not None)
    assert hand.error.kind == "no_robot"
    assert "old" in str(hand.error)
    servicer.live = True
    wait_for(lambda: hand.error is None)
    hand.command(0.0)
    wait_for(lambda: servicer.commands)
    hand.close()


def test_a_restarted_server_gets_the_command_that_it_lost(servicer):
    with serving(servicer) as address:
        client = HandClient(address, timeout_s=5.0)
        hand = Hand(client, SETTINGS, rate_hz=100.0)
        hand.start()
        hand.command(0.0)
        wait_for(lambda: servicer.commands)
    wait_for(lambda: hand.error is not None)
    servicer.commands.clear()
    with serving(servicer, address):
        wait_for(lambda: servicer.commands)  # the fingers are still open
        assert servicer.commands[-1].grasp
        hand.release()
        hand.close()
        client.close()
