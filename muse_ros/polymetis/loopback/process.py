"""The loopback server as a child process, and a client of its scene: for the `sim_server` node, tests and benchmarks.

It imports neither torch nor MuJoCo: these are the child's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any

import grpc

SCENE_SERVICE, SCENE_METHOD = "MuseLoopbackScene", "Ask"


class LoopbackError(RuntimeError):
    """The loopback server did not start, or does not answer; the message says what to do."""


class LoopbackProcess:
    """A loopback server of one's own, on free ports; it ends with us. A context manager.

    Args:
        arguments: Of ``python -m muse_ros.polymetis.loopback``, such as ``"--task", "lift"``.

    Raises:
        LoopbackError: when it does not start; what it said is on stderr.

    Attributes:
        arm: HOST:PORT of the arm's service.
        hand: HOST:PORT of the hand's.
        scene: A client of its scene.
    """

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "muse_ros.polymetis.loopback", "--follow_stdin", *arguments]
        # A session of its own: a Ctrl-C is for us, and we end it when nothing needs it any more.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            raise LoopbackError(f"the loopback server ended with status {status}; to see why: {' '.join(command)}")
        addresses = json.loads(line)
        self.arm, self.hand = addresses["arm"], addresses["hand"]
        self.scene = SceneClient(addresses["scene"])

    def has_ended(self, within_s: float = 1.0) -> bool:
        """Whether it has ended, or does so in this time [s]: connections break a moment before the process is gone."""
        try:
            self._process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End it at once, as a computer that loses its power."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it in good order. Safe to call twice."""
        self.scene.close()
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20.0)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process.stdout.close()

    def __enter__(self) -> LoopbackProcess:
        """Itself, started."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.close()


class SceneClient:
    """Asks a loopback server about its scene, and for faults.

    Args:
        address: HOST:PORT of the scene's service.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._channel = grpc.insecure_channel(address)
        self._ask = self._channel.unary_unary(f"/{SCENE_SERVICE}/{SCENE_METHOD}")

    def ask(self, verb: str, timeout_s: float = 10.0, **arguments: Any) -> Any:
        """Do something: ``reset(seed)``, ``snapshot()``, ``statistics()``, or a fault.

        Faults: ``reflex(for_s, reason)``, ``restart(for_s)``, ``delay(latency_s, jitter_s)``, ``stall_streams(for_s)``,
        ``cut_streams()``, ``lose_calls(for_s)``, ``refuse_controllers(text)``.

        Args:
            verb: Which.
            timeout_s: For the answer [s].
            arguments: Its arguments.

        Raises:
            LoopbackError: when the server refuses, or does not answer in time.
        """
        try:
            return json.loads(self._ask(json.dumps({"verb": verb, **arguments}).encode(), timeout=timeout_s))
        except grpc.RpcError as error:
            raise LoopbackError(f"the loopback server's scene at {self.address}: {error.details()}") from error

    def close(self) -> None:
        """Let go of the connection. Safe to call twice."""
        self._channel.close()
