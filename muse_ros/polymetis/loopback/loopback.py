"""The loopback server as a whole: the arm's and the hand's services, the simulated arm behind them, and the scene's.

With `attach` it has no services of its own for arm and hand: the simulated arm goes to a server that runs elsewhere, as
the real arm's clients do. Must not import ROS.
"""

from __future__ import annotations

import threading
import time
from concurrent import futures
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import grpc

from muse_ros.polymetis.loopback.faults import Faults
from muse_ros.polymetis.loopback.hand_server import HandServicer
from muse_ros.polymetis.loopback.robot_client import LARGEST_LAG_ELSEWHERE_S, LARGEST_LAG_S, RobotClient
from muse_ros.polymetis.loopback.robot_metadata import VERSION, robot_metadata
from muse_ros.polymetis.loopback.server import ArmServicer
from muse_ros.polymetis.loopback.torque_arm import TorqueArm
from muse_ros.polymetis.messages import ARM_SERVICE, HAND_SERVICE, Stub, service_handler

WORKERS = 32
"""Calls at a time: each stream of states takes one for good."""


@dataclass(frozen=True)
class Settings:
    """What the loopback server is.

    Attributes:
        task: The simulated task.
        seed: Of the objects' places.
        wide: Spread the objects wider.
        host: The address that it listens on.
        port: Of the arm's service; 0: a free one.
        hand_port: Of the hand's.
        scene_port: Of the scene's.
        attach: HOST:PORT of an arm's server elsewhere; empty: it serves itself.
        attach_hand: HOST:PORT of a hand's server elsewhere.
        version: Polymetis' version that the arm tells.
        joints: How many joints the arm tells it has.
        clock_offset_s: By how much the server's clock is ahead of this computer's [s].
        clock_drift_ppm: By how much it runs faster [parts per million].
    """

    task: str = "lift"
    seed: int = 0
    wide: bool = False
    host: str = "127.0.0.1"
    port: int = 0
    hand_port: int = 0
    scene_port: int = 0
    attach: str = ""
    attach_hand: str = ""
    version: str = VERSION
    joints: int = 7
    clock_offset_s: float = 0.0
    clock_drift_ppm: float = 0.0


class Loopback:
    """Serves from `start` until `stop`.

    Args:
        settings: What it is.

    Raises:
        ValueError: on an unknown task.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.arm = TorqueArm(settings.task, settings.seed, settings.wide)
        self._metadata = robot_metadata(settings.version, settings.joints)
        self._began_ns = time.time_ns()
        lag_s = LARGEST_LAG_ELSEWHERE_S if settings.attach else LARGEST_LAG_S
        self.robot = RobotClient(self.arm, self.server_ns, lag_s)
        self.faults = Faults()
        self.addresses: dict[str, str] = {}
        self._serving = ExitStack()
        self._changing = threading.Lock()

    def server_ns(self) -> int:
        """The time by the clock of the server's computer [ns]."""
        now_ns = time.time_ns()
        drift_ns = (now_ns - self._began_ns) * self._settings.clock_drift_ppm * 1e-6
        return now_ns + round(self._settings.clock_offset_s * 1e9 + drift_ns)

    def start(self) -> None:
        """Serve, and let the arm come to the server.

        Raises:
            RuntimeError: where a port is taken.
        """
        settings = self._settings
        self.faults.serving = True
        arm = self._side(
            "arm", ARM_SERVICE, ArmServicer(self.faults, stamp_ns=self.server_ns), settings.attach, settings.port
        )
        hand = self._side("hand", HAND_SERVICE, HandServicer(self.faults), settings.attach_hand, settings.hand_port)
        self.robot.start(arm, self._metadata, hand)

    def stop(self) -> None:
        """End the services and the arm's loop; calls that wait end. Safe to call twice."""
        self.faults.serving = False
        self.robot.stop()
        self._serving.close()

    def restart(self, for_s: float = 1.0) -> None:
        """Go down, and come back at the same addresses after so long [s], remembering nothing."""
        with self._changing:
            self.stop()
            time.sleep(for_s)
            self.start()

    def statistics(self) -> dict[str, Any]:
        """How the 1 kHz loop goes."""
        return asdict(self.robot.figures)

    def _side(self, name: str, service: str, servicer: Any, attach: str, port: int) -> Any:
        if attach:
            self.addresses[name] = attach
            return Stub(self._serving.enter_context(grpc.insecure_channel(attach)), service)
        taken = self.addresses.get(name, f"{self._settings.host}:{port}")
        server, self.addresses[name] = serve(service_handler(service, servicer), taken)
        self._serving.callback(lambda: server.stop(0).wait())
        return servicer


def serve(handler: Any, address: str, workers: int = WORKERS) -> tuple[grpc.Server, str]:
    """A running gRPC server, and the address at which it is.

    Args:
        handler: Of its service.
        address: HOST:PORT; port 0 takes a free one.
        workers: Calls at a time.

    Raises:
        RuntimeError: where the port is taken.
    """
    server = grpc.server(futures.ThreadPoolExecutor(workers), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port(address)
    server.start()
    return server, f"{address.rpartition(':')[0]}:{port}"
