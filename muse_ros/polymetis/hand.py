"""A gripper that takes one command at a time, behind a wanted width that may change at any rate.

The hand's own client takes the newest command, but only while the fingers stand still, and a movement cannot be broken
off. So commands are sent where the wanted width changed by enough, not too often, and without anybody waiting for
them. Closing is grasping: a `move` that meets an object lets go of it, and may end the hand's client with an exception,
a `grasp` keeps its force; where it meets nothing it may end further closed than was wanted. Must not import ROS or
torch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from muse_ros.polymetis.errors import PolymetisError
from muse_ros.polymetis.hand_client import HandCommand, HandState

RETRY_S = 0.1
FINE_M, SETTLED_S = 0.0005, 0.2
"""A width that is wanted for so long is gone to exactly, however small the step is: it may just meet an object."""
BLOCKED_M = 0.001
"""A grasp that ends this far above its width was ended by an object."""


@dataclass(frozen=True)
class HandSettings:
    """How the hand moves.

    Attributes:
        speed_m_s: How fast the fingers move [m/s].
        force_n: What they hold with [N]; with 0 they never grasp, they only go to widths.
        step_m: While the wanted width changes, it must by this much before another command is sent [m].
        interval_s: Commands are at least this far apart [s].
        stale_s: A state older than this means that the hand is lost [s].
    """

    speed_m_s: float = 0.1
    force_n: float = 20.0
    step_m: float = 0.004
    interval_s: float = 0.1
    stale_s: float = 1.0


class HandCommands:
    """Decides what to send to the hand, and when. Pure: time comes in as an argument.

    Args:
        settings: How it moves.
    """

    def __init__(self, settings: HandSettings) -> None:
        self._settings = settings
        self._sent: HandCommand | None = None
        self._set_to_m: float | None = None  # what the hand was told; before that, where it was found
        self._steady_m, self._steady_s = 0.0, 0.0  # what is wanted, and since when
        self._sent_s = -settings.interval_s

    def decide(self, width_m: float, state: HandState, now_s: float) -> HandCommand | None:
        """The command to send now; None where the hand does what is wanted already.

        Args:
            width_m: The opening that is wanted [m].
            state: The hand's newest state.
            now_s: The time [s].
        """
        if self._set_to_m is None:
            self._set_to_m = state.width_m
        if abs(width_m - self._steady_m) > FINE_M:
            self._steady_m, self._steady_s = width_m, now_s
        change_m = width_m - self._set_to_m
        settled = now_s - self._steady_s >= SETTLED_S
        if abs(change_m) < (FINE_M if settled else self._settings.step_m):
            return None
        if now_s - self._sent_s < self._settings.interval_s:
            return None
        if self._holds(state) and width_m < state.width_m and (change_m > 0 or not settled):
            return None
        closing = change_m < 0 and self._settings.force_n > 0
        self._sent_s = now_s
        self._set_to_m = max(0.0, width_m)
        self._sent = HandCommand(self._set_to_m, self._settings.speed_m_s, self._settings.force_n, closing)
        return self._sent

    def forget(self) -> None:
        """The last command may not have come through: judge by where the fingers are."""
        self._sent, self._set_to_m = None, None

    def _holds(self, state: HandState) -> bool:
        """Whether an object is between the fingers.

        To `move` lets go of it; to close further grips it again, which is done once, when the width has settled: what
        ended the grasp may have been nothing.
        """
        sent = self._sent
        stands = state.is_grasped and not state.is_moving
        return sent is not None and sent.grasp and stands and state.width_m > sent.width_m + BLOCKED_M


class HandLike(Protocol):
    """What of :class:`muse_ros.polymetis.hand_client.HandClient` is needed here."""

    def state(self) -> HandState:
        """The newest state."""

    def send(self, command: HandCommand) -> None:
        """Leave a command at the server."""


class Hand:
    """A hand that follows the newest width it was told, in a thread of its own. Nobody waits for it.

    Args:
        client: The hand's client.
        settings: How it moves.
        rate_hz: How often its state is read and the wanted width is looked at.
        monotonic: A clock that is never set [s].
    """

    def __init__(
        self,
        client: HandLike,
        settings: HandSettings | None = None,
        rate_hz: float = 30.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._monotonic = client, monotonic
        self.settings = settings or HandSettings()
        self._commands = HandCommands(self.settings)
        self._period_s = 1 / rate_hz
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._wanted_m: float | None = None
        self._state: HandState | None = None
        self._new_s = -float("inf")  # when the newest state was first seen
        self._error: PolymetisError | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to read and to follow. Errors do not come from here; see :attr:`error`."""
        self._thread = threading.Thread(target=self._run, name="hand", daemon=True)
        self._thread.start()

    def command(self, width_m: float) -> None:
        """Want an opening [m]. Returns at once; from any thread, as often as one likes."""
        with self._lock:
            self._wanted_m = width_m

    def release(self) -> None:
        """Want nothing any more: the fingers stay as they are."""
        with self._lock:
            self._wanted_m = None

    def state(self) -> HandState | None:
        """The newest state; None before one came. See :meth:`age_s`."""
        with self._lock:
            return self._state

    def age_s(self) -> float:
        """How long ago a new state came [s]; infinite where none did."""
        with self._lock:
            return self._monotonic() - self._new_s

    @property
    def error(self) -> PolymetisError | None:
        """What went wrong with the newest call, or that the hand's states ceased; None where all is well."""
        age_s = self.age_s()
        with self._lock:
            if self._error is None and self._state is not None and age_s > self.settings.stale_s:
                text = f"the hand's newest state is {age_s:.1f} s old; is its client running?"
                return PolymetisError("no_robot", text)
            return self._error

    def close(self) -> None:
        """Stop following; the fingers stay as they are. Safe to call twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._turn()
                wait_s = self._period_s
            except PolymetisError as error:
                self._commands.forget()
                with self._lock:
                    self._error = error
                wait_s = RETRY_S
            self._stop.wait(wait_s)

    def _turn(self) -> None:
        state, now_s = self._client.state(), self._monotonic()
        with self._lock:
            if self._state is None or state.stamp_ns != self._state.stamp_ns:
                self._new_s = now_s
            self._state, self._error, wanted_m = state, None, self._wanted_m
        if wanted_m is not None and (command := self._commands.decide(wanted_m, state, now_s)):
            self._client.send(command)
