"""The collect node: episodes by services or by itself, each recorded whole, with a live audit of the streams.

Parameters, services, publishers and timers are here. What a verb means is in ``muse_ros/recording/episodes.py``, what
is written in ``recorder.py`` beside it, where it lies in ``session_folder.py``, when the automatic mode acts in
``automatic.py``. Never imports torch: the robot's computer records without it.
"""

from __future__ import annotations

import shutil
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_srvs.srv import Trigger

from muse_ros.bags.bags import BagWriter, open_writer
from muse_ros.contract.contract import Contract, ContractError, load_contract
from muse_ros.nodes.automatic_collect import AutomaticCollect
from muse_ros.nodes.event_topic import EventTopic
from muse_ros.nodes.parameters import declare
from muse_ros.nodes.run_node import NodeFailure, run_node
from muse_ros.nodes.status_topic import StatusTopic
from muse_ros.nodes.stream_diagnostics import StreamDiagnostics
from muse_ros.nodes.topic_drain import TopicDrain
from muse_ros.recording.episode_effects import EpisodeEffects, Surroundings
from muse_ros.recording.episode_events import Event, Failed, Gate, Interrupted, Verb
from muse_ros.recording.episode_file import Description, Setting
from muse_ros.recording.episodes import VERBS, Session, State, Step, advance, advice
from muse_ros.recording.health import Expected, Health, expected_topics
from muse_ros.recording.provenance import software
from muse_ros.recording.receive_clock import ReceiveClock
from muse_ros.recording.recorder import Recorder, Sample
from muse_ros.recording.session_folder import SessionFolder

DISCOVERY_S = 0.5
STATUS_S = 0.1
GATE_S = 0.05
CONNECT_S = 1.0


