"""The control loop of the panda node: one thread that owns the driver, its physics and its GL context.

Everything else reaches it through :meth:`ArmLoop.post`. Each period: read and publish the state, wait where lockstep
says so, do what was posted, decide one set-point, send and publish it. A simulated state is stamped on the grid of
periods, a real one with when it was measured; the set-point is decided and stamped by the clock as it then is, which
real time may have carried past the grid. On a real arm an action that has just come does not wait for the next period:
the set-point of that period is decided and sent at once. A driver that fails stops the arm, latched, until it is
recovered, and a person may lead the arm by hand: the loop goes on, and sends nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from muse_ros.arm.arm_control import ArmControl
from muse_ros.arm.drivers.driver import Driver, DriverError
from muse_ros.arm.led_arm import LedArm
from muse_ros.arm.lockstep import Halt, Lockstep
from muse_ros.arm.pace import RealTimePace, SimulatedPace
from muse_ros.arm.posted_tasks import PostedTasks
from muse_ros.msg import EpisodeEvent
from muse_ros.nodes.arm.topics import ArmTopics, WorldTopics

CONTROL_HZ = 100.0
PERIOD_NS = round(1e9 / CONTROL_HZ)
PAUSE_S = 2.0
"""Longer than an arm needs to come to a standstill."""
BY_HAND = "led by hand"
"""Detail of a takeover and a release."""


@dataclass(frozen=True)
class Episode:
    """What collect last said of the episode being recorded: its name, empty where there is none, and its start [ns]."""

    name: str = ""
    start_ns: int = 0


class ArmLoop:
    """Runs until it is closed, or something fails.

    Args:
        driver: Of the arm.
        control: Decides set-points.
        arm: Publishes state and set-points.
        world: Publishes what a simulator shows; None on a real arm.
        pace: When periods begin.
        camera_rate_hz: Pictures per second of simulated cameras.
        lockstep: Whether simulated time waits for actions; None where it does not.
        log: The node's logger.

    Attributes:
        ended: Set when the thread has ended.
        failure: Why it ended by itself; empty where it did not.
        led: The arm: whether it has a fault, is stale, is guided by hand.
        episode: What collect last said.
        periods: Control periods so far.
        views: Sets of pictures so far.
        now_ns: Stamp of this period [ns].
    """

    def __init__(
        self,
        driver: Driver,
        control: ArmControl,
        arm: ArmTopics,
        world: WorldTopics | None,
        pace: RealTimePace | SimulatedPace,
        camera_rate_hz: float,
        lockstep: Lockstep | None,
        log: Any,
    ) -> None:
        self._driver, self._control, self._arm, self._world = driver, control, arm, world
        self.led = LedArm(driver, control)
        self._pace, self._camera_rate_hz, self._log = pace, camera_rate_hz, log
        self._tasks = PostedTasks()
        self._halt = None if lockstep is None else Halt(lockstep, control, self._tasks, time.monotonic, log)
        self._closing = False
        self._pausing = False
        self._paused = threading.Event()
        self._ahead = False
        self._thread = threading.Thread(target=self._run, name="arm loop", daemon=True)
        self.ended = threading.Event()
        self.failure = ""
        self.episode = Episode()
        self.periods = 0
        self.views = 0
        self.now_ns = 0

    @property
    def waiting_for_ns(self) -> int | None:
        """The tick whose action simulated time waits for [ns]; None where it goes on."""
        return None if self._halt is None else self._halt.waiting_for_ns

    @property
    def inactive(self) -> bool:
        """Whether the arm is left alone, or is about to be: before the start, and from a pause on."""
        return self._pausing or not self._thread.is_alive()

    @property
    def skipped(self) -> int:
        """Control periods left out so far because the machine was too slow."""
        return self._pace.skipped

    def report(self) -> dict[str, str]:
        """What the driver reports of its arm, by name."""
        return self._driver.report()

    def start(self) -> None:
        """Start the thread, or go on after a pause: from where the arm is measured."""
        if self._thread.is_alive():
            self._pausing = False
            self.post(self._go_on)
        else:
            self._thread.start()

    def pause(self) -> None:
        """Bring the arm to a standstill, then neither read nor move it; returns when it stands."""
        self.post(self._begin_pause)
        self._paused.wait(PAUSE_S)

    def post(self, task: Callable[[], Any]) -> Future:
        """Have the loop's thread run `task` before its next set-point; its result or exception is the future's."""
        return self._tasks.post(task)

    def publish_event(self, event: str, detail: str = "") -> None:
        """Publish an event of this instant; to be posted, like all that uses the loop."""
        self._arm.publish_event(self._pace.now_ns(), event, self.episode.name, detail)

    def close(self) -> None:
        """End the thread, which lets go of the arm. Safe to call twice."""
        self._closing = True
        self._tasks.wake()
        if self._thread.is_alive():
            self._thread.join()
        elif not self.ended.is_set():  # it was never started
            self._driver.close()

    def guide(self) -> str:
        """Let a person lead the arm by hand; returns why not, or an empty text; to be posted."""
        why_not = self.led.guide()
        if not why_not:
            self._tell_of_guide(EpisodeEvent.TAKEOVER)
        return why_not

    def hold(self) -> bool:
        """End that: the arm stands where it then is; returns whether it was guided; to be posted.

        Raises:
            DriverError: where the driver cannot, which is a fault.
        """
        try:
            was_guided = self.led.hold()
        except DriverError as error:
            self._fail(error)
            raise
        if was_guided:
            self._tell_of_guide(EpisodeEvent.RELEASE)
        return was_guided

    def _tell_of_guide(self, event: str) -> None:
        if self._control.recording:
            self.publish_event(event, BY_HAND)

    def _run(self) -> None:
        try:
            if self._world is not None:
                self._world.warm_up()
            self._lead(self.led.start)
            self._pace.begin()
            while not self._closing:
                self._period()
            self._let_go()
        except Exception as error:  # whatever it is: the arm has no control loop any more, and the node must end
            self.failure = f"the control loop failed: {type(error).__name__}: {error}"
            self._log.fatal(self.failure)
        finally:
            self._driver.close()
            self.ended.set()

    def _lead(self, act: Callable[[], Any]) -> None:
        """Have the driver do something; where it fails, the arm has a fault."""
        try:
            act()
        except Exception as error:  # any: a posted task's would be lost, and the arm be led from where it is not
            self._fail(error if isinstance(error, DriverError) else DriverError(f"{type(error).__name__}: {error}"))

    def _fail(self, error: DriverError) -> None:
        self.led.fail(error)
        self.publish_event(EpisodeEvent.FAULT, self.led.fault)
        self._log.error(f"the arm's driver failed: {error}; call panda/recover")

    def _begin_pause(self) -> None:
        with suppress(DriverError):  # a fault, which is told
            self.hold()
        self._control.record(False, time.monotonic_ns())
        self._control.let_go()
        self._pausing = True

    def _go_on(self) -> None:
        self._paused.clear()
        if not self.led.fault:
            self._lead(self.led.start)

    def _let_go(self) -> None:
        """Bring a real arm to a standstill before it is left alone; a simulated one has nothing to lose."""
        end_s = time.monotonic() + PAUSE_S
        self._control.let_go()
        while self._world is None and not self._idle and not self._control.standing and time.monotonic() < end_s:
            self._period()
        self._lead(self.led.stop)

    @property
    def _idle(self) -> bool:
        return bool(self.led.fault) or self.led.guided or self._paused.is_set()

    def _period(self) -> None:
        try:
            if self._world is None:
                self._listen()
            self.now_ns = self._next_stamp()
            if self.led.fault or self._paused.is_set():
                if self._pausing and not self._paused.is_set():
                    with suppress(DriverError):  # what it cannot leave in good order has a fault already
                        self.led.stop()
                    self._paused.set()
                elif self._world is None and not self._paused.is_set():
                    with suppress(DriverError):  # an arm with a fault is shown where it is, as long as it is heard
                        self._show()
                self._tasks.run()
                return
            self._drive(self.now_ns)
            if self._pausing and self._control.standing:
                self.led.stop()
                self._paused.set()
        except DriverError as error:
            self._fail(error)

    def _drive(self, now_ns: int) -> None:
        if self._world is None:
            self._show()
        else:
            self.led.look()
            self._arm.publish_state(now_ns, self.led.state)
            self.views += self._world.publish(now_ns, self._camera_rate_hz)
        self._tasks.run()
        if self._idle:
            return
        if self._halt is not None:
            self._halt.wait(now_ns, self.episode.start_ns, lambda: self._closing)
        if self._ahead:
            self._ahead = False
        else:
            self._decide()
        self.periods += 1

    def _show(self) -> None:
        """Publish what a real arm has measured since the last time."""
        self.led.look()
        for state in self._driver.measured():
            self._arm.publish_state(state.stamp_ns, state)

    def _listen(self) -> None:
        """Until the next period, do what is posted; where that brings a new action, decide that period's set-point."""
        left_s = self._pace.left_s()
        while left_s > 0.0 and not self._closing:
            self._tasks.wait(left_s, lambda: self._closing)
            self._tasks.run()
            if self._control.prompted and not (self._ahead or self._idle or self._pausing):
                self._decide()
                self._ahead = True
            left_s = self._pace.left_s()

    def _decide(self) -> None:
        if self.led.stale:
            self._control.let_go()
        step = self._control.step(self._pace.now_ns(), time.monotonic_ns(), self.led.state)
        sent_ns = self._pace.now_ns()
        self.led.send(step.set_point, 1.0 / CONTROL_HZ)  # before anything is told about it: that takes its time
        if step.refused:
            self._log.error(f"refused: {step.refused}", throttle_duration_sec=1.0)
        if step.event:
            self.publish_event(step.event, step.displaced)
        if step.chosen is not None:
            step.chosen.takeover = bool(step.displaced)
            self._arm.publish_choice(step.chosen)
        self._arm.publish_set_point(sent_ns, step.set_point)

    def _next_stamp(self) -> int:
        if isinstance(self._pace, SimulatedPace):
            return self._pace.wait(bounded=self._halt is None or not self._control.recording)
        return self._pace.wait()
