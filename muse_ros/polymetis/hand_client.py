"""The hand's side of a Polymetis server: its metadata, its state, and the one command that waits for it there.

Plain blocking calls with deadlines; what to send when is :mod:`muse_ros.polymetis.hand`'s matter. Must not import ROS
or torch.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from muse_ros.polymetis.errors import PolymetisError
from muse_ros.polymetis.link import Link
from muse_ros.polymetis.messages import HAND_SERVICE, Empty, GripperCommand


@dataclass(frozen=True)
class HandMetadata:
    """What the hand's client told the server about itself.

    Attributes:
        version: Polymetis' version; empty where it does not say.
        hz: How often it asks for a command, by its own word.
        max_width_m: Opening between the fingers at the most [m].
    """

    version: str
    hz: int
    max_width_m: float


@dataclass(frozen=True)
class HandState:
    """The hand as its client saw it last.

    Attributes:
        stamp_ns: When, by the clock of the computer that its client runs on [ns].
        width_m: Opening between the fingers [m].
        is_grasped: Whether it holds something, by its own judgement.
        is_moving: Whether a command is being carried out; others wait until it is done.
        command_successful: What became of the command before.
        error_code: 0 where there is none.
    """

    stamp_ns: int
    width_m: float
    is_grasped: bool
    is_moving: bool
    command_successful: bool
    error_code: int


@dataclass(frozen=True)
class HandCommand:
    """A command to the hand.

    Attributes:
        width_m: Opening between the fingers [m].
        speed_m_s: How fast they move [m/s].
        force_n: What they press with once they grasp [N].
        grasp: Close until something is met, and keep the force; else go to the width.
    """

    width_m: float
    speed_m_s: float
    force_n: float
    grasp: bool


class HandClient:
    """A client of one hand's server. Connects at the first call. Safe to use from several threads.

    Args:
        address: ``HOST:PORT``; Polymetis' port is 50052.
        timeout_s: Deadline of a call [s].
    """

    def __init__(self, address: str, timeout_s: float = 0.5) -> None:
        self.address = address
        self._timeout_s = timeout_s
        self._link = Link(address, HAND_SERVICE)
        self._sent_ns = 0

    def metadata(self) -> HandMetadata:
        """What the hand's side says of itself.

        Raises:
            PolymetisError: ``no_robot`` where no hand is at the server yet; ``unreachable``, ``late``.
        """
        found = self._link.call("GetRobotClientMetadata", Empty(), self._timeout_s)
        return HandMetadata(found.polymetis_version, found.hz, found.max_width)

    def state(self) -> HandState:
        """The newest state. It stays the newest after the hand is gone: look at its stamp.

        Raises:
            PolymetisError: ``no_robot`` where there never was one; ``unreachable``, ``late``.
        """
        found = self._link.call("GetState", Empty(), self._timeout_s)
        stamp_ns = found.timestamp.seconds * 1_000_000_000 + found.timestamp.nanos
        if not stamp_ns:
            text = "no hand ever talked to the server; is its client started?"
            raise PolymetisError("no_robot", f"{HAND_SERVICE} at {self.address}: GetState: {text}")
        successful, error = found.prev_command_successful, found.error_code
        return HandState(stamp_ns, found.width, found.is_grasped, found.is_moving, successful, error)

    def send(self, command: HandCommand) -> None:
        """Leave a command at the server, in place of one that was not begun yet.

        Raises:
            PolymetisError: ``unreachable``, ``late``.
        """
        stamp_ns = max(time.time_ns(), self._sent_ns + 1)
        if stamp_ns % 1_000_000_000 in (0, self._sent_ns % 1_000_000_000):  # the hand takes neither for new
            stamp_ns += 1
        self._sent_ns = stamp_ns
        message = GripperCommand(width=command.width_m, speed=command.speed_m_s, force=command.force_n)
        message.timestamp.FromNanoseconds(stamp_ns)
        message.grasp = command.grasp
        message.epsilon_inner = message.epsilon_outer = -1.0  # the hand's own: whatever is between the fingers will do
        self._link.call("Goto", message, self._timeout_s)

    def close(self) -> None:
        """Let go of the connection. Safe to call twice."""
        self._link.close()
