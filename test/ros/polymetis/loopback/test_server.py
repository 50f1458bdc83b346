"""The arm's service, cycle by cycle: the test is the robot, and the clock."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("grpc")
pytest.importorskip("torch")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")

import grpc
import torch

from muse_ros.polymetis.controllers import archive
from muse_ros.polymetis.loopback.faults import Faults
from muse_ros.polymetis.loopback.hand_server import HandServicer
from muse_ros.polymetis.loopback.loopback import serve
from muse_ros.polymetis.loopback.robot_metadata import robot_metadata
from muse_ros.polymetis.loopback.server import ArmServicer, Status
from muse_ros.polymetis.messages import (
    ARM_SERVICE,
    HAND_SERVICE,
    ControllerChunk,
    Empty,
    LogInterval,
    RobotState,
    Stub,
    service_handler,
)

SECOND = 1_000_000_000
TIMEOUT_S = 20.0


class Push(torch.nn.Module):
    """Answers with one torque for all joints; ends after a number of calls; refuses negative torques."""

    def __init__(self, torque: float, calls: int = 1_000_000) -> None:
        super().__init__()
        self.torque = torque
        self.left = calls

    @torch.jit.export
    def is_terminated(self) -> bool:
        return self.left <= 0

    @torch.jit.export
    def update(self, given: dict[str, torch.Tensor]) -> None:
        if given["torque"].item() < 0:
            raise ValueError("no such torque")
        self.torque = float(given["torque"].item())

    def forward(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        self.left -= 1
        return {"joint_torques": torch.full_like(state["joint_positions"], self.torque)}


class Given(torch.nn.Module):
    """A container of parameters."""

    def __init__(self, torque: float) -> None:
        super().__init__()
        self.torque = torch.tensor(torque)

    def forward(self) -> dict[str, torch.Tensor]:
        return {"torque": self.torque}


def chunks(data: bytes):
    return (ControllerChunk(torchscript_binary_chunk=data[i : i + 1024]) for i in range(0, len(data), 1024))


class Robot:
    """Calls the servicer as the arm's client does, and makes the time: a millisecond a cycle."""

    def __init__(self) -> None:
        self.now_ns = SECOND
        self.faults = Faults()
        self.servicer = ArmServicer(self.faults, lambda: self.now_ns)
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def arrive(self, joints: int = 7) -> None:
        self.servicer.InitRobotClient(robot_metadata(joints=joints))

    def cycle(self, number: int = 1) -> float:
        """The torque of the last cycle."""
        for _ in range(number):
            self.now_ns += 1_000_000
            state = RobotState(joint_positions=[0.5] * 7, joint_velocities=[0.0] * 7, error_code=number)
            torques = self.servicer.ControlUpdate(state).joint_torques
        return torques[0]

    def while_cycling(self, call):
        """The answer of a call that waits for a cycle."""
        self._running.set()
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            return call()
        finally:
            self._running.clear()
            thread.join()

    def _run(self) -> None:
        while self._running.is_set():
            self.cycle()


@pytest.fixture
def robot():
    return Robot()


@pytest.fixture
def stub(robot):
    server, address = serve(service_handler(ARM_SERVICE, robot.servicer), "127.0.0.1:0", workers=8)
    with grpc.insecure_channel(address) as channel:
        yield Stub(channel, ARM_SERVICE)
    robot.faults.serving = False
    server.stop(None).wait()


def refusal(call) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code().name, caught.value.details()


def set_controller(robot, stub, module):
    data = archive(module)
    return robot.while_cycling(lambda: stub.SetController(chunks(data), timeout=TIMEOUT_S))


def test_without_a_robot_there_is_neither_metadata_nor_a_state(stub):
    assert refusal(lambda: stub.GetRobotClientMetadata(Empty()))[0] == "CANCELLED"
    assert refusal(lambda: stub.GetRobotState(Empty()))[0] == "FAILED_PRECONDITION"


def test_metadata_are_the_robots_until_it_is_silent_for_a_second(robot, stub):
    robot.arrive()
    assert (stub.GetRobotClientMetadata(Empty()).hz, stub.GetRobotClientMetadata(Empty()).dof) == (1000, 7)
    robot.now_ns += SECOND
    assert refusal(lambda: stub.GetRobotClientMetadata(Empty()))[1].startswith("Robot context not valid")


