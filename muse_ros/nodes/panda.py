"""The panda node: drives one arm. Parameters, subscriptions and services are here; the control loop has its own thread.

A lifecycle node: configuring opens the driver and reads the limits, activating starts the control loop and lets actions
in, deactivating holds the arm and then leaves it alone, cleaning up lets go of it. Actions go from the arbiter through
inverse kinematics and the safety filter to the driver, and no other way. The simulated arm can make the time itself
(``clock``), faster than real time, and wait for its sources (``lockstep``).
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from std_srvs.srv import Trigger

from muse_core.control.home import checked_pose
from muse_core.control.kinematics import HOME_Q
from muse_core.control.limits import LimitError, Limits, default_limits
from muse_ros.arm.arm_control import ArmControl
from muse_ros.arm.drivers.driver import DRIVERS, Driver, DriverError, open_driver
from muse_ros.arm.lockstep import Lockstep
from muse_ros.arm.pace import RealTimePace, SimulatedPace
from muse_ros.bridge import STATUS_QOS
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import EpisodeEvent, EpisodeStatus
from muse_ros.nodes.arm.actions import ActionTopics
from muse_ros.nodes.arm.diagnostics import Diagnostics
from muse_ros.nodes.arm.driver_parameters import driver_settings
from muse_ros.nodes.arm.loop import CONTROL_HZ, PERIOD_NS, ArmLoop, Episode
from muse_ros.nodes.arm.topics import ArmTopics, WorldTopics
from muse_ros.nodes.managed_node import ManagedNode, started
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure, run_node

ANSWER_S = 10.0
SWITCH_INTERVAL_S = 0.0005
"""Python's default of 5 ms is what an action would wait for a thread that computes."""
AGAIN_S = 0.2
CLOCK_START_NS = 1_000_000_000
"""Simulated time begins here: a stamp of zero means no stamp."""


class Refusal(Exception):
    """A service says no; the message says why."""


