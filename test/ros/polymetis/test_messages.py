"""Polymetis' messages: bytes worked out by hand from the protocol's field numbers and types."""

from __future__ import annotations

import struct
from concurrent import futures

import pytest

pytest.importorskip("grpc")

import grpc

from muse_ros.polymetis.messages import (
    ARM_SERVICE,
    HAND_SERVICE,
    METHODS,
    ControllerChunk,
    Empty,
    GripperCommand,
    LogInterval,
    RobotState,
    Stub,
    service_handler,
)


def test_a_state_is_the_bytes_that_the_protocol_says():
    state = RobotState(joint_positions=[1.0, -2.0], prev_command_successful=True, error_code=300)
    state.timestamp.seconds = 5
    by_hand = b"\x0a\x02\x08\x05"  # field 1, a message of 2 bytes: seconds (field 1) = 5
    by_hand += b"\x12\x08" + struct.pack("<ff", 1.0, -2.0)  # field 2, packed
    by_hand += b"\x58\x01" + b"\x60\xac\x02"  # field 11 true; field 12: 300 = 0b10_0101100
    assert state.SerializeToString() == by_hand


def test_the_gripper_says_success_in_field_six_and_errors_in_field_five():
    command = GripperCommand(width=0.5, grasp=True, epsilon_outer=0.25)
    assert command.SerializeToString() == b"\x15" + struct.pack("<f", 0.5) + b"\x28\x01" + b"\x3d" + struct.pack(
        "<f", 0.25
    )


def test_an_unknown_end_is_minus_one_in_ten_bytes():
    assert LogInterval(start=7, end=-1).SerializeToString() == b"\x08\x07\x10" + b"\xff" * 9 + b"\x01"


class _Arm:
    """Answers every method with something that shows what came in."""

    def __getattr__(self, method):
        def answer(request, context):
            if method == "SetController":
                return LogInterval(start=sum(len(chunk.torchscript_binary_chunk) for chunk in request))
            if METHODS[ARM_SERVICE][method][1].startswith("stream"):
                return iter([RobotState(error_code=code) for code in (1, 2, 3)])
            return RobotState(error_code=9)

        return answer


@pytest.fixture
def stub():
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((service_handler(ARM_SERVICE, _Arm()),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Stub(channel, ARM_SERVICE)
    server.stop(None).wait()


def test_calls_and_streams_go_both_ways(stub):
    assert stub.GetRobotState(Empty()).error_code == 9
    assert [state.error_code for state in stub.GetRobotStateStream(Empty())] == [1, 2, 3]
    chunks = (ControllerChunk(torchscript_binary_chunk=b"x" * size) for size in (1024, 1024, 10))
    assert stub.SetController(chunks).start == 2058


def test_the_hand_has_a_service_of_its_own():
    assert set(METHODS[HAND_SERVICE]) >= {"GetState", "Goto"}
    assert not set(METHODS[ARM_SERVICE]) & {"GetState", "Goto"}
