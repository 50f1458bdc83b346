"""The loopback server as a process of its own: an arm that stands, a hand that closes, faults, an end."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("grpc")
pytest.importorskip("torch")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

import grpc

from muse_ros.polymetis.loopback import ask
from muse_ros.polymetis.loopback.process import LoopbackError, LoopbackProcess
from muse_ros.polymetis.messages import ARM_SERVICE, HAND_SERVICE, Empty, GripperCommand, Stub

DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def loopback():
    with LoopbackProcess("--task", "lift", "--seed", "3", "--clock_offset_s", "100") as process:
        yield process


@pytest.fixture
def arm(loopback):
    with grpc.insecure_channel(loopback.arm) as channel:
        yield Stub(channel, ARM_SERVICE)


@pytest.fixture
def hand(loopback):
    with grpc.insecure_channel(loopback.hand) as channel:
        yield Stub(channel, HAND_SERVICE)


def wait_for(what, predicate):
    end = time.monotonic() + DEADLINE_S
    while True:
        try:
            value = predicate()
        except grpc.RpcError:
            value = None
        if value:
            return value
        assert time.monotonic() < end, f"waited {DEADLINE_S:g} s in vain for {what}"
        time.sleep(0.01)


def test_the_arm_stands_at_its_pose_and_is_stamped_by_the_servers_clock(loopback, arm):
    state = wait_for("a state", lambda: arm.GetRobotState(Empty()))
    assert state.joint_positions[3] == pytest.approx(-2.620694, abs=0.01)
    assert max(map(abs, state.joint_velocities)) < 0.01
    ahead_s = state.timestamp.ToNanoseconds() * 1e-9 - time.time()
    assert 95.0 < ahead_s < 101.0


def test_the_hand_goes_to_a_width_once_per_stamp(hand):
    command = GripperCommand(width=0.03, speed=0.1)
    command.timestamp.FromNanoseconds(123)
    hand.Goto(command)
    state = wait_for("the hand", lambda: at_rest(hand, 0.03))
    assert state.prev_command_successful and not state.is_grasped
    again = GripperCommand(width=0.06, speed=0.1)
    again.timestamp.FromNanoseconds(123)
    hand.Goto(again)  # the same stamp: not a new command
    again.timestamp.FromNanoseconds(124)
    assert at_rest(hand, 0.03)
    hand.Goto(again)
    wait_for("the hand", lambda: at_rest(hand, 0.06))


def at_rest(hand, width_m):
    state = hand.GetState(Empty())
    return state if not state.is_moving and abs(state.width - width_m) < 0.002 else None


def test_a_grasp_of_nothing_closes_and_holds_nothing(hand):
    command = GripperCommand(width=0.0, speed=0.1, force=20.0, grasp=True, epsilon_inner=-1.0, epsilon_outer=-1.0)
    command.timestamp.FromNanoseconds(200)
    hand.Goto(command)
    assert not wait_for("the hand", lambda: at_rest(hand, 0.0)).is_grasped


def test_objects_are_placed_by_a_seed_while_the_arm_stands(loopback, arm):
    before = arm.GetRobotState(Empty()).joint_positions
    places = []
    for seed in (1, 2, 1):
        loopback.scene.ask("reset", seed=seed)
        places.append(loopback.scene.ask("snapshot")["objects"]["cube"][0][:2])
    assert places[0] == pytest.approx(places[2], abs=1e-3)
    assert places[0] != pytest.approx(places[1], abs=1e-3)
    assert arm.GetRobotState(Empty()).joint_positions == pytest.approx(before, abs=1e-3)


def test_a_reflex_leaves_the_old_state_standing_and_ends(loopback, arm):
    reflexes = loopback.scene.ask("statistics")["reflexes"]
    loopback.scene.ask("reflex", for_s=1.5, reason="a test's")
    wait_for("the robot to be gone", lambda: refused(arm))
    old = arm.GetRobotState(Empty()).timestamp.ToNanoseconds()
    assert arm.GetRobotState(Empty()).timestamp.ToNanoseconds() == old
    wait_for("the robot", lambda: arm.GetRobotClientMetadata(Empty()))
    wait_for("fresh states", lambda: arm.GetRobotState(Empty()).timestamp.ToNanoseconds() > old)
    after = loopback.scene.ask("statistics")
    assert (after["reflexes"], after["reason"]) == (reflexes + 1, "a test's")


def refused(arm):
    try:
        arm.GetRobotClientMetadata(Empty())
    except grpc.RpcError as error:
        return error.code() is grpc.StatusCode.CANCELLED
    return False


def test_a_restarted_server_is_at_the_same_address_and_remembers_nothing(loopback, arm):
    loopback.scene.ask("restart", for_s=0.3)
    wait_for("the server to be gone", lambda: unavailable(arm))
    wait_for("the server", lambda: arm.GetRobotState(Empty()))
    assert arm.GetEpisodeInterval(Empty()).start == -1


def unavailable(arm):
    try:
        arm.GetRobotState(Empty(), timeout=1.0)
    except grpc.RpcError as error:
        return error.code() is grpc.StatusCode.UNAVAILABLE
    return False


def test_an_unknown_verb_is_refused_with_those_there_are(loopback):
    with pytest.raises(LoopbackError, match=r"no verb 'explode'; there are reset, snapshot"):
        loopback.scene.ask("explode")


def test_faults_can_be_asked_for_by_hand(loopback, capsys):
    assert ask.main([loopback.scene.address, "reset", "seed=5"]) == 0
    assert ask.main([loopback.scene.address, "statistics"]) == 0
    assert '"cycles": ' in capsys.readouterr().out
    assert ask.main([loopback.scene.address, "reflex", "for_s=soon"]) == 1
    assert "reflex: could not convert" in capsys.readouterr().err


def test_an_arm_may_tell_a_wrong_number_of_joints_and_another_version():
    with LoopbackProcess("--joints", "6", "--version", "0.1") as other, grpc.insecure_channel(other.arm) as channel:
        stub = Stub(channel, ARM_SERVICE)
        wait_for("a state", lambda: stub.GetRobotState(Empty()))
        told = stub.GetRobotClientMetadata(Empty())
        assert (told.dof, len(told.default_Kq), told.polymetis_version) == (6, 6, "0.1")
        assert other.scene.ask("statistics")["reflexes"] == 0


def test_it_says_when_it_cannot_serve(loopback):
    port = loopback.arm.rpartition(":")[2]
    with pytest.raises(LoopbackError, match="status 2"):
        LoopbackProcess("--port", port)