def test_the_default_controller_stands_where_it_begins(robot):
    robot.arrive()
    assert robot.cycle() == 0.0  # at its pose, at rest


def test_a_controller_runs_from_the_next_cycle_and_its_index_is_answered(robot, stub):
    robot.arrive()
    robot.cycle(5)
    start = set_controller(robot, stub, Push(3.0)).start
    assert start >= 5
    assert robot.cycle() == 3.0
    assert stub.GetEpisodeInterval(Empty()) == LogInterval(start=start, end=-1)
    before, first = stub.GetRobotStateLog(LogInterval(start=start - 1, end=start))
    assert (before.joint_torques_computed[0], first.joint_torques_computed[0]) == (0.0, 3.0)


def test_warming_up_does_not_use_up_a_controllers_own_state(robot, stub):
    robot.arrive()
    start = set_controller(robot, stub, Push(3.0, calls=20)).start
    robot.cycle(30)
    assert stub.GetEpisodeInterval(Empty()) == LogInterval(start=start, end=start + 19)
    assert robot.cycle() == 0.0


def test_parameters_reach_the_running_controller_and_what_it_refuses_is_told(robot, stub):
    robot.arrive()
    set_controller(robot, stub, Push(3.0))
    stub.UpdateController(chunks(archive(Given(4.0))), timeout=TIMEOUT_S)
    assert robot.cycle() == 4.0
    code, message = refusal(lambda: stub.UpdateController(chunks(archive(Given(-1.0))), timeout=TIMEOUT_S))
    assert code == "CANCELLED" and message.startswith("Failed to update controller") and "no such torque" in message
    assert robot.cycle() == 4.0
    assert refusal(lambda: stub.UpdateController(chunks(b"nonsense"), timeout=TIMEOUT_S)) == (
        "CANCELLED",
        "Failed to load new controller params.",
    )


def test_parameters_that_raise_are_an_error_of_the_call_alone(robot, stub):
    class Raising(torch.nn.Module):
        def forward(self) -> dict[str, torch.Tensor]:
            raise ValueError("none today")

    robot.arrive()
    set_controller(robot, stub, Push(3.0))
    answer = refusal(lambda: stub.UpdateController(chunks(archive(Raising())), timeout=TIMEOUT_S))
    assert answer == ("UNKNOWN", "Unexpected error in RPC handling")  # as the original's gRPC has it
    assert robot.cycle() == 3.0


def test_a_controller_set_in_a_gap_of_a_second_never_runs_and_has_no_beginning(robot, stub):
    robot.arrive()
    robot.cycle()
    robot.now_ns += SECOND
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: stub.SetController(chunks(archive(Push(3.0))), timeout=TIMEOUT_S))
        deadline = time.monotonic() + TIMEOUT_S
        while robot.servicer._status is not Status.READY and time.monotonic() < deadline:
            time.sleep(0.005)
        assert robot.cycle() == 0.0
        assert answer.result().start == -1
    assert robot.cycle() == 0.0


def test_without_a_hand_its_metadata_cannot_be_had():
    server, address = serve(service_handler(HAND_SERVICE, HandServicer()), "127.0.0.1:0", workers=2)
    with grpc.insecure_channel(address) as channel:
        answer = refusal(lambda: Stub(channel, HAND_SERVICE).GetRobotClientMetadata(Empty()))
    server.stop(None).wait()
    assert answer == ("INTERNAL", "Failed to serialize response!")


def test_only_a_running_controller_takes_parameters_or_can_be_terminated(robot, stub):
    robot.arrive()
    robot.cycle()
    code, message = refusal(lambda: stub.UpdateController(chunks(archive(Given(4.0))), timeout=TIMEOUT_S))
    assert code == "CANCELLED" and message == "Tried to perform a controller update with no controller running."
    assert refusal(lambda: stub.TerminateController(Empty(), timeout=TIMEOUT_S))[0] == "CANCELLED"


def test_what_is_no_controller_is_refused_and_the_running_one_runs_on(robot, stub):
    robot.arrive()
    set_controller(robot, stub, Push(3.0))
    code, message = refusal(lambda: stub.SetController(chunks(b"nonsense"), timeout=TIMEOUT_S))
    assert code == "CANCELLED" and message.startswith("Failed to load new controller: ")
    assert robot.cycle() == 3.0


