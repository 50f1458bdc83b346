"""Muse's clients against the loopback server: what the driver relies upon, through faults."""

from __future__ import annotations

import time

import numpy as np
import pytest

pytest.importorskip("grpc")
pytest.importorskip("torch")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

from muse_core.control.kinematics import PandaKinematics
from muse_ros.polymetis.arm_client import ArmClient
from muse_ros.polymetis.controllers import joint_impedance
from muse_ros.polymetis.errors import PolymetisError
from muse_ros.polymetis.hand import Hand
from muse_ros.polymetis.hand_client import HandClient
from muse_ros.polymetis.loopback.process import LoopbackProcess
from muse_ros.polymetis.set_points import SetPointArchive
from muse_ros.polymetis.state_reader import StateReader
from muse_ros.polymetis.urdf_chain import largest_difference

LONGEST_WAIT_S = 60.0
AHEAD_NS = 100_000_000_000


def wait_for(condition):
    deadline = time.monotonic() + LONGEST_WAIT_S
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


@pytest.fixture(scope="module")
def loopback():
    with LoopbackProcess("--task", "lift", "--seed", "3", "--clock_offset_s", "100") as process:
        yield process


@pytest.fixture(scope="module")
def client(loopback):
    client = ArmClient(loopback.arm, timeout_s=5.0, controller_timeout_s=30.0)
    wait_for(lambda: kind_of(client.metadata) is None)
    yield client
    client.close()


@pytest.fixture(scope="module")
def reader(client):
    reader = StateReader(client)
    reader.start()
    wait_for(lambda: reader.newest() is not None)
    yield reader
    reader.close()


def kind_of(call, *arguments) -> str | None:
    """Of the error that a call raises; None where it does not."""
    try:
        call(*arguments)
    except PolymetisError as error:
        return error.kind
    return None


def start(client) -> int:
    metadata = client.metadata()
    return client.set_controller(joint_impedance(metadata.Kq, metadata.Kqd))


def test_the_servers_arm_is_the_one_that_muse_computes_with(client):
    metadata = client.metadata()
    assert (metadata.hz, metadata.dof) == (1000, 7)
    assert largest_difference(metadata.urdf, PandaKinematics(), metadata.ee_link) < 1e-6


def test_a_clock_that_is_ahead_by_100_s_is_found_to_the_error_that_is_admitted(reader):
    wait_for(lambda: len(reader.since(0)) > 250)
    clock = reader.server_clock
    # Both clocks are this computer's; a busy one may have let the state lie for longer than a cycle.
    assert abs(clock.offset_ns + AHEAD_NS) < clock.error_ns + 20_000_000
    assert clock.jumps == 0
    assert abs(reader.newest().stamp_ns - time.time_ns()) < 10_000_000_000


def test_a_stream_of_set_points_moves_the_arm_and_none_is_lost(client, reader):
    start(client)
    packed, begin = SetPointArchive(), reader.newest().state.q
    goal = begin.copy()
    goal[6] += 0.15
    steps = 40
    indices = []
    for number in range(1, steps + 1):
        position = begin + (goal - begin) * number / steps
        velocity = (goal - begin) / (steps * 0.05) if number < steps else np.zeros(7)
        sent_ns = reader.newest().stamp_ns
        indices.append(client.update(packed.pack(position, velocity, 0.05, number)))
        reader.wait_newer(sent_ns + 40_000_000, 1.0)
    wait_for(lambda: abs(reader.newest().state.q[6] - goal[6]) < 0.05)
    assert (np.diff(indices) > 0).all()
    first, last = client.terminate()
    assert first < indices[0] <= indices[-1] <= last
    log = client.log(first, first + 99)
    assert len(log) == 100
    assert kind_of(client.update, packed.pack(goal, np.zeros(7), 0.05, steps + 1)) == "no_controller"


def test_a_set_point_that_the_controller_refuses_is_said_and_it_runs_on(client, reader):
    start(client)
    far = reader.newest().state.q + 1.0
    assert kind_of(client.update, SetPointArchive().pack(far, np.zeros(7), 0.05, 1)) == "refused"
    assert client.controller_runs()


def test_an_archive_that_is_none_is_refused_and_the_controller_runs_on(client):
    start(client)
    assert kind_of(client.set_controller, b"not TorchScript") == "refused"
    assert client.controller_runs()


def test_a_reflex_ends_the_controller_and_nothing_is_sent_into_it(loopback, client, reader):
    start(client)
    loopback.scene.ask("reflex", for_s=2.0, reason="a test's")
    wait_for(lambda: reader.age_s() > 0.5)
    assert reader.error is None  # the server answers, with the old state
    wait_for(lambda: kind_of(client.metadata) == "no_robot")
    assert kind_of(client.set_controller, b"it would hang here, and everybody with it") == "no_robot"
    wait_for(lambda: reader.age_s() < 0.5)
    wait_for(lambda: not client.controller_runs())
    assert start(client) >= 0
    assert reader.server_clock.jumps == 0


def test_calls_that_fail_for_a_while_are_survived(loopback, client, reader):
    losses = reader.losses
    loopback.scene.ask("lose_calls", for_s=0.5)
    wait_for(lambda: reader.losses > losses)
    wait_for(lambda: reader.error is None and reader.age_s() < 0.5)
    assert client.controller_runs() in (True, False)


def test_a_restarted_server_has_no_controller_and_is_not_killed_by_an_update(loopback, client, reader):
    start(client)
    packed = SetPointArchive()
    q = reader.newest().state.q
    losses = reader.losses
    loopback.scene.ask("restart", for_s=0.3)
    wait_for(lambda: reader.losses > losses)
    wait_for(lambda: reader.error is None and reader.age_s() < 0.5)
    assert kind_of(client.update, packed.pack(q, np.zeros(7), 0.05, 1)) == "no_controller"
    start(client)
    client.update(packed.pack(reader.newest().state.q, np.zeros(7), 0.05, 1))


def stands_at(state, wanted_m: float) -> bool:
    """A grasp that met nothing ends up to 10 mm further closed, drawn by its force."""
    return not state.is_moving and wanted_m - 0.015 < state.width_m < wanted_m + 0.005


def test_the_hand_follows_a_width_that_changes_at_every_tick(loopback):
    client = HandClient(loopback.hand, timeout_s=5.0)
    hand = Hand(client)
    hand.start()
    wait_for(lambda: hand.state() is not None)
    for width in (0.03, 0.08):
        begin = hand.state().width_m
        for share in np.linspace(0.0, 1.0, 50):
            hand.command(begin + (width - begin) * share)
        wait_for(lambda wanted=width: stands_at(hand.state(), wanted))
    assert hand.error is None
    hand.close()
    client.close()
