"""The collect node: episodes by services or by itself, each recorded whole, with a live audit of the streams.

Parameters, services, publishers and timers are here. What a verb means is in ``muse_ros/recording/episodes.py``, what
is written in ``recorder.py`` beside it, where it lies in ``session_folder.py``, when the automatic mode acts in
``automatic.py``. Never imports torch: the robot's computer records without it.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from muse_ros.bags.bags import BagWriter, open_writer
from muse_ros.contract.message_fields import time_ns
from muse_ros.msg import EpisodeEvent
from muse_ros.nodes.recording.audited_recorder import AuditedRecorder
from muse_ros.nodes.recording.automatic import AutomaticCollect
from muse_ros.nodes.recording.event_topic import EventTopic
from muse_ros.nodes.recording.guided_reset import GuidedReset, ResetResult
from muse_ros.nodes.recording.parameters import description, read
from muse_ros.nodes.recording.resumed_session import resume, unseen_seed
from muse_ros.nodes.recording.status_topic import StatusTopic
from muse_ros.nodes.recording.stream_diagnostics import StreamDiagnostics
from muse_ros.nodes.recording.stream_faults import StreamFaults
from muse_ros.nodes.recording.topic_drain import TopicDrain
from muse_ros.nodes.run_node import run_node
from muse_ros.recording.alarms import ClockWatch, EpisodeAlarms
from muse_ros.recording.episode_effects import EpisodeEffects, Surroundings
from muse_ros.recording.episode_events import End, Event, Failed, Filed, Gate, Heard, Interrupted, ResetDone, Verb
from muse_ros.recording.episode_file import Setting
from muse_ros.recording.episodes import Step, advance
from muse_ros.recording.health import Expected, Health, expected_source, expected_topics
from muse_ros.recording.provenance import software
from muse_ros.recording.receive_clock import ReceiveClock
from muse_ros.recording.recorder import Recorder
from muse_ros.recording.session import VERBS, State, advice

DISCOVERY_S = 0.5
STATUS_S = 0.1
IDLE_STATUS_S = 0.5
WATCH_S = 0.05
CONNECT_S = 1.0
ARM_STATE = (EpisodeEvent.ARM_STOP, EpisodeEvent.RECOVER, EpisodeEvent.FAULT)


class CollectNode(Node):
    """Runs one recording session."""

    def __init__(self, **options: Any) -> None:
        """Declare parameters, make the session's folder and begin to listen.

        Raises:
            NodeFailure: naming the parameter or folder that is wrong.
        """
        super().__init__("collect", **options)
        self.finished = threading.Event()
        self.failure = ""
        self._lock = threading.RLock()
        self._given = given = read(self)
        self._receive_clock = ReceiveClock(self.get_parameter("use_sim_time").value)
        simulated = self._receive_clock.simulated
        self._events = EventTopic(self)
        self._recorder = Recorder(self._open_writer, given.preroll_s)
        expected = self._expected()
        self._health = Health(expected, allowed_lost=given.allowed_lost, judge_lag=not simulated)
        self._alarms = EpisodeAlarms(self._health, ClockWatch(simulated), given.abort_on_alarm)
        self._sink = AuditedRecorder(self._recorder, self._health, self._events)
        # what the contract wants is recorded, whatever a rule says; only `exclude` is stronger, and the gate names it
        include = (*given.include, *(item.topic for item in expected))
        self._drain = TopicDrain(self, self._sink, self._receive_clock, include, given.exclude)
        self._faults = StreamFaults(self, self._drain, expected)
        self._effects = self._make_effects()
        self._reset = GuidedReset(
            self,
            self._way_to_reset(),
            given.patience_s,
            given.home_q,
            given.simulator,
            given.auto_episodes > 0,
            self._take_reset,
        )
        self.session = resume(self, given)
        self._since_ns: int | None = None
        self._status = StatusTopic(self, given.folder.session, self._health, given.disk)
        self._diagnostics = StreamDiagnostics(self, self._health)
        self._status_due_s = 0.0
        for verb in VERBS:
            self.create_service(Trigger, f"collect/{verb}", lambda _, answer, verb=verb: self._serve(verb, answer))
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._drain.discover()
        self._drain.start()
        self.create_timer(DISCOVERY_S, self._discover, clock=steady)
        self.create_timer(WATCH_S, self._watch, clock=steady)
        self.create_timer(STATUS_S, self._report, clock=steady)
        self._automatic = AutomaticCollect(self, steady, given) if given.auto_episodes else None
        seed = unseen_seed(self, given)
        if seed is not None:
            self.obey("reset", seed)
        self._publish_status()
        self.get_logger().info(f"session {given.folder.path}; {advice(self.session)}")

    def now_ns(self) -> int:
        """The time of the graph [ns].

        Where that is ``/clock``, it is what the drain has heard of it: the node's own clock stands still while one of
        its callbacks runs, and opening a bag takes a while.
        """
        simulated_ns = self._receive_clock.at(time.time_ns()) if self._receive_clock.simulated else None
        return self.get_clock().now().nanoseconds if simulated_ns is None else simulated_ns

    def _drained_now_ns(self) -> int:
        """The time of the graph [ns], after taking all that has been said of it."""
        self._drain.drain()
        return self.now_ns()

    def obey(self, verb: str, seed: int | None = None) -> Step:
        """Send a verb to the state machine and carry out what it answers; `seed` is for a simulated reset."""
        with self._lock:
            if verb == "start":
                self._make_ready_to_hear()
            return self._advance(Verb(verb, self._drained_now_ns(), seed))

    def recorder_figures(self) -> dict[str, dict[str, Any]]:
        """Figures of the open or last bag, by topic."""
        return self._recorder.figures().to_dict()

    def incomplete(self) -> str:
        """What of the current or last episode is not in its bag; empty where all is."""
        now_ns = self.now_ns()
        lost = self._health.lost(now_ns)
        return f"{lost} messages were lost" if lost else "; ".join(self._health.shortcomings(now_ns))

    def close(self) -> None:
        """Close an open bag whole and leave its episode undecided, then stop listening."""
        with self._lock:
            self._advance(Interrupted("the collect node was ended", self.now_ns()))
        self._drain.close()

    def _expected(self) -> list[Expected]:
        contract, source = self._given.contract, self._given.source
        names = {topic: self.resolve_topic_name(topic) for topic in contract.topics()}
        driver = [expected_source(source, self.resolve_topic_name(source))] if source else []
        return expected_topics(contract, names) + driver

    def _way_to_reset(self) -> str:
        way = self._given.reset
        return "sim" if self._given.auto_episodes and way != "home_sim" else way

    def _open_writer(self, folder: Path) -> BagWriter:
        contract = self._given.contract
        return open_writer(folder, contract.to_dict(), contract.digest())

    def _make_effects(self) -> EpisodeEffects:
        around = Surroundings(
            drain=self._drain.drain,
            prepare=self._events.prepare,
            describe=lambda: description(self),
            left_out=lambda: self._drain.chosen.left_out,
            now_ns=self._drained_now_ns,
            warn=self.get_logger().warning,
            reset=self._begin_reset,
        )
        clock = "simulated" if self._receive_clock.simulated else "system"
        given = self._given
        setting = Setting(given.folder.session, given.contract, clock, self.get_namespace(), software())
        return EpisodeEffects(self._recorder, self._health, given.folder, setting, around)

    def _serve(self, verb: str, answer: Trigger.Response) -> Trigger.Response:
        step = self.obey(verb)
        answer.success = not step.refusal and self.session.state is not State.FAULT
        answer.message = step.refusal or (step.told if answer.success else "") or self._status.advice
        return answer

    def _make_ready_to_hear(self) -> None:
        """Subscribe to what is new in the graph and wait, shortly, until the middleware has joined both sides."""
        self._discover()
        end_s = time.monotonic() + CONNECT_S
        while (waiting := self._drain.connecting()) and time.monotonic() < end_s:
            time.sleep(0.002)
        if waiting:
            self.get_logger().warning(f"nothing can be heard yet of {', '.join(waiting)}")
        self._drain.drain()
        self._look_at_gate()

    def _advance(self, event: Event) -> Step:
        """One step of the machine; effects that fail or finish feed it again.

        The new state is published once it is true: RECORDING when the bag takes everything, so that no action that
        answers it is missed.
        """
        with self._lock:
            before = self.session.state
            first = step = advance(self.session, event)
            while step is not None:
                self.session, current, step = step.session, step, None
                if self.session.state is State.SAVING:
                    self._publish_status()
                for effect in current.effects:
                    answer = self._effects.carry_out(effect, self.session)
                    if isinstance(answer, Filed) and not self._given.auto_episodes:
                        self.set_parameters([Parameter("note", value="")])
                    if answer is not None:
                        step = advance(self.session, answer)
                        break
            if self.session.state is not before:
                self._alarms.begin()
            self._publish_status()
            return first

    def _discover(self) -> None:
        self._health.see_graph(self._drain.discover(), self._faults.look())

    def _watch(self) -> None:
        """At 20 Hz: has writing failed, may an episode start, is the running one as it should be?"""
        with self._lock:
            reason = self._recorder.failure or self._drain.error
            running = self.session.state in (State.RECORDING, State.DECIDING)
            if reason and (running or (self._drain.error and self.session.state is not State.FAULT)):
                self._advance(Failed(reason, self.now_ns()))
            self._take_events()
            self._reset.look()
            self._look_at_gate()
            if self.session.state is State.RECORDING:
                self._look_at_episode()
            self._diagnostics.look()

    def _take_events(self) -> None:
        """What other nodes said; of the latched past only the arm's own state is still true."""
        while self._sink.heard:
            event = self._sink.heard.popleft()
            ours = event.episode_id in ("", self.session.episode_id)
            if event.event in ARM_STATE or (ours and time_ns(event.header.stamp) >= self.session.start_ns):
                self._advance(Heard(event.event, event.detail, self.now_ns()))
                if event.event in (EpisodeEvent.ARM_STOP, EpisodeEvent.FAULT):
                    self._reset.stopped()

    def _look_at_episode(self) -> None:
        alarms = self._alarms.look(self.now_ns(), time.monotonic())
        if alarms.begun or alarms.ended or alarms.standing != self.session.alarms:
            for reason in alarms.begun:
                self.get_logger().warning(f"{self.session.episode_id}: {reason}")
            self._advance(alarms)
        disk = self._given.disk
        short = disk.problem(disk.free_gb()) or self._given.folder.missing(self.session.episode_id)
        if short:
            self.get_logger().error(f"the episode is stopped: {short}")
            self._advance(End(short, self.now_ns()))

    def _look_at_gate(self) -> None:
        before = self.session
        self.session = advance(before, Gate(self._problems())).session
        if self.session.state is not before.state:
            self._publish_status()

    def _problems(self) -> tuple[str, ...]:
        disk = self._given.disk
        short = disk.problem(disk.free_gb())
        return self._health.problems(self.now_ns(), self._since_ns) + ((short,) if short else ())

    def _begin_reset(self, seed: int | None) -> None:
        self._reset.begin(seed)
        if self.session.arm_stopped:
            self._reset.stopped()

    def _take_reset(self, result: ResetResult) -> None:
        with self._lock:
            if result.failure:
                self.get_logger().warning(f"the reset failed: {result.failure}")
            elif result.seed is not None:
                self.set_parameters([Parameter("seed", value=result.seed)])
                # only what is newer than all that has come by this moment shows the new world
                self._since_ns = max(self._drained_now_ns(), self._health.newest_ns()) + 1
            self._look_at_gate()  # first: what came before the reset makes nothing READY, not for an instant
            self._advance(ResetDone(result.failure, result.to_prepare))

    def _report(self) -> None:
        """At 10 Hz while recording or where the operator must hear something new, at 2 Hz otherwise."""
        recording = self.session.state is State.RECORDING
        if recording or self._status.is_news(self.session) or time.monotonic() >= self._status_due_s:
            self._publish_status()

    def _publish_status(self) -> None:
        self._status.publish(self.session, description(self), self.now_ns())
        self._status_due_s = time.monotonic() + IDLE_STATUS_S


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal, or until its automatic episodes are done."""
    return run_node(CollectNode, args)
