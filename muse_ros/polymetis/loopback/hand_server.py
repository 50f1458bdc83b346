"""The hand's service as Polymetis' gripper server answers it: it keeps the newest command, and the newest state."""

from __future__ import annotations

from typing import Any

from muse_ros.polymetis.loopback.faults import Faults
from muse_ros.polymetis.messages import Empty, GripperCommand, GripperState


class HandServicer:
    """Passes commands to the hand's own client, which comes to fetch them, and its states back.

    Args:
        faults: What goes wrong between this server and its users.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self._faults = faults or Faults()
        self._metadata = None  # which gRPC cannot send: until a hand comes, the call for it fails, as at the original
        self._state, self._command = GripperState(), GripperCommand()

    def InitRobotClient(self, request: Any, context: Any = None) -> Any:
        """A hand introduces itself."""
        self._metadata = request
        return Empty()

    def ControlUpdate(self, request: Any, context: Any = None) -> Any:
        """The hand says how it is, and hears the newest command, which it may have heard before."""
        self._state = request
        return self._command

    def GetRobotClientMetadata(self, request: Any, context: Any) -> Any:
        """What the hand is."""
        self._faults.strike(context)
        return self._metadata

    def GetState(self, request: Any, context: Any) -> Any:
        """The newest state, however old."""
        self._faults.strike(context)
        return self._state

    def Goto(self, request: Any, context: Any) -> Any:
        """Keep a command: only the newest is ever carried out."""
        self._faults.strike(context)
        self._command = request
        return Empty()
