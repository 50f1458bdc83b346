"""A Franka Panda behind an unmodified Polymetis server, over gRPC: set-points out, states in, and what goes wrong.

The controller that runs in the server is ours (`muse_ros.polymetis.controllers`): it goes through the set-points at
1 kHz and holds when they cease, so nothing here is hurried. Between `start` and `stop` it has the arm; otherwise the
server's own default controller does. Making a driver imports torch. Must not import rclpy.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from muse_core.control.kinematics import PandaKinematics
from muse_core.control.state import RobotState, SetPoint
from muse_ros.arm.drivers.driver import DriverError, DriverSettings, StaleState
from muse_ros.arm.drivers.polymetis_hand import LedHand
from muse_ros.arm.drivers.polymetis_state import MeasuredStates, robot_state
from muse_ros.polymetis.arm_client import ArmClient
from muse_ros.polymetis.arm_state import RobotMetadata
from muse_ros.polymetis.controllers import gravity_compensation, joint_impedance
from muse_ros.polymetis.errors import PolymetisError
from muse_ros.polymetis.set_point_sender import SetPointSender
from muse_ros.polymetis.set_points import SetPointArchive, sign_of_life
from muse_ros.polymetis.state_reader import StateReader
from muse_ros.polymetis.urdf_chain import SAME_ARM, largest_difference

FRESH_WITHIN_S = 3.0
"""A server that has just been connected to brings new states within this time; one that comes back, too."""
GUIDE_WATCH_S = 0.5
LEADERS = 2**53
"""Numbers that travel unchanged: each driver has one, by which its controllers know its set-points."""
NOT_OURS, FLOATING = "the server's own", "gravity compensation"
UNANSWERED = "its server does not answer: the network is cut, or the server's computer is off or hangs"
NOT_IN_ITS_LOOP = (
    "its control loop has stopped: a reflex, the user stop, closed brakes, or the robot client has ended; clear what "
    "stopped it, wait until its light is blue again"
)


class PolymetisDriver:
    """The arm of one Polymetis server, and its hand where `hand_port` is not 0.

    Args:
        settings: Where the server is, how stiff the arm is to be.

    Raises:
        DriverError: if no server with an arm of seven joints is there.
    """

    def __init__(self, settings: DriverSettings) -> None:
        server = settings.polymetis
        if not server.robot_ip:
            raise DriverError("robot:=polymetis needs robot_ip:=ADDRESS, of the computer that runs the arm's server")
        self._settings, self._server = settings, server
        self._kinematics = PandaKinematics()
        self._leader = secrets.randbelow(LEADERS)
        self._client = ArmClient(f"{server.robot_ip}:{server.robot_port}")
        try:
            self._take_in(self._client.metadata())
        except (PolymetisError, ValueError, DriverError) as error:
            self._client.close()
            raise DriverError(str(error)) from error
        self._reader = StateReader(self._client)
        self._measured = MeasuredStates(self._reader, self._kinematics)
        self._reader.start()
        self._sender = SetPointSender(self._client, SetPointArchive(self._leader))
        self._sign = sign_of_life()
        self._hand = LedHand(server)
        self._controller = NOT_OURS
        self._watched_s = 0.0
        self._along_s = 0.0
        self._put_at_s = 0.0
        self._put_stamp_ns: int | None = None
        self._cached: RobotState | None = None

    def start(self) -> None:
        """Have our controller take the arm over, from where it is measured.

        Raises:
            DriverError: where no new state comes, or the server refuses.
        """
        self._lead()

    def stop(self) -> None:
        """Leave the arm to the server's default controller, which holds it where it then is.

        Raises:
            DriverError: where the server cannot be told; our controller holds the arm there too.
        """
        self._sender.end()
        self._hand.release()
        leading, self._controller = self._controller != NOT_OURS, NOT_OURS
        # While the robot client is away the server would hang; once it is back after a second, ours has ended anyway.
        if not leading or self._reader.age_s() > self._settings.hold_after_s:
            return
        try:
            self._client.terminate()
        except PolymetisError as error:
            if error.kind != "no_controller":
                raise DriverError(str(error)) from error

    def read(self) -> RobotState:
        """What the arm measures now, stamped by this computer's clock. With a fault its hand is left alone.

        Raises:
            StaleState: where new states, or answers to set-points, have ceased for `hold_after_s`.
            DriverError: where they have for `stop_after_s`, or the arm tells of an error or of what cannot be.
        """
        try:
            return self._read()
        except StaleState:
            raise
        except DriverError:
            self._hand.release()
            self._watched_s = math.inf  # an arm that floats does not float on for long
            raise

    def _read(self) -> RobotState:
        age_s, newest = self._reader.age_s(), self._reader.newest()
        self._judge(age_s, f"no new state of the arm for {age_s:.2f} s", self._why_silent)
        behind_s = self._sender.behind_s()
        self._judge(behind_s, f"the server has taken no set-point for {behind_s:.2f} s", self._why_not_taken)
        if newest.state.error_code:
            raise DriverError(f"the arm tells of error {newest.state.error_code}: a reflex; {NOT_IN_ITS_LOOP}")
        if not np.isfinite([newest.state.q, newest.state.qdot, newest.state.torques_external]).all():
            raise DriverError("the arm's state is not finite; look at what the robot client says")
        self._watch_guide()
        self._hand.look()
        if self._cached is None or self._cached.stamp_ns != newest.stamp_ns:
            self._cached = robot_state(newest, self._kinematics, self._hand.width_m)
        return self._cached

    def measured(self) -> list[RobotState]:
        """What the arm measured since this was last asked, 100 a second or more."""
        return self._measured.take(self._hand.width_m)

    def send(self, set_point: SetPoint, period_s: float) -> None:
        """Have the controller go through a set-point, at `set_point_rate_hz`, or at once where an action begins.

        Raises:
            DriverError: where the controller has ended, or refused a set-point.
        """
        error = self._sender.error
        if error is not None and error.kind in ("no_controller", "refused"):
            self._hand.release()
            raise DriverError(str(error))
        self._along_s += period_s
        begins = set_point.action_stamp_ns != self._put_stamp_ns
        if begins or self._along_s - self._put_at_s > 1.0 / self._settings.set_point_rate_hz - 0.5 * period_s:
            self._put_at_s, self._put_stamp_ns = self._along_s, set_point.action_stamp_ns
            self._sender.put(set_point.position, set_point.velocity, self._along_s)
        self._hand.command(set_point.gripper_width)

    def guide(self, on: bool) -> None:
        """Let the arm float under its own gravity compensation, or hold it again where it is measured.

        Raises:
            DriverError: where the server refuses.
        """
        if not on:
            self._lead()
            return
        try:
            self._lead(guiding=True)
        except DriverError:  # the controller of before runs on; where it does not, the next set-point will tell
            self._stream()
            raise

    def recover(self) -> None:
        """Begin again with a controller of ours; the arm's own reflex is released by the robot client by itself.

        Raises:
            DriverError: where the arm is not back yet.
        """
        self._lead()

    def report(self) -> dict[str, str]:
        """Connection, delays and the server's clock."""
        clock, (median_ms, slow_ms) = self._reader.server_clock, self._sender.delays_ms()
        drift = clock.drift_ppm
        return {
            "server": f"{self._client.address}, Polymetis {self._metadata.version or 'of no named version'}",
            "controller": self._controller,
            "state age [ms]": f"{1e3 * self._reader.age_s():.1f}",
            "server lost": str(self._reader.losses),
            "server clock behind [ms]": f"{clock.offset_ns * 1e-6:.2f}" if clock.known else "not known",
            "server clock drift [ppm]": "not known" if drift is None else f"{drift:.1f}",
            "set-points taken": str(self._sender.sent),
            "set-points left out": str(self._sender.left_out),
            "set-point delay p50, p99 [ms]": f"{median_ms:.2f}, {slow_ms:.2f}",
            "hand": self._hand.report(),
        }

    def close(self) -> None:
        """Leave the arm to the server, and let go of it. Safe to call twice."""
        with suppress(DriverError):
            self.stop()
        self._hand.close()
        self._sender.close()
        self._client.close()  # before the reader, which a call that waits for its deadline would hold up
        self._reader.close()

    def _take_in(self, found: RobotMetadata) -> None:
        """Make the controllers for this arm, if it is a Panda."""
        apart = largest_difference(found.urdf, self._kinematics, found.ee_link)
        if apart > SAME_ARM:
            text = f"its URDF and Muse's kinematics differ by {apart:.1e} m or rad: this is no Panda that Muse knows"
            raise DriverError(f"{self._client.address}: {text}; the safety filter would judge poses that it is not in")
        stiffness, damping = self._server.stiffness or found.Kq, self._server.damping or found.Kqd
        self._impedance = joint_impedance(stiffness, damping, hz=found.hz, leader=self._leader)
        self._floating = gravity_compensation(found.Kqd, hz=found.hz)
        self._metadata = found

    def _lead(self, guiding: bool = False) -> None:
        """Set a controller once new states come: the server would hang without them, and the arm's pose is unknown."""
        self._sender.end()
        self._await_states()
        self._hand.begin()
        try:
            found = self._client.metadata()
            if str(found) != str(self._metadata):  # another arm, or another configuration, since the last time
                self._take_in(found)
            self._client.set_controller(self._floating if guiding else self._impedance)
        except (PolymetisError, ValueError) as error:
            raise DriverError(str(error)) from error
        self._controller = FLOATING if guiding else "joint impedance"
        self._watched_s = time.monotonic()
        if not guiding:
            self._stream()

    def _stream(self) -> None:
        self._along_s = self._put_at_s = 0.0
        self._put_stamp_ns = None
        self._sender.begin()

    def _await_states(self) -> None:
        end_s = time.monotonic() + FRESH_WITHIN_S
        while self._reader.age_s() > self._settings.hold_after_s:
            newest = self._reader.newest()
            left_s = end_s - time.monotonic()
            if left_s <= 0.0:
                raise DriverError(f"no new state of the arm in {FRESH_WITHIN_S:g} s: {self._why_silent()}")
            self._reader.wait_newer(0 if newest is None else newest.stamp_ns, left_s)

    def _judge(self, silent_s: float, what: str, why: Callable[[], str]) -> None:
        if silent_s > self._settings.stop_after_s:
            raise DriverError(f"{what}: {why()}")
        if silent_s > self._settings.hold_after_s:
            raise StaleState(f"{what}: {why()}")

    def _why_silent(self) -> str:
        unanswered = self._reader.unanswered_s() > 0.5 * self._settings.hold_after_s
        return str(self._reader.error or (UNANSWERED if unanswered else NOT_IN_ITS_LOOP))

    def _why_not_taken(self) -> str:
        return str(self._sender.error or "it has not answered yet")

    def _watch_guide(self) -> None:
        """Tell the controller, which ends without that, that somebody watches; while it floats nothing else is sent."""
        if self._controller != FLOATING or time.monotonic() - self._watched_s < GUIDE_WATCH_S:
            return
        self._watched_s = time.monotonic()
        try:
            self._client.update(self._sign)
        except PolymetisError as error:
            if error.kind in ("no_controller", "refused"):  # else the server is lost: new states cease too
                raise DriverError(f"the controller that let the arm float has ended: {error}") from error
