"""The hand of an arm behind a Polymetis server: told what is new, judged by its states, left alone with a fault.

Must not import rclpy or torch.
"""

from __future__ import annotations

import time

from muse_ros.arm.drivers.driver import DriverError
from muse_ros.arm.drivers.polymetis_settings import PolymetisSettings
from muse_ros.polymetis.hand import Hand, HandSettings
from muse_ros.polymetis.hand_client import HandClient

WIDTH_CHANGED_M = 0.001
HAND_LOST_S = 2.0
LOOK_S = 0.01
"""While its first state is waited for."""


class LedHand:
    """The hand of one arm; none where `hand_port` is 0. Used in the control loop's thread, but for `report`.

    Args:
        settings: Where its server is, how it moves.

    Attributes:
        width_m: Opening between the fingers [m].
    """

    def __init__(self, settings: PolymetisSettings) -> None:
        self.width_m = 0.0
        self._asked_m: float | None = None
        self._well_s = time.monotonic()
        self._hand: Hand | None = None
        if settings.hand_port:
            self._client = HandClient(f"{settings.robot_ip}:{settings.hand_port}")
            self._hand = Hand(self._client, HandSettings(speed_m_s=settings.hand_speed, force_n=settings.hand_force))
            self._hand.start()

    def begin(self) -> None:
        """Have it keep what it holds until another width is commanded.

        Raises:
            DriverError: where it was never heard: how far it is open is not known.
        """
        self._asked_m, self._well_s = None, time.monotonic()
        if self._hand is None:
            return
        while self._hand.state() is None:
            if time.monotonic() - self._well_s > HAND_LOST_S:
                raise self._lost(self._hand.error or "it does not answer")
            time.sleep(LOOK_S)

    def look(self) -> None:
        """Read it into `width_m`.

        Raises:
            DriverError: where it is lost.
        """
        if self._hand is None:
            return
        state, error, now_s = self._hand.state(), self._hand.error, time.monotonic()
        self.width_m = self.width_m if state is None else state.width_m
        self._well_s = now_s if error is None else self._well_s
        if now_s - self._well_s > HAND_LOST_S:
            raise self._lost(error)

    def command(self, width_m: float) -> None:
        """Tell it what is new; at the start it keeps what it holds."""
        if self._hand is None:
            return
        if self._asked_m is None:
            self._asked_m = width_m
        elif abs(width_m - self._asked_m) > WIDTH_CHANGED_M:
            self._asked_m = width_m
            self._hand.command(width_m)

    def release(self) -> None:
        """Want nothing of it any more: one that comes back must not move by itself."""
        if self._hand is not None:
            self._hand.release()

    def report(self) -> str:
        """How it is, in words; from any thread."""
        return "none" if self._hand is None else str(self._hand.error or "ready")

    def close(self) -> None:
        """Let go of it; the fingers stay as they are. Safe to call twice."""
        if self._hand is not None:
            self._hand.close()
            self._client.close()

    def _lost(self, error: object) -> DriverError:
        return DriverError(f"the hand is lost: {error}; without a hand, set hand_port:=0")