class AuditedRecorder:
    """The drain's sink: the audit hears every sample, the recorder all but the session's own marks."""

    def __init__(self, recorder: Recorder, health: Health, events: EventTopic) -> None:
        self.use = recorder.use
        self._recorder, self._health, self._events = recorder, health, events

    def take(self, samples: list[Sample]) -> None:
        """Messages, in the order of their reception."""
        for sample in samples:
            self._health.arrived(sample.topic, sample.stamp_ns, sample.received_ns)
        self._recorder.take(s for s in samples if s.topic != self._events.name or not self._events.is_own(s.data))


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
        self._read_parameters()
        self._receive_clock = ReceiveClock(self.get_parameter("use_sim_time").value)
        self._events = EventTopic(self)
        self._recorder = Recorder(self._open_writer, self._preroll_s)
        self._health = Health(self._expected())
        sink = AuditedRecorder(self._recorder, self._health, self._events)
        self._drain = TopicDrain(self, sink, self._receive_clock, self._include, self._exclude)
        self._effects = self._make_effects()
        self.session = self._resume_session()
        self._since_ns: int | None = None
        self._status = StatusTopic(self, self.folder.session)
        for verb in VERBS:
            self.create_service(Trigger, f"collect/{verb}", lambda _, answer, verb=verb: self._serve(verb, answer))
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._drain.discover()
        self._drain.start()
        self.create_timer(DISCOVERY_S, self._discover, clock=steady)
        self.create_timer(GATE_S, self._watch, clock=steady)
        self.create_timer(STATUS_S, self._report_while_recording, clock=steady)
        self._diagnostics = StreamDiagnostics(self, self._health, steady)
        self._automatic = AutomaticCollect(self, steady) if self._auto_episodes else None
        self._publish_status()
        self.get_logger().info(f"session {self.folder.path}; {advice(self.session)}")

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

    def obey(self, verb: str) -> Step:
        """Send a verb to the state machine and carry out what it answers."""
        with self._lock:
            if verb == "start":
                self._make_ready_to_hear()
            return self._advance(Verb(verb, self._drained_now_ns()))

    def recorder_figures(self) -> dict[str, dict[str, Any]]:
        """Figures of the open or last bag, by topic."""
        return self._recorder.figures().to_dict()

    def world_was_reset(self) -> None:
        """From now on only samples newer than all that has come by this moment count as fresh."""
        with self._lock:
            self._since_ns = max(self._drained_now_ns(), self._health.newest_ns()) + 1
            self._look_at_gate()

    def close(self) -> None:
        """Close an open bag whole and leave its episode undecided, then stop listening."""
        with self._lock:
            self._advance(Interrupted("the collect node was ended", self.now_ns()))
        self._drain.close()

    def _read_parameters(self) -> None:
        root = declare(self, "root_dir", "recordings", "folder of all sessions")
        session = declare(self, "session", "", "name of this session's folder; empty: date and time")
        try:
            self.folder = SessionFolder(root, session or datetime.now().strftime("%Y-%m-%d_%H-%M-%S"))
        except ValueError as error:
            raise NodeFailure(f"node collect: parameter session: {error}") from error
        contract = declare(self, "contract", "panda", "contract: a file, or the name of one in config/robot")
        try:
            self._contract: Contract = load_contract(contract)
        except ContractError as error:
            raise NodeFailure(f"node collect: parameter contract: {error}") from error
        declare(self, "task", "", "what is being shown", fixed=False)
        declare(self, "operator", "", "who is showing it", fixed=False)
        declare(self, "note", "", "anything else about the coming episodes", fixed=False)
        declare(self, "seed", -1, "seed of the next (automatic) reset; -1: none", fixed=False)
        self._source = declare(self, "source", "", "topic of actions without whose publisher no episode starts")
        self._include = _names(declare(self, "include", [""], "patterns of topics that no rule leaves out"))
        self._exclude = _names(declare(self, "exclude", [""], "patterns of topics that are not recorded"))
        self._preroll_s = declare(self, "preroll_s", 0.5, "past written at the start of an episode [s]", (0.0, 10.0))
        self._min_free_gb = declare(self, "min_free_gb", 1.0, "no episode starts with less free disk [GB]", (0.0, 1e6))
        self._auto_episodes = declare(self, "auto_episodes", 0, "episodes to collect unattended; 0: none", (0, 100_000))

    def _expected(self) -> list[Expected]:
        names = {topic: self.resolve_topic_name(topic) for topic in self._contract.topics()}
        source = [Expected(self.resolve_topic_name(self._source), "", None)] if self._source else []
        return expected_topics(self._contract, names) + source

    def _open_writer(self, folder: Path) -> BagWriter:
        return open_writer(folder, self._contract.to_dict(), self._contract.digest())

    def _make_effects(self) -> EpisodeEffects:
        around = Surroundings(
            drain=self._drain.drain,
            prepare=self._events.prepare,
            describe=self.description,
            left_out=lambda: self._drain.chosen.left_out,
            now_ns=self._drained_now_ns,
            warn=self.get_logger().warning,
        )
        clock = "simulated" if self._receive_clock.simulated else "system"
        setting = Setting(self.folder.session, self._contract, clock, self.get_namespace(), software())
        return EpisodeEffects(self._recorder, self.folder, setting, around)

    def _resume_session(self) -> Session:
        try:
            self.folder.make()
            cut = self.folder.cut_short()
            counts = self.folder.counts()
        except OSError as error:
            raise NodeFailure(f"node collect: session folder: {error}") from error
        for folder in cut:
            self.get_logger().warning(
                f"{folder} was cut short and never decided about; it is readable to its last chunk. "
                f"To keep it, rename it to {folder.stem}; to drop it, delete it"
            )
        return Session(next_index=self.folder.next_index(), **counts)

    def _serve(self, verb: str, answer: Trigger.Response) -> Trigger.Response:
        step = self.obey(verb)
        answer.success = not step.refusal and self.session.state is not State.FAULT
        answer.message = step.refusal or self._status.advice
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
            first = step = advance(self.session, event)
            while step is not None:
                self.session, current, step = step.session, step, None
                if self.session.state is State.SAVING:
                    self._publish_status()
                for effect in current.effects:
                    answer = self._effects.carry_out(effect, self.session)
                    if answer is not None:
                        step = advance(self.session, answer)
                        break
            self._publish_status()
            return first

    def description(self) -> Description:
        """What the parameters say now about the coming or current episode."""
        value = {name: self.get_parameter(name).value for name in ("task", "operator", "note", "seed")}
        return Description(**value)

    def _discover(self) -> None:
        self._health.see_graph(self._drain.discover())

    def _watch(self) -> None:
        """At 20 Hz: has writing failed, and may an episode start?"""
        with self._lock:
            reason = self._recorder.failure or self._drain.error
            running = self.session.state in (State.RECORDING, State.DECIDING)
            if reason and (running or (self._drain.error and self.session.state is not State.FAULT)):
                self._advance(Failed(reason, self.now_ns()))
            self._look_at_gate()
            if self.session.state is State.RECORDING and self._disk_problem():
                self.get_logger().error(f"the episode is stopped: {self._disk_problem()}")
                self._advance(Verb("stop", self.now_ns()))

    def _look_at_gate(self) -> None:
        before = self.session
        self.session = advance(before, Gate(self._problems())).session
        if self.session.state is not before.state:
            self._publish_status()

    def _problems(self) -> tuple[str, ...]:
        disk = self._disk_problem()
        return self._health.problems(self.now_ns(), self._since_ns) + ((disk,) if disk else ())

    def _disk_problem(self) -> str:
        free_gb = shutil.disk_usage(self.folder.path).free / 1e9
        if free_gb >= self._min_free_gb:
            return ""
        return f"{free_gb:.2f} GB free in {self.folder.path}, {self._min_free_gb:g} GB wanted (min_free_gb)"

    def _report_while_recording(self) -> None:
        if self.session.state is State.RECORDING or self._status.is_news(self.session):
            self._publish_status()

    def _publish_status(self) -> None:
        self._status.publish(self.session, self.description(), self.now_ns())


def _names(patterns: list[str]) -> tuple[str, ...]:
    return tuple(pattern for pattern in patterns if pattern)


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal, or until its automatic episodes are done."""
    return run_node(CollectNode, args)
