"""Any arm of the Panda's kinematics behind ros2_control: set-points go to a controller, joint states come back.

The driver reads and sends through :class:`JointTopics`, so that it knows nothing of ROS: ``muse_ros.nodes.arm.
joint_topics`` has the real ones. It sees what a topic can show: joint states that stop, a controller that nobody runs,
and an arm that does not go where it is told, for which a reflex and an inactive controller look the same. Must not
import rclpy.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from muse_core.control.kinematics import PandaKinematics
from muse_core.control.state import RobotState, SetPoint
from muse_ros.arm.drivers.driver import DriverError, DriverSettings, StaleState
from muse_ros.arm.drivers.joint_commands import LEAD, Cadence, HandGoals, braking
from muse_ros.arm.drivers.joint_link import JointTopics
from muse_ros.arm.drivers.joint_reader import JointReader
from muse_ros.arm.drivers.joint_settings import TRAJECTORY

LOOK_S = 0.01
"""While the first joint states are waited for."""
CATCH_UP_RAD_S = 2.0
"""An arm that was left behind, as by a controller that was inactive for a moment, comes after no faster than this."""
DISCOVERY_S = 2.0
"""A controller that runs has been found by then."""
LISTENERS_EVERY_NS = 1_000_000_000


class Ros2ControlDriver:
    """One arm with its hand, led through topics.

    Args:
        settings: `joints` and what concerns any real arm.
        topics: Of the arm; closed with the driver.
        now_ns: Our clock, that of stamps.
        steady_ns: The clock that never jumps.
        sleep: Blocks for a time [s].

    Raises:
        DriverError: if no usable joint states come within `connect_s`.
    """

    def __init__(
        self,
        settings: DriverSettings,
        topics: JointTopics,
        now_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._topics = settings.joints, topics
        self._hold_after_s, self._stop_after_s = settings.hold_after_s, settings.stop_after_s
        self._rate_hz = settings.set_point_rate_hz
        self._now_ns, self._steady_ns, self._sleep = now_ns, steady_ns, sleep
        self._kinematics = PandaKinematics()
        self._reader = JointReader(settings.joints.joints, settings.joints.fingers)
        self._state: RobotState | None = None
        self._told: RobotState | None = None
        self._recovery = "not asked yet"
        self._begin()
        try:
            self._await_states(self._settings.connect_s)
        except DriverError:
            topics.close()
            raise

    def start(self) -> None:
        """Begin to lead the arm; it stands under its controller until the first set-point is sent."""
        self._begin()
        self._await_states(self._stop_after_s)
        self._await_listeners()

    def stop(self) -> None:
        """Nothing: the last trajectory ends at rest, and the controller holds there."""

    def read(self) -> RobotState:
        """What the arm measures now, stamped by our clock."""
        for message, received_ns in self._topics.taken():
            steady_ns = self._steady_ns()
            waited_ns = min(max(0, self._now_ns() - received_ns), 10**10)  # since it arrived; less where clocks jumped
            self._reader.hear(message, received_ns, steady_ns - waited_ns)
        age_s = self._reader.age_s(self._steady_ns())
        if age_s > self._stop_after_s:
            raise DriverError(self._silence(age_s) + "; is the arm's ros2_control running, and its network up?")
        if age_s > self._hold_after_s:
            raise StaleState(self._silence(age_s))
        if self._state is None or self._state.stamp_ns != self._reader.stamp_ns:
            self._state = self._now()
        return self._state

    def measured(self) -> list[RobotState]:
        """The newest state where it is new; the arm's stack publishes each of them by itself."""
        before, self._told = self._told, self._state
        return [] if self._state is None or self._state is before else [self._state]

    def send(self, set_point: SetPoint, period_s: float) -> None:
        """Send a set-point, where it is one's turn at the rate of set-points; the hand's where that has changed."""
        steady_ns = self._steady_ns()
        self._check_following(steady_ns)
        if steady_ns - self._looked_ns > LISTENERS_EVERY_NS:
            self._check_listeners()
        if self._cadence.due(set_point, steady_ns, period_s):
            self._send_arm(set_point)
            self._sent, self._sent_count = set_point, self._sent_count + 1
        if self._settings.gripper != "none":
            width_m = self._hand.next(set_point.gripper_width, self._topics.hand_busy(), steady_ns)
            if width_m is not None:
                self._topics.ask_hand(width_m)

    def guide(self, on: bool) -> None:
        """Refuse: which of an arm's controllers lets it float is not known here."""
        if on:
            raise DriverError(
                "robot ros2_control cannot let the arm float: deactivate node panda, then switch to the arm's own "
                "gravity compensation with `ros2 control switch_controllers`"
            )

    def recover(self) -> None:
        """Have the arm's stack release its reflex where `recovery` says how; then see that the arm can be led.

        A stack refuses where there is no reflex, so a refusal alone is no failure: an arm that still does not follow is
        found out at the next motion.
        """
        if not self._settings.recovery:
            self.start()
            return
        self._recovery = self._topics.recover() or "done"
        try:
            self.start()
        except DriverError as error:
            raise DriverError(f"{error} ({self._settings.recovery}: {self._recovery})") from error

    def report(self) -> dict[str, str]:
        """Age and clock of the joint states, who listens, how well the arm follows, the hand."""
        reader, sent = self._reader, self._sent
        following = "none sent" if sent is None else f"{np.abs(reader.q - sent.position).max():.3f}"
        return {
            "joint states age [ms]": f"{1e3 * reader.age_s(self._steady_ns()):.1f}",
            "joint states heard": str(reader.count),
            "joint states refused": str(reader.refused),
            "joint states stamped before arrival [ms]": f"{1e-6 * reader.clock_difference_ns:.1f}",
            "controller's topic": f"{self._settings.commands}, {self._topics.listeners()} listening",
            "set-points sent": str(self._sent_count),
            "following error [rad]": following,
            "recovery": self._recovery,
            "hand": self._topics.hand_report() if self._settings.gripper != "none" else "not commanded",
        }

    def close(self) -> None:
        """Let go of the topics."""
        self._topics.close()

    def _begin(self) -> None:
        """Forget what was sent before."""
        trajectory = self._settings.controller == TRAJECTORY
        self._joined = trajectory and self._settings.from_set_point
        self._cadence = Cadence(self._rate_hz, at_once=not self._joined)
        self._hand = HandGoals(self._settings.gripper_largest_m)
        self._sent: SetPoint | None = None
        self._sent_count = 0
        self._far_since_ns: int | None = None
        self._looked_ns = self._steady_ns()

    def _send_arm(self, set_point: SetPoint) -> None:
        if self._settings.controller != TRAJECTORY:
            self._topics.send_position(set_point.position)
            return
        interval_s = 1.0 / self._rate_hz
        # A trajectory that begins with the last set-point has to end its way to this one when the next begins there.
        if self._joined:
            points = braking(set_point, interval_s, self._sent)
        else:
            distance = float(np.abs(self._reader.q - set_point.position).max())
            points = braking(set_point, max(LEAD * interval_s, distance / CATCH_UP_RAD_S), None)
        self._topics.send_trajectory(points)

    def _now(self) -> RobotState:
        reader = self._reader
        position, orientation = self._kinematics.forward(reader.q)
        wrench = self._topics.wrench()
        width_m = reader.width_m
        if width_m is None:  # without measurement, what was commanded last
            width_m = self._settings.gripper_largest_m if self._sent is None else self._sent.gripper_width
        return RobotState(
            stamp_ns=reader.stamp_ns,
            q=reader.q,
            qdot=reader.qdot,
            ee_position=position,
            ee_orientation=orientation,
            ee_twist=self._kinematics.jacobian(reader.q) @ reader.qdot,
            wrench=np.zeros(6) if wrench is None else wrench,
            gripper_width=width_m,
        )

    def _await_states(self, limit_s: float) -> None:
        """Read until the state is fresh.

        Raises:
            DriverError: where it is not within `limit_s` [s]; names what was found instead.
        """
        end_ns = self._steady_ns() + round(limit_s * 1e9)
        while True:
            try:
                self.read()
                return
            except DriverError as error:
                if self._steady_ns() >= end_ns:
                    if self._reader.count:
                        raise
                    raise DriverError(self._never()) from error
            self._sleep(LOOK_S)

    def _never(self) -> str:
        topic, reader = self._settings.joint_states, self._reader
        if reader.refused:
            return f"joint states on {topic} have no finite positions of {', '.join(self._settings.joints)}"
        if reader.others:
            missing = [name for name in self._settings.joints if name not in reader.others]
            return (
                f"joint states on {topic} have no {', '.join(missing)}; they have {', '.join(reader.others)}: set "
                f"parameter joints, or arm_id"
            )
        return f"no joint states came on {topic} in {self._settings.connect_s:g} s; {self._topics.heard_of()}"

    def _silence(self, age_s: float) -> str:
        what = "the last new joint states" if self._reader.repeated else "the last joint states"
        return f"{what} came {age_s:.2f} s ago on {self._settings.joint_states}"

    def _await_listeners(self) -> None:
        end_ns = self._steady_ns() + round(DISCOVERY_S * 1e9)
        while self._topics.listeners() == 0 and self._steady_ns() < end_ns:
            self._sleep(LOOK_S)
        self._check_listeners()

    def _check_listeners(self) -> None:
        self._looked_ns = self._steady_ns()
        if self._topics.listeners() == 0:
            raise DriverError(
                f"nobody listens on {self._settings.commands}: load and activate the controller, such as with "
                f"`ros2 control load_controller --set-state active NAME`, or set parameter command_topic"
            )
        rivals = self._topics.rivals()
        if rivals:
            raise DriverError(
                f"{', '.join(rivals)} publishes on {self._settings.commands} too: only one may lead the arm, end it "
                "(one that was killed is listed for up to 20 s more)"
            )

    def _check_following(self, steady_ns: int) -> None:
        if self._sent is None:
            return
        error = np.abs(self._reader.q - self._sent.position)
        worst = int(error.argmax())
        if error[worst] <= self._settings.following_error_rad:
            self._far_since_ns = None
            return
        self._far_since_ns = steady_ns if self._far_since_ns is None else self._far_since_ns
        if steady_ns - self._far_since_ns > self._settings.following_time_s * 1e9:
            raise DriverError(
                f"the arm does not follow: {self._settings.joints[worst]} is {error[worst]:.2f} rad from where it was "
                "told to be; look for a reflex, and with `ros2 control list_controllers` at the controller's state"
            )
