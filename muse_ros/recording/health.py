"""Live audit of a contract's streams: is everything arriving that an episode needs, as it should?

Sees only stamps and times of reception, so it costs nothing beside the recording. The collect node asks it before an
episode starts (the gate), while one runs (alarms) and when it ends (degraded or not). May be fed from one thread and
asked from another. Imports no ROS.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from muse_ros.contract.contract import Contract
from muse_ros.recording.stream_watch import Expected, Figures, Level, StreamWatch

_NS_PER_S = 1_000_000_000
_WRONG_CLOCK_NS = 5 * _NS_PER_S


def expected_topics(contract: Contract, resolve: Mapping[str, str] | None = None) -> list[Expected]:
    """What the contract expects to arrive; of several keys on one topic the strictest age and the highest rate count.

    Args:
        contract: The contract.
        resolve: Relative topic name to full name; names that are missing get a leading slash.
    """
    resolve = resolve or {}
    expected: dict[str, Expected] = {}
    for stream in contract.streams.values():
        topic = resolve.get(stream.topic, f"/{stream.topic}")
        age = stream.max_age_s if stream.role == "observation" else None
        known = expected.get(topic)
        ages = [a for a in (age, known.max_age_s if known else None) if a is not None]
        rate = max(stream.rate_hz, known.rate_hz if known else 0.0)
        expected[topic] = Expected(topic, stream.type, min(ages, default=None), rate)
    return list(expected.values())


def expected_source(source: str, topic: str) -> Expected:
    """The topic of who leads the arm, which must be there, and whose heartbeat is missed in an episode.

    Args:
        source: Its relative name, such as ``action/teleop``. A replay speaks only while it has something to do.
        topic: Its full name.
    """
    return Expected(topic, "", None, heartbeat=not source.endswith("replay"))


@dataclass(frozen=True)
class StreamState:
    """How one stream stands: level, what is wrong (empty: nothing), and its figures."""

    expected: Expected
    level: Level
    problem: str
    figures: Figures


class Health:
    """Keeps, for every expected topic, what is needed to say whether it is as the contract wants it."""

    def __init__(
        self, expected: Iterable[Expected], slack_s: float = 0.1, allowed_lost: float = 0.005, judge_lag: bool = True
    ) -> None:
        """Nothing has arrived yet.

        Args:
            expected: The topics.
            slack_s: Added to every age limit: delivery and draining take a moment that is no fault [s].
            allowed_lost: Share of a stream's messages that may be lost in an episode, 0 to 1.
            judge_lag: Stamps are on the system's clock, so that a change of lag means something.
        """
        self._watches = {item.topic: StreamWatch(item, slack_s, judge_lag) for item in expected}
        self._allowed_lost = allowed_lost
        self._offered: dict[str, tuple[str, ...]] = {}
        self._faults: dict[str, str] = {}
        self._spoilt: dict[str, str] = {}  # faults of the current or last episode's observations
        self._counting = False
        self._lock = threading.Lock()

    @property
    def topics(self) -> tuple[str, ...]:
        """The expected topics, in the contract's order."""
        return tuple(self._watches)

    def see_graph(self, types: Mapping[str, tuple[str, ...]], faults: Mapping[str, str] | None = None) -> None:
        """What the graph offers now.

        Args:
            types: The types that each topic is published with; topics without a publisher are absent.
            faults: Topic to why nothing can be recorded of it though it is published.
        """
        with self._lock:
            self._offered = {topic: types[topic] for topic in self._watches if types.get(topic)}
            self._faults = {topic: fault for topic, fault in (faults or {}).items() if topic in self._watches}
            observed = [topic for topic in self._faults if self._watches[topic].expected.max_age_s is not None]
            if self._counting:
                self._spoilt = {topic: f"{topic}: {self._faults[topic]}" for topic in observed} | self._spoilt

    def spoil(self, name: str, reason: str) -> None:
        """Mark the running episode as a degraded one for something that is no stream's own; the first reason stays."""
        with self._lock:
            if self._counting:
                self._spoilt.setdefault(name, reason)

    def arrived(self, topic: str, stamp_ns: int | None, received_ns: int, lost: int = 0) -> None:
        """One message of any topic; `stamp_ns` is None where its type carries none, `lost` went missing before it."""
        watch = self._watches.get(topic)
        if watch is not None:
            with self._lock:
                watch.arrived(stamp_ns, received_ns, lost)

    def begin_episode(self) -> None:
        """Gaps and losses are counted from now on."""
        with self._lock:
            self._counting, self._spoilt = True, {}
            for watch in self._watches.values():
                watch.begin()

    def end_episode(self, now_ns: int) -> None:
        """Gaps and losses stay as they are at `now_ns`."""
        with self._lock:
            self._counting = False
            for watch in self._watches.values():
                watch.end(now_ns)

    def newest_ns(self) -> int:
        """The newest stamp that has come, of all expected topics [ns]; 0 where none has."""
        return max((watch.newest_ns or 0 for watch in self._watches.values()), default=0)

    def problems(self, now_ns: int, since_ns: int | None = None) -> tuple[str, ...]:
        """One sentence for every expected topic that is not fresh at `now_ns`; empty where all are.

        Args:
            now_ns: Time on the clock that stamps are on.
            since_ns: Samples stamped before this do not count (a world that has been reset since).
        """
        return tuple(problem for problem in self.verdicts(now_ns, since_ns).values() if problem)

    def verdicts(self, now_ns: int, since_ns: int | None = None) -> dict[str, str]:
        """Per expected topic what :meth:`problems` says of it; empty where it is fresh."""
        with self._lock:
            return {topic: self._problem(watch, now_ns, since_ns) for topic, watch in self._watches.items()}

    def streams(self, now_ns: int) -> list[StreamState]:
        """How every expected topic stands at `now_ns`; stricter than :meth:`problems`: slow or losing is said, too."""
        with self._lock:
            return [self._state(watch, now_ns) for watch in self._watches.values()]

    def shortcomings(self, now_ns: int) -> tuple[str, ...]:
        """What makes the current or last episode a degraded one: losses, gaps that cost rows; empty: it is whole."""
        with self._lock:
            found = (watch.shortcomings(now_ns, self._allowed_lost) for watch in self._watches.values())
            return (*self._spoilt.values(), *(sentence for sentences in found for sentence in sentences))

    def lost(self, now_ns: int) -> int:
        """Messages of the expected topics that the current or last episode lost."""
        with self._lock:
            return sum(watch.figures(now_ns).lost for watch in self._watches.values())

    def _state(self, watch: StreamWatch, now_ns: int) -> StreamState:
        problem = self._problem(watch, now_ns, None)
        level, trouble = (Level.MISSING, problem) if problem else watch.trouble(now_ns)
        return StreamState(watch.expected, level, trouble, watch.figures(now_ns))

    def _problem(self, watch: StreamWatch, now_ns: int, since_ns: int | None) -> str:
        expected, name = watch.expected, watch.expected.topic
        look = f"see `ros2 topic info -v {name}`"
        types = self._offered.get(name)
        if types is None:
            kind = f" ({expected.type})" if expected.type else ""
            return f"{name}: nobody publishes it{kind}; is its node running, under this name? `ros2 topic list` tells"
        if expected.type and types != (expected.type,):
            return f"{name}: has type {', '.join(types)}, the contract wants {expected.type}; {look}"
        if name in self._faults:
            return f"{name}: {self._faults[name]}; {look}"
        if expected.max_age_s is None:
            return ""
        if watch.newest_ns is None:
            if watch.zero_stamps:
                return f"{name}: {watch.zero_stamps} messages with stamp zero; its publisher must stamp them"
            return f"{name}: has a publisher, but no message has come; {look}"
        age_ns = now_ns - watch.newest_ns
        if age_ns < -_WRONG_CLOCK_NS:
            return f"{name}: stamped {-age_ns / _NS_PER_S:.0f} s ahead of this node's clock; is use_sim_time the same?"
        if since_ns is not None and watch.newest_ns < since_ns:
            return f"{name}: no sample since the reset"
        return watch.too_old(now_ns)
