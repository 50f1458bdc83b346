"""Where in a recording its episodes lie, and at which instants their rows are taken. Pure; imports no ROS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from muse_ros.contract.ticks import ticks_between
from muse_ros.conversion.bag_contents import BagContents, Event, LiveTick
from muse_ros.conversion.recordings import Recording


@dataclass(frozen=True)
class Span:
    """One episode inside a bag.

    Attributes:
        id: Name of the episode in the dataset.
        start_ns: Its first instant [ns].
        stop_ns: Its last instant [ns].
        success: The label; None where nobody said.
        notes: What is peculiar about it, in words.
    """

    id: str
    start_ns: int
    stop_ns: int
    success: bool | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tick:
    """One instant of a span.

    Attributes:
        stamp_ns: The instant [ns].
        live: What a live policy saw there; None where none acted.
    """

    stamp_ns: int
    live: LiveTick | None = field(default=None, repr=False)


def spans(contents: BagContents, recording: Recording) -> list[Span]:
    """The episodes of a bag: those that its events mark; without any, the whole bag is one.

    A bag of the recorder holds one; ``ros2 bag record`` beside a collect node may hold several.
    """
    own = str(recording.info.get("episode") or "")
    marked = _marked(contents.events, own)
    first, last = contents.first_ns(), contents.last_ns()
    marked = {name: events for name, events in marked.items() if events[-1].stamp_ns > first or own}
    if not marked:
        return [Span(recording.id, first, last, recording.success, _without_marks(recording))]
    found = []
    for name, events in marked.items():
        stamps: Mapping[str, int] = {event.name: event.stamp_ns for event in events}
        notes = () if "stop" in stamps else ("it has no stop event: cut short, taken to the end of the bag",)
        success = recording.success if recording.info else _label(events)
        identity = recording.id if len(marked) == 1 else f"{recording.id}-{name}"
        found.append(Span(identity, stamps["start"], stamps.get("stop", last), success, notes))
    return found


def ticks(contents: BagContents, span: Span, use_live: bool = True) -> list[Tick]:
    """The instants of a span: those at which a live policy acted, and between them the grid of whole periods."""
    contract = contents.contract
    live = [tick for tick in contents.live_ticks if span.start_ns <= tick.stamp_ns <= span.stop_ns] if use_live else []
    half_ns = round(0.5e9 / contract.rate_hz)
    taken = {tick.stamp_ns // half_ns for tick in live}
    grid = [
        stamp
        for stamp in ticks_between(span.start_ns, span.stop_ns, contract.rate_hz)
        if not taken or not _near(stamp, live, taken, half_ns)
    ]
    every = [Tick(tick.stamp_ns, tick) for tick in live] + [Tick(stamp) for stamp in grid]
    return sorted(every, key=lambda tick: tick.stamp_ns)


def _near(stamp: int, live: Sequence[LiveTick], taken: set[int], half_ns: int) -> bool:
    cell = stamp // half_ns
    if not taken & {cell - 1, cell, cell + 1}:
        return False
    return any(abs(tick.stamp_ns - stamp) < half_ns for tick in live)


def _marked(events: Sequence[Event], own: str) -> dict[str, list[Event]]:
    """Episode id to its events, for episodes that have a start."""
    by_episode: dict[str, list[Event]] = {}
    for event in events:
        if not own or event.episode_id == own:
            by_episode.setdefault(event.episode_id, []).append(event)
    return {name: marks for name, marks in by_episode.items() if any(mark.name == "start" for mark in marks)}


def _label(events: Sequence[Event]) -> bool | None:
    labels = [event.name == "success" for event in events if event.name in ("success", "failure")]
    return labels[-1] if labels else None


def _without_marks(recording: Recording) -> tuple[str, ...]:
    return ("its bag holds no start event: the whole bag is taken",) if recording.info else ()
