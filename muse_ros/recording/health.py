"""Live audit of a contract's streams: is everything arriving that an episode needs, and how old is it?

Sees only stamps and times of reception, so it costs nothing beside the recording. The collect node asks it before an
episode starts (the gate) and while one runs (the alarm). Imports no ROS.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from muse_ros.contract.contract import Contract

_NS_PER_S = 1_000_000_000
_RATE_WINDOW_NS = _NS_PER_S
_WRONG_CLOCK_NS = 5 * _NS_PER_S


@dataclass(frozen=True)
class Expected:
    """A topic that must be there before an episode starts.

    Attributes:
        topic: Full topic name.
        type: Message type that it must have; empty: any.
        max_age_s: Oldest sample that an observation may use [s]; None for actions, which need only a publisher.
    """

    topic: str
    type: str
    max_age_s: float | None


def expected_topics(contract: Contract, resolve: Mapping[str, str] | None = None) -> list[Expected]:
    """What the contract expects to arrive; of several keys on one topic the strictest age counts.

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
        expected[topic] = Expected(topic, stream.type, min(ages, default=None))
    return list(expected.values())


@dataclass
class _Arrivals:
    newest_ns: int | None = None
    zero_stamps: int = 0
    lag_ns: int = 0
    recent: deque[int] = field(default_factory=deque)


class Health:
    """Keeps, for every expected topic, what is needed to say whether it is fresh."""

    def __init__(self, expected: Iterable[Expected], slack_s: float = 0.1) -> None:
        """`slack_s` is added to every age limit: delivery and draining take a moment that is no fault [s]."""
        self._expected = {item.topic: item for item in expected}
        self._arrivals = {topic: _Arrivals() for topic in self._expected}
        self._slack_ns = int(slack_s * _NS_PER_S)
        self._offered: dict[str, tuple[str, ...]] = {}

    def see_graph(self, types: Mapping[str, tuple[str, ...]]) -> None:
        """The types that each topic is published with, as of now; topics without a publisher are absent."""
        self._offered = {topic: types[topic] for topic in self._expected if types.get(topic)}

    def arrived(self, topic: str, stamp_ns: int | None, received_ns: int) -> None:
        """One message of any topic; `stamp_ns` is None where its type carries none."""
        arrivals = self._arrivals.get(topic)
        if arrivals is None:
            return
        if stamp_ns == 0:
            arrivals.zero_stamps += 1
            return
        time_ns = received_ns if stamp_ns is None else stamp_ns
        arrivals.newest_ns = time_ns
        arrivals.lag_ns = received_ns - time_ns
        arrivals.recent.append(time_ns)
        while arrivals.recent[0] < time_ns - _RATE_WINDOW_NS:
            arrivals.recent.popleft()

    def newest_ns(self) -> int:
        """The newest stamp that has come, of all expected topics [ns]; 0 where none has."""
        return max((arrivals.newest_ns or 0 for arrivals in self._arrivals.values()), default=0)

    def problems(self, now_ns: int, since_ns: int | None = None) -> tuple[str, ...]:
        """One sentence for every expected topic that is not fresh at `now_ns`; empty where all are.

        Args:
            now_ns: Time on the clock that stamps are on.
            since_ns: Samples stamped before this do not count (a world that has been reset since).
        """
        return tuple(problem for problem in self.verdicts(now_ns, since_ns).values() if problem)

    def verdicts(self, now_ns: int, since_ns: int | None = None) -> dict[str, str]:
        """Per expected topic what :meth:`problems` says of it; empty where it is fresh."""
        return {topic: self._problem(expected, now_ns, since_ns) for topic, expected in self._expected.items()}

    def figures(self, now_ns: int) -> dict[str, dict[str, Any]]:
        """Per expected topic: rate over the last second of stamps [Hz], age [s], lag of reception behind stamp [s]."""
        return {
            topic: {
                "rate_hz": len(arrivals.recent) * _NS_PER_S / _RATE_WINDOW_NS,
                "age_s": None if arrivals.newest_ns is None else (now_ns - arrivals.newest_ns) / _NS_PER_S,
                "lag_s": arrivals.lag_ns / _NS_PER_S,
            }
            for topic, arrivals in self._arrivals.items()
        }

    def _problem(self, expected: Expected, now_ns: int, since_ns: int | None) -> str:
        name, arrivals = expected.topic, self._arrivals[expected.topic]
        types = self._offered.get(expected.topic)
        if types is None:
            kind = f" ({expected.type})" if expected.type else ""
            return f"{name}: nobody publishes it{kind}; is its node running, under this name?"
        if expected.type and expected.type not in types:
            return f"{name}: has type {', '.join(types)}, the contract wants {expected.type}"
        if expected.max_age_s is None:
            return ""
        if arrivals.newest_ns is None:
            if arrivals.zero_stamps:
                return f"{name}: {arrivals.zero_stamps} messages with stamp zero; its publisher must stamp them"
            return f"{name}: has a publisher, but no message has come"
        age_ns = now_ns - arrivals.newest_ns
        if age_ns < -_WRONG_CLOCK_NS:
            return f"{name}: stamped {-age_ns / _NS_PER_S:.0f} s ahead of this node's clock; is use_sim_time the same?"
        if age_ns > expected.max_age_s * _NS_PER_S + self._slack_ns:
            return f"{name}: newest sample is {age_ns / _NS_PER_S:.2f} s old, {expected.max_age_s:g} s allowed"
        if since_ns is not None and arrivals.newest_ns < since_ns:
            return f"{name}: no sample since the reset"
        return ""
