"""Sends set-points to a running controller in a thread of its own, in order, the newest only where the server lags.

The control loop hands each over and goes on: a call that waits for the network must not keep it. Each says how far
along the motion it lies after the one sent before it, so what is left out takes no motion away. Must not import ROS or
torch.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from muse_ros.polymetis.controller_limits import LONGEST_DURATION_S
from muse_ros.polymetis.errors import PolymetisError

YIELD_S = 2e-5
"""Given to the sender's thread, which else would wait until the caller has done all else that it has to do."""
KEPT = 500
"""Delays are told of so many set-points: 10 s of 50 Hz."""


class Packer(Protocol):
    """What of :class:`muse_ros.polymetis.set_points.SetPointArchive` is needed here."""

    def pack(self, position: np.ndarray, velocity: np.ndarray, duration_s: float, number: int) -> bytes:
        """The archive of one set-point."""


class Updatable(Protocol):
    """What of :class:`muse_ros.polymetis.arm_client.ArmClient` is needed here."""

    def update(self, archive: bytes) -> int:
        """Give the running controller new parameters."""


@dataclass(frozen=True)
class _Wanted:
    position: np.ndarray
    velocity: np.ndarray
    along_s: float
    given_s: float


class SetPointSender:
    """One stream of set-points, from `begin` to `end`, as often as one likes.

    Args:
        client: Of the arm.
        packer: Makes archives; used in the sender's thread alone.
        monotonic: A clock that is never set [s].

    Attributes:
        sent: How many set-points the server took.
        left_out: How many were not sent since a newer one came while the server had not answered yet.
    """

    def __init__(self, client: Updatable, packer: Packer, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client, self._packer, self._monotonic = client, packer, monotonic
        self._changed = threading.Condition()
        self._wanted: _Wanted | None = None
        self._behind_since_s = math.inf
        self._streaming = self._sending = self._closed = False
        self._error: PolymetisError | None = None
        self._number = 0
        self._along_s = 0.0
        self._delays_s: deque[float] = deque(maxlen=KEPT)
        self.sent = 0
        self.left_out = 0
        self._thread = threading.Thread(target=self._run, name="set-points", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """A controller has been set: set-points go to it from now on, the first from the beginning of the motion."""
        with self._changed:
            self._streaming, self._wanted, self._error = True, None, None
            self._along_s, self._behind_since_s = 0.0, math.inf

    def end(self) -> None:
        """Send nothing any more; returns when no call is under way, or the one that is has met its deadline."""
        with self._changed:
            self._streaming, self._wanted = False, None
            self._changed.wait_for(lambda: not self._sending)
            self._error, self._behind_since_s = None, math.inf

    def put(self, position: np.ndarray, velocity: np.ndarray, along_s: float) -> None:
        """Have a set-point sent; returns at once.

        Args:
            position: Of the joints [rad], shape (7,).
            velocity: With which they go through it [rad/s], shape (7,).
            along_s: How far it lies along the motion since `begin`; later than those before it [s].
        """
        with self._changed:
            if self._streaming:
                self.left_out += self._wanted is not None
                self._wanted = _Wanted(position, velocity, along_s, self._monotonic())
                self._changed.notify_all()
        time.sleep(YIELD_S)

    @property
    def error(self) -> PolymetisError | None:
        """Why the server did not take the newest set-point that was sent; None where it did."""
        with self._changed:
            return self._error

    def behind_s(self) -> float:
        """For how long the server has not taken what it was to be sent [s]; 0 where it takes everything."""
        with self._changed:
            return max(0.0, self._monotonic() - self._behind_since_s)

    def delays_ms(self) -> tuple[float, float]:
        """From `put` to the server's answer, of the last set-points: median and 99th percentile [ms]; 0 before any."""
        with self._changed:
            delays = np.array(self._delays_s) if self._delays_s else np.zeros(1)
        return float(np.percentile(delays, 50) * 1e3), float(np.percentile(delays, 99) * 1e3)

    def close(self) -> None:
        """End the thread. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted is not None or self._closed)
                if self._closed:
                    return
                wanted, self._wanted, self._sending = self._wanted, None, True
                self._behind_since_s = min(self._behind_since_s, wanted.given_s)
                duration_s = min(wanted.along_s - self._along_s, LONGEST_DURATION_S)
                self._along_s = wanted.along_s
                self._number += 1
            error = self._send(wanted, duration_s)
            with self._changed:
                self._sending, self._error = False, error
                if error is None:
                    self.sent += 1
                    self._delays_s.append(self._monotonic() - wanted.given_s)
                    self._behind_since_s = math.inf
                self._changed.notify_all()

    def _send(self, wanted: _Wanted, duration_s: float) -> PolymetisError | None:
        try:
            self._client.update(self._packer.pack(wanted.position, wanted.velocity, duration_s, self._number))
        except PolymetisError as error:
            return error
        except Exception as error:  # whatever it is: were this thread to end, nobody would notice, and `end` would hang
            return PolymetisError("refused", f"a set-point could not be sent: {type(error).__name__}: {error}")
        return None
