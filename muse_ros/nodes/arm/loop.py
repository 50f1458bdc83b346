"""The control loop of the panda node: one thread that owns the driver, its physics and its GL context.

Everything else reaches it through :meth:`ArmLoop.post`. Each period: read and publish the state, wait where lockstep
says so, do what was posted, decide one set-point, send and publish it. The state is stamped on the grid of periods; the
set-point is decided and stamped by the clock as it then is, which real time may have carried past the grid. A driver
that fails stops the arm, latched, until it is recovered; the loop goes on.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from muse_core.control.state import RobotState
from muse_ros.arm.arm_control import ArmControl
from muse_ros.arm.drivers.driver import Driver, DriverError
from muse_ros.arm.lockstep import GIVE_UP_S, Lockstep
from muse_ros.arm.pace import RealTimePace, SimulatedPace
from muse_ros.contract.ticks import tick_at_or_after
from muse_ros.msg import EpisodeEvent
from muse_ros.nodes.arm.topics import ArmTopics, WorldTopics

CONTROL_HZ = 100.0
PERIOD_NS = round(1e9 / CONTROL_HZ)
CLOCK_NS = 2 * PERIOD_NS
"""/clock is published this often: each message costs every node of the graph a callback."""
PAUSE_S = 2.0
"""Longer than an arm needs to come to a standstill."""
OBJECTS_NS = 2 * PERIOD_NS


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
        fault: What the driver said when it could no longer read or move the arm; empty where it can.
        episode: What collect last said.
        periods: Control periods so far.
        views: Sets of pictures so far.
        now_ns: Stamp of this period [ns].
        waiting_for_ns: The tick whose action simulated time waits for [ns]; None where it goes on.
        state: What the arm measured last.
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
        self._pace, self._camera_rate_hz, self._lockstep, self._log = pace, camera_rate_hz, lockstep, log
        self._tasks: deque[Callable[[], None]] = deque()
        self._posted = threading.Condition()
        self._closing = False
        self._pausing = False
        self._paused = threading.Event()
        self._thread = threading.Thread(target=self._run, name="arm loop", daemon=True)
        self.ended = threading.Event()
        self.failure = ""
        self.fault = ""
        self.episode = Episode()
        self.periods = 0
        self.views = 0
        self.now_ns = 0
        self.waiting_for_ns: int | None = None
        self.state: RobotState | None = None

    @property
    def skipped(self) -> int:
        """Control periods left out so far because the machine was too slow."""
        return self._pace.skipped

    def start(self) -> None:
        """Start the thread, or go on after a pause: from where the arm is measured."""
        if self._thread.is_alive():
            self.post(self._go_on)
        else:
            self._thread.start()

    def pause(self) -> None:
        """Bring the arm to a standstill, then neither read nor move it; returns when it stands."""
        self.post(self._begin_pause)
        self._paused.wait(PAUSE_S)

    def post(self, task: Callable[[], Any]) -> Future:
        """Have the loop's thread run `task` before its next set-point; its result or exception is the future's."""
        future: Future = Future()

        def run() -> None:
            try:
                future.set_result(task())
            except Exception as error:  # it belongs to whoever asked
                future.set_exception(error)

        with self._posted:
            self._tasks.append(run)
            self._posted.notify()
        return future

    def publish_event(self, event: str, detail: str = "") -> None:
        """Publish an event of this instant; to be posted, like all that uses the loop."""
        self._arm.publish_event(self._pace.now_ns(), event, self.episode.name, detail)

    def close(self) -> None:
        """End the thread, which lets go of the arm. Safe to call twice."""
        with self._posted:
            self._closing = True
            self._posted.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            if self._world is not None:
                self._world.warm_up()
            self.state = self._driver.read()
            self._control.anchor(self.state)
            self._pace.begin()
            while not self._closing:
                self._period()
        except Exception as error:  # whatever it is: the arm has no control loop any more, and the node must end
            self.failure = f"the control loop failed: {type(error).__name__}: {error}"
            self._log.fatal(self.failure)
        finally:
            self._driver.close()
            self.ended.set()

    def recover(self) -> None:
        """Bring the arm back after a fault, and stand where it is measured; to be posted.

        Raises:
            DriverError: where the driver cannot.
        """
        self._driver.recover()
        self.state = self._driver.read()
        self._control.anchor(self.state)
        self.fault = ""

    def _begin_pause(self) -> None:
        self._control.record(False, time.monotonic_ns())
        self._control.let_go()
        self._pausing = True

    def _go_on(self) -> None:
        self._control.anchor(self._driver.read())
        self._pausing = False
        self._paused.clear()

    def _period(self) -> None:
        self.now_ns = self._next_stamp()
        if self.fault or self._paused.is_set():
            if self._pausing:
                self._paused.set()
            self._run_tasks()
            return
        try:
            self._drive(self.now_ns)
            if self._pausing and self._control.standing:
                self._paused.set()
        except DriverError as error:
            self.fault = str(error)
            self._control.stop()
            self.publish_event(EpisodeEvent.FAULT, self.fault)
            self._log.error(f"the arm's driver failed: {error}; call panda/recover")

    def _drive(self, now_ns: int) -> None:
        self.state = self._driver.read()
        self._arm.publish_state(now_ns, self.state)
        if self._world is not None:
            self._publish_world(self._world, now_ns)
        self._run_tasks()
        if self._lockstep is not None:
            self._wait_for_action(self._lockstep, now_ns)
        step = self._control.step(self._pace.now_ns(), time.monotonic_ns(), self.state)
        if step.refused:
            self._log.error(f"refused: {step.refused}", throttle_duration_sec=1.0)
        if step.event:
            self.publish_event(step.event, step.displaced)
        if step.chosen is not None:
            step.chosen.takeover = bool(step.displaced)
            self._arm.publish_choice(step.chosen)
        sent_ns = self._pace.now_ns()
        self._driver.send(step.set_point, 1.0 / CONTROL_HZ)
        self._arm.publish_set_point(sent_ns, step.set_point)
        self.periods += 1

    def _next_stamp(self) -> int:
        if isinstance(self._pace, SimulatedPace):
            return self._pace.wait(bounded=self._lockstep is None or not self._control.recording)
        return self._pace.wait()

    def _publish_world(self, world: WorldTopics, now_ns: int) -> None:
        world.publish_success()
        if now_ns % OBJECTS_NS == 0:
            world.publish_objects(now_ns)
        if tick_at_or_after(now_ns, self._camera_rate_hz) == now_ns:
            world.publish_views(now_ns)
            self.views += 1
        if now_ns % CLOCK_NS == 0:
            world.publish_clock(now_ns)

    def _run_tasks(self) -> None:
        while self._tasks:
            self._tasks.popleft()()

    def _wait_for_action(self, lockstep: Lockstep, now_ns: int) -> None:
        """Stand still in simulated time until the action of the tick is here, the episode ends, or nobody answers."""
        deadline = time.monotonic() + GIVE_UP_S
        while self._control.recording and not self._closing and not self._control.stopped:
            tick_ns = lockstep.tick_to_wait_for(now_ns, self.episode.start_ns, self._control.newest_action_ns)
            if tick_ns is None:
                return
            left_s = deadline - time.monotonic()
            if left_s <= 0.0:
                lockstep.give_up(tick_ns)
                self._log.warning(f"no action came for the tick at {tick_ns * 1e-9:.3f} s: going on without")
                return
            self.waiting_for_ns = tick_ns
            with self._posted:
                self._posted.wait_for(lambda: self._tasks or self._closing, left_s)
            self.waiting_for_ns = None
            self._run_tasks()
