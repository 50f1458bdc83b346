"""What a server's errors are told as: the statuses are those that the original server was seen to answer with."""

from __future__ import annotations

import pytest

pytest.importorskip("grpc")

import grpc

from muse_ros.polymetis.link import Link, in_its_own_words
from muse_ros.polymetis.messages import ARM_SERVICE, HAND_SERVICE

RAISED = """Failed to update controller: The following operation failed in the TorchScript interpreter.
Traceback of TorchScript, serialized code (most recent call last):
  File "code/__torch__/joint_impedance.py", line 177, in update
          ops.prim.RaiseException(torch.add(_40, _23), "builtins.ValueError")
          ~~~~~~~~~~~~~~~~~~~~~~~ <--- HERE

Traceback of TorchScript, original code (most recent call last):
  File "/home/someone/joint_impedance.py", line 186, in update
                raise ValueError("set-point: joint " + str(i + 1) + " wanted at " + str(position[i]) + " rad")
                ~~~~~~~~~~~~~~~~~ <--- HERE
builtins.ValueError: set-point: joint 1 wanted at 2.5 rad: too far

"""
UNREADABLE = """Failed to load new controller: failed finding central directory
Exception raised from valid at ./caffe2/serialize/inline_container.cc:177 (most recent call first):
frame #0: c10::Error::Error(c10::SourceLocation) + 0x9e (0x7ff88efc39ae in /lib/x86_64-linux-gnu/libc10.so.1.13)
"""


class Status:
    """An error of gRPC's as far as it is looked at."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        self.code, self.details = lambda: code, lambda: details


def told(code: str, details: str, service: str = ARM_SERVICE):
    link = Link("127.0.0.1:1", service)
    link.close()
    return link.explained("Call", Status(grpc.StatusCode[code], details))


def test_of_what_a_controller_raised_its_own_words_are_kept():
    assert in_its_own_words(RAISED) == "Failed to update controller: set-point: joint 1 wanted at 2.5 rad: too far"


def test_of_what_libtorch_cannot_load_the_stack_is_left_out():
    assert in_its_own_words(UNREADABLE) == "Failed to load new controller: failed finding central directory"


@pytest.mark.parametrize("details", ["", "Failed to load new controller params.", "Unexpected error in RPC handling"])
def test_a_short_status_stays_as_it_is(details: str):
    assert in_its_own_words(details) == details


@pytest.mark.parametrize(
    ("kind", "code", "details", "service"),
    [
        ("no_robot", "CANCELLED", "Robot context not valid when calling GetRobotClientMetadata!", ARM_SERVICE),
        ("no_robot", "FAILED_PRECONDITION", "Cannot retrieve robot state from empty buffer!", ARM_SERVICE),
        ("no_robot", "INTERNAL", "Failed to serialize response!", HAND_SERVICE),  # the metadata of no hand
        ("no_controller", "CANCELLED", "Tried to terminate controller with no controller running.", ARM_SERVICE),
        (
            "no_controller",
            "CANCELLED",
            "Tried to perform a controller update with no controller running.",
            ARM_SERVICE,
        ),
        ("refused", "CANCELLED", "Failed to load new controller params.", ARM_SERVICE),
        ("refused", "CANCELLED", RAISED, ARM_SERVICE),
        ("refused", "UNKNOWN", "Unexpected error in RPC handling", ARM_SERVICE),
        ("unreachable", "UNAVAILABLE", "Socket closed", ARM_SERVICE),
        ("late", "DEADLINE_EXCEEDED", "Deadline Exceeded", ARM_SERVICE),
    ],
)
def test_each_status_of_the_original_server_has_its_kind(kind: str, code: str, details: str, service: str):
    assert told(code, details, service).kind == kind


def test_a_refusal_fits_on_a_line():
    text = str(told("CANCELLED", RAISED))
    assert "\n" not in text and "set-point: joint 1 wanted at 2.5 rad: too far" in text