class PandaNode(ManagedNode):
    """One arm with its hand, real or simulated."""

    def __init__(self, **options: Any) -> None:
        """Nothing is read or opened before the node is configured.

        Args:
            options: Of :class:`rclpy.node.Node`, such as `parameter_overrides`.
        """
        super().__init__("panda", **options)
        self._loop: ArmLoop | None = None
        self._never = threading.Event()

    @property
    def finished(self) -> threading.Event:
        """Set when the control loop has ended by itself."""
        return self._never if self._loop is None else self._loop.ended

    @property
    def failure(self) -> str:
        """Why the loop failed; empty where it did not."""
        return "" if self._loop is None else self._loop.failure

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the parameters and the limits, open the driver, offer the services."""
        before = set(self.publishers)
        try:
            self._open()
        except NodeFailure as error:
            return self.refuse(str(error))
        self._publishers_made = set(self.publishers) - before
        self.set_memory_aside()
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start the control loop and let actions in."""
        self._actions.open()
        self._status = self.create_subscription(EpisodeStatus, "collect/status", self._take_status, STATUS_QOS)
        self._loop.start()
        self.get_logger().info(f"panda: robot {self._robot} at {CONTROL_HZ:g} Hz")
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let no action in, bring the arm to a standstill, then leave it alone."""
        self._actions.close()
        self.destroy_subscription(self._status)
        self._loop.pause()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let go of the arm."""
        self._loop.close()
        self._loop = None
        self.destroy_timer(self._timer)
        for service in self._services_made:
            self.destroy_service(service)
        for publisher in self._publishers_made:
            self.destroy_publisher(publisher)
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """End the loop and let go of the arm. Safe to call twice."""
        if self._loop is not None:
            self._loop.close()

    def _open(self) -> None:
        self._robot = declare(self, "robot", "sim", "the arm's driver", choices=tuple(DRIVERS))
        self._simulated = self._robot == "sim"
        limits = self._limits()
        self._control = ArmControl(
            limits,
            CONTROL_HZ,
            declare(self, "execute_always", False, "policy and replay need no episode"),
            declare(self, "require_enable", not self._simulated, "policy and replay need teleop's enable"),
            declare(self, "require_release", True, "after a silence teleop's deadman must be let go first"),
            self._home_pose(limits),
            declare(self, "home_opens_hand", False, "panda/home opens the hand; else it stays as it is"),
        )
        self._driver = self._open_driver()
        self._loop = self._make_loop()
        self._actions = ActionTopics(self, self._loop, self._control)
        verbs = {"panda/home": self._home, "panda/stop": self._stop, "panda/recover": self._recover}
        verbs |= {"panda/guide": self._guide, "panda/hold": self._hold}
        if self._simulated:
            verbs["sim/reset"] = self._reset
        self._services_made = [
            self.create_service(Trigger, name, partial(self._serve, verb)) for name, verb in verbs.items()
        ]
        diagnostics = Diagnostics(self, self._loop, self._control, self._actions, self._robot)
        self._timer = self.create_timer(1.0, diagnostics.publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _open_driver(self) -> Driver:
        wait_s = declare(
            self, "wait_for_robot_s", 0.0, "so long the arm may not be reached yet at the start [s]", (0.0, 600.0)
        )
        end_s = time.monotonic() + wait_s
        while True:
            try:
                return open_driver(self._robot, driver_settings(self))
            except DriverError as error:
                if time.monotonic() > end_s:
                    raise NodeFailure(f"node panda: {error}") from error
            time.sleep(AGAIN_S)

    def _limits(self) -> Limits:
        arm_id = declare(self, "arm_id", "panda", "profile of the limits: panda or fr3")
        path = declare(self, "limits_file", "", "YAML file of the limits; empty: those that Muse ships with")
        linear = declare(self, "speed_limit", 0.25, "largest speed of the tool [m/s]", (0.01, 1.0))
        angular = declare(self, "angular_speed_limit", 0.6, "largest angular speed of the tool [rad/s]", (0.01, 2.0))
        try:
            limits = Limits.load(path, arm_id) if path else default_limits(arm_id)
        except LimitError as error:
            raise NodeFailure(f"node panda: {error}") from error
        if path:  # both must allow it: a file that is slower than this node's default stays slower
            linear, angular = min(linear, limits.linear_speed), min(angular, limits.angular_speed)
        return replace(limits, linear_speed=linear, angular_speed=angular)

    def _home_pose(self, limits: Limits) -> np.ndarray:
        try:
            return checked_pose(declare(self, "home_q", HOME_Q.tolist(), "the joints at home [rad]"), limits)
        except ValueError as error:
            raise NodeFailure(f"node panda: parameter home_q: {error}") from error

    def _make_loop(self) -> ArmLoop:
        camera_rate_hz = declare(self, "camera_rate_hz", 20.0, "pictures per second of the cameras [Hz]", (0.1, 100.0))
        views = declare(self, "publish_cameras", True, "false: other nodes publish cameras under these names")
        late_s = declare(self, "camera_latency_s", 0.0, "a picture comes, and is stamped, so late [s]", (0.0, 0.5))
        quality = declare(self, "jpeg_quality", 90, "of the cameras' pictures", (1, 100))
        clock = declare(self, "clock", False, "make the time: publish /clock, run faster than real time")
        factor = declare(self, "clock_factor", 5.0, "largest speed of the clock, except in lockstep [1]", (0.1, 100.0))
        lockstep = declare(self, "lockstep", False, "with clock: wait for the action of each tick of an episode")
        tick_rate_hz = declare(self, "tick_rate_hz", 10.0, "ticks that lockstep waits at [Hz]", (0.1, 100.0))
        latency_s = declare(self, "action_latency_s", 0.04, "in lockstep: from a tick to its action [s]", (0.0, 1.0))
        if (clock or lockstep) and not self._simulated:
            raise NodeFailure("node panda: clock and lockstep are for robot:=sim; a real arm makes its own time")
        if lockstep and not clock:
            raise NodeFailure("node panda: lockstep needs clock:=true; real time does not wait")
        for name, periods in (
            ("camera_rate_hz", CONTROL_HZ / camera_rate_hz),
            ("tick_rate_hz", CONTROL_HZ / tick_rate_hz),
            ("action_latency_s", CONTROL_HZ * latency_s),
        ):
            if abs(periods - round(periods)) > 1e-6:
                raise NodeFailure(f"node panda: parameter {name} must give whole periods of {1e3 / CONTROL_HZ:g} ms")
        if clock:
            pace = SimulatedPace(PERIOD_NS, CLOCK_START_NS, factor, time.monotonic_ns, time.sleep)
        else:
            pace = RealTimePace(PERIOD_NS, time.time_ns, time.monotonic_ns, time.sleep)
        late_ns = round(late_s * 1e9)
        world = WorldTopics(self, self._driver, quality, clock, views, late_ns) if self._simulated else None
        waiting = Lockstep(tick_rate_hz, latency_s) if lockstep else None
        return ArmLoop(
            self._driver, self._control, ArmTopics(self), world, pace, camera_rate_hz, waiting, self.get_logger()
        )

    def _seed(self) -> int:
        return int(self.get_parameter("seed").value)

    def _take_status(self, status: EpisodeStatus) -> None:
        recording = status.state == EpisodeStatus.RECORDING
        episode = Episode(status.episode_id if recording else "", time_ns(status.start))
        self._loop.post(partial(self._set_episode, recording, episode, time.monotonic_ns()))

    def _set_episode(self, recording: bool, episode: Episode, steady_ns: int) -> None:
        self._loop.episode = episode
        self._control.record(recording, steady_ns)

    def _serve(self, verb: Callable[[], str], _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Run a verb in the loop's thread; it returns what it did, or raises :class:`Refusal`.

        What was not done in time is not done later, when nobody expects it any more; a stop is.
        """
        if self._loop.inactive and verb in (self._home, self._guide, self._recover):
            response.message = "the node is not active"
            return response
        done = self._loop.post(verb)
        try:
            response.message = done.result(ANSWER_S)
            response.success = True
        except Refusal as refusal:
            response.message = str(refusal)
        except FutureTimeoutError:
            still = "" if verb != self._stop and done.cancel() else "; it still will"
            response.message = f"the control loop did not answer in {ANSWER_S:g} s{still}"
        return response

    def _home(self) -> str:
        by_hand = "the arm is led by hand: call panda/hold first" if self._loop.led.guided else ""
        why_not = by_hand or self._control.go_home(self._loop.now_ns)
        if why_not:
            raise Refusal(why_not)
        return "moving home; panda/stop or teleop ends it"

    def _guide(self) -> str:
        why_not = self._loop.guide()
        if why_not:
            raise Refusal(why_not)
        return "led by hand; panda/hold ends it, and the arm then stands where it is"

    def _hold(self) -> str:
        try:
            was_guided = self._loop.hold()
        except DriverError as error:
            raise Refusal(f"the arm's driver cannot end the guidance: {error}") from error
        return "the arm stands where it is" if was_guided else "the arm was not led by hand"

    def _stop(self) -> str:
        with suppress(DriverError):  # a fault, which stops the arm too
            self._loop.hold()
        if not self._control.stopped:
            self._loop.publish_event(EpisodeEvent.ARM_STOP)
        return self._control.stop()

    def _recover(self) -> str:
        if self._loop.led.fault:
            try:
                self._loop.led.recover()
            except DriverError as error:
                raise Refusal(f"the arm's driver cannot recover: {error}") from error
        if self._control.stopped:
            self._loop.publish_event(EpisodeEvent.RECOVER)
        return self._control.recover(self._loop.led.state)

    def _reset(self) -> str:
        if self._control.recording:
            raise Refusal("an episode is being recorded: stop it before resetting the world")
        seed = self._seed()
        self._driver.reset(seed)
        self._loop.led.anchor()
        return f"reset with seed {seed}"


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal; exit code 1 where the control loop failed."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    return run_node(lambda: started(PandaNode), args)