def test_terminating_answers_with_the_interval_in_which_the_controller_ran(robot, stub):
    robot.arrive()
    start = set_controller(robot, stub, Push(3.0)).start
    ran = robot.while_cycling(lambda: stub.TerminateController(Empty(), timeout=TIMEOUT_S))
    assert ran.start == start and ran.end >= start
    assert stub.GetRobotStateLog(LogInterval(start=ran.end, end=ran.end)).next().joint_torques_computed[0] == 3.0
    assert robot.cycle() == 0.0


def test_a_gap_of_a_second_hands_the_arm_to_the_default_controller_without_a_word(robot, stub):
    robot.arrive()
    start = set_controller(robot, stub, Push(3.0)).start
    last = len(list(stub.GetRobotStateLog(LogInterval(start=0, end=-1)))) - 1
    robot.now_ns += SECOND
    assert robot.cycle() == 0.0
    assert stub.GetEpisodeInterval(Empty()) == LogInterval(start=start, end=last)
    assert robot.cycle() == 0.0


def test_a_robot_that_comes_back_finds_no_controller(robot, stub):
    robot.arrive()
    set_controller(robot, stub, Push(3.0))
    robot.arrive()
    assert robot.cycle() == 0.0
    assert stub.GetEpisodeInterval(Empty()) == LogInterval(start=-1, end=-1)


def test_without_cycles_a_new_controller_waits_and_holds_up_every_change(robot, stub):
    robot.arrive()
    robot.cycle()
    data = archive(Push(3.0))
    assert refusal(lambda: stub.SetController(chunks(data), timeout=1.0))[0] == "DEADLINE_EXCEEDED"
    assert refusal(lambda: stub.TerminateController(Empty(), timeout=0.5))[0] == "DEADLINE_EXCEEDED"
    assert robot.cycle() == 3.0  # it is there all the same, from the next cycle


def test_a_controller_that_fails_fails_the_cycle(robot, stub):
    class Broken(Push):
        def forward(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            if state["timestamp"][0].item() > 0:  # not when it is warmed up
                raise ValueError("no torque today")
            return {"joint_torques": state["joint_positions"]}

    robot.arrive()
    set_controller(robot, stub, Broken(0.0))
    state = RobotState(joint_positions=[0.0] * 7, joint_velocities=[0.0] * 7)
    state.timestamp.seconds = 5
    code, message = refusal(lambda: stub.ControlUpdate(state))
    assert code == "CANCELLED" and "no torque today" in message


def test_streamed_states_begin_at_the_newest_and_come_in_order(robot, stub):
    robot.arrive()
    robot.cycle(7)
    stream = stub.GetRobotStateStream(Empty(), timeout=TIMEOUT_S)
    robot.while_cycling(lambda: [next(stream) for _ in range(5)])
    stream.cancel()


@pytest.mark.parametrize("call", ["GetRobotState", "GetRobotClientMetadata", "GetEpisodeInterval"])
def test_lost_calls_fail_as_those_to_a_server_out_of_reach(robot, stub, call):
    robot.arrive()
    robot.cycle()
    robot.faults.lose_calls(60.0)
    assert refusal(lambda: getattr(stub, call)(Empty()))[0] == "UNAVAILABLE"
    robot.faults.lose_calls(0.0)
    getattr(stub, call)(Empty())


def test_cut_streams_end_and_new_ones_begin(robot, stub):
    robot.arrive()
    stream = stub.GetRobotStateStream(Empty(), timeout=TIMEOUT_S)
    robot.while_cycling(lambda: next(stream))
    robot.faults.cut_streams()
    assert refusal(lambda: list(stream))[0] == "UNAVAILABLE"
    stream = stub.GetRobotStateStream(Empty(), timeout=TIMEOUT_S)
    robot.while_cycling(lambda: next(stream))
    stream.cancel()


def test_controllers_are_refused_where_that_is_asked_for(robot, stub):
    robot.arrive()
    robot.faults.refuse_controllers("Unsupported operator")
    assert "Unsupported operator" in refusal(lambda: set_controller(robot, stub, Push(1.0)))[1]
