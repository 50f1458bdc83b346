"""Converts recordings into a dataset folder: the pure road from bags to rows, one episode at a time. No ROS needed.

:func:`convert_recording` does one bag; :mod:`muse_ros.conversion.convert` does a folder of them in several processes
and tells what came of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.spec import SpecError
from muse_ros.bags.bags import Bag, BagError, open_bag
from muse_ros.bags.message_types import UnknownTypeError
from muse_ros.contract.audit import problems
from muse_ros.contract.contract import Contract, ContractError
from muse_ros.conversion.bag_contents import BagContents, read_contents
from muse_ros.conversion.recordings import Recording
from muse_ros.conversion.rows import NOT_BY_HAND, Row, choose_rows, decode_rows, segment_arrays, split
from muse_ros.conversion.spans import Span, spans, ticks
from muse_ros.conversion.stream_report import clock_note, stream_figures
from muse_ros.recording.session_folder import EPISODE_FILE

CONVERTER_VERSION = 2
MAX_SET_BACK = 5
"""So many stray old samples are late ones; more are a clock that was set back."""


class Refused(ValueError):
    """A recording that must not become data; the message says why, one line per reason."""


@dataclass(frozen=True)
class Source:
    """What identifies the input of a conversion: the same source gives the same bytes.

    Attributes:
        bag: Path as it was given.
        sha256: Of all files of the recording.
        contract: Digest of the contract.
        namespace: Of the robot's topics.
        only: ``interventions``, or empty for all rows.
        converter: Version of the converter.
    """

    bag: str
    sha256: str
    contract: str
    namespace: str = ""
    only: str = ""
    converter: int = CONVERTER_VERSION

    def same_input(self, other: dict[str, Any]) -> bool:
        """Whether `other`, as plain data, has the same input; the path does not count."""
        names = ("sha256", "contract", "namespace", "only", "converter")
        return all(getattr(self, name) == other.get(name) for name in names)


@dataclass
class Converted:
    """What came of one recording.

    Attributes:
        recording_id: Name of the recording.
        episodes: Ids of the dataset's episodes made of it.
        rows: Rows in them.
        ticks: All ticks of the recording.
        notes: What a user should know about it.
        refused: Why nothing was made of it; None where something was.
    """

    recording_id: str
    episodes: list[str] = field(default_factory=list)
    rows: int = 0
    ticks: int = 0
    notes: list[str] = field(default_factory=list)
    refused: str | None = None


def convert_recording(
    recording: Recording,
    contract: Contract,
    folder: EpisodeFolder,
    source: Source,
    threads: int = 1,
) -> Converted:
    """Convert one recording into episodes of `folder`, in place of those made of it before.

    A recording that must not or cannot be converted is answered as refused, with the reason; nothing is written then.

    Args:
        recording: The bag.
        contract: What to translate.
        folder: The dataset.
        source: Identifies the input; stored with every episode.
        threads: Threads that decode images.
    """
    result = Converted(recording.id)
    try:
        bag = open_bag(recording.path)
        result.notes += bag.notes
        contents = _checked_contents(bag, contract, source.namespace)
        _add_notes(result, bag, contents, recording)
        made = [
            episode
            for span in spans(contents, recording)
            for episode in _episodes_of_span(contents, span, recording, source, bag, threads, result)
        ]
        for episode_id in episodes_of(folder, recording.id):
            folder.remove_episode(episode_id)
        for episode_id, arrays, metadata in made:
            folder.add_episode(episode_id, arrays, {**metadata, "siblings": len(made)})
            result.episodes.append(episode_id)
            result.rows += len(arrays["stamp_ns"])
    except (Refused, BagError, ContractError, UnknownTypeError, SpecError) as error:
        return Converted(recording.id, ticks=result.ticks, notes=result.notes, refused=str(error))
    return result


def episodes_of(folder: EpisodeFolder, recording_id: str) -> list[str]:
    """Ids of the dataset's episodes that were made of this recording."""
    starts = (recording_id, f"{recording_id}.", f"{recording_id}-")
    near = [name for name in folder.ids if name == starts[0] or name.startswith(starts[1:])]
    return [name for name in near if folder.metadata(name).get("recording") == recording_id]


def _checked_contents(bag: Bag, contract: Contract, namespace: str) -> BagContents:
    if not bag.topics:
        raise Refused("; ".join([*bag.notes, "the bag holds no message"]))
    found = problems(contract, {name: topic.type for name, topic in bag.topics.items()}, namespace)
    if found:
        raise Refused("; ".join(found))
    contents = read_contents(bag, contract, namespace)
    for topic, buffer in contents.assembler.buffers.items():
        if not len(buffer):
            zero = buffer.counts.zero_stamps
            reason = f"{zero} messages, all with a zero header.stamp" if zero else "no message"
            raise Refused(f"{topic}: {reason} in the bag; the publisher must send stamped messages")
        if buffer.counts.set_back > MAX_SET_BACK:
            raise Refused(
                f"{topic}: {buffer.counts.set_back} stamps lie more than 5 s before the newest: the clock was set back "
                "while the bag was recorded, so that two times have one name; record again, or cut the bag there"
            )
    return contents


def _episodes_of_span(
    contents: BagContents, span: Span, recording: Recording, source: Source, bag: Bag, threads: int, result: Converted
) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    recorded = recorded_contract(bag, recording)
    same_rate = recorded is None or recorded.rate_hz == contents.contract.rate_hz
    trusted = _trusted(contents.contract, recorded)
    rows = choose_rows(contents, ticks(contents, span, same_rate), span.stop_ns, trusted, source.only)
    _decode(contents, rows, threads)
    segments, counts = split(rows, contents.contract.rate_hz)
    result.ticks += counts.ticks
    result.notes += span.notes
    if not segments and source.only and counts.reasons.get(NOT_BY_HAND):
        result.notes.append(f"{span.id}: no {source.only} in it")
        return []
    if not segments:
        reasons = "; ".join(f"{reason} ({count} of {counts.ticks} ticks)" for reason, count in counts.reasons.items())
        raise Refused(f"{span.id}: fewer than 2 rows in a run: {reasons or f'{counts.ticks} ticks in all'}")
    metadata = {
        **_about(recording, span),
        "recording": recording.id,
        "parent": span.id,
        "segments": len(segments),
        "start_ns": span.start_ns,
        "stop_ns": span.stop_ns,
        "ticks": vars(counts),
        "truncated": bag.truncated,
        "notes": list(result.notes),
        "streams": {
            topic: stream_figures(buffer, span.start_ns, span.stop_ns) for topic, buffer in contents.buffers.items()
        },
        "recorded_contract_digest": recorded.digest() if recorded else None,
        "source": vars(source),
    }
    made = []
    for number, segment in enumerate(segments):
        previous = segments[number - 1][-1] if number else None
        # of interventions the last may be over long before the success
        is_last = number == len(segments) - 1 and not (source.only and counts.trailing)
        arrays = segment_arrays(contents, span, segment, number, previous, is_last)
        name = span.id if len(segments) == 1 else f"{span.id}.s{number}"
        made.append((name, arrays, {**metadata, "segment": number, **_about_segment(contents, segment)}))
    return made


def _decode(contents: BagContents, rows: Sequence[Row], threads: int) -> None:
    if threads <= 1:
        decode_rows(contents, rows, map)
        return
    with ThreadPoolExecutor(threads) as pool:
        decode_rows(contents, rows, pool.map)


def _about(recording: Recording, span: Span) -> dict[str, Any]:
    info = recording.info
    return {
        "success": span.success,
        "task": info.get("task"),
        "operator": info.get("operator"),
        "note": info.get("note"),
        "seed": info.get("seed"),
        "session": info.get("session"),
        "kind": recording.kind,
    }


def _about_segment(contents: BagContents, segment: Sequence[Row]) -> dict[str, Any]:
    settle_ns = round(contents.contract.settle_s * 1e9)
    late = {
        key: sum(row.selection.samples[key].received_ns > row.tick.stamp_ns + settle_ns for row in segment)
        for key in contents.contract.observations
    }
    labels = [label for row in segment for label in row.labels.values()]
    return {
        "policy_name": sorted({label.source for label in labels}),
        "clean_labels": sum(label.clean for label in labels),
        "displaced": sum(label.displaced for label in labels),
        "live_ticks": sum(row.tick.live is not None for row in segment),
        "late": late,
        "late_live": max((row.tick.live.late_samples for row in segment if row.tick.live), default=0),
        "sample_keys": list(contents.contract.observations),
    }


def recorded_contract(bag: Bag, recording: Recording) -> Contract | None:
    """The contract that was in force when the bag was recorded; None where it names none that can be read."""
    try:
        data = recording.info.get("contract") or json.loads(bag.custom.get("muse_contract", "null"))
        return Contract.from_dict(data) if data else None
    except (ValueError, TypeError):
        return None


def _trusted(contract: Contract, recorded: Contract | None) -> set[str]:
    """Keys whose recorded sample stamps mean the same under both contracts."""
    if recorded is None:
        return set(contract.observations)
    theirs = recorded.observations
    return {
        key
        for key, stream in contract.observations.items()
        if key in theirs and (theirs[key].topic, theirs[key].latency_ns) == (stream.topic, stream.latency_ns)
    }


def _add_notes(result: Converted, bag: Bag, contents: BagContents, recording: Recording) -> None:
    contract = contents.contract
    recorded = recorded_contract(bag, recording)
    if recorded is not None and recorded.digest() != contract.digest():
        result.notes.append(
            f"recorded under contract {recorded.name} {recorded.digest()[:12]}, "
            f"converted by {contract.name} {contract.digest()[:12]}"
        )
    if not recording.info and (recording.path / EPISODE_FILE).exists():
        result.notes.append(f"{EPISODE_FILE} cannot be read: the label is taken from the bag's events")
    if recording.info.get("messages_lost"):
        result.notes.append(f"messages were lost on the way to the recorder; {EPISODE_FILE} tells the topics")
    result.notes.extend(f"degraded: {reason}" for reason in recording.info.get("degraded_because") or ())
    for topic, buffer in contents.buffers.items():
        note = clock_note(topic, buffer)
        if note and recording.info.get("clock") != "simulated":  # /clock is one for all; it only runs unevenly
            result.notes.append(note)
        if buffer.counts.zero_stamps:
            result.notes.append(f"{topic}: {buffer.counts.zero_stamps} messages with a zero header.stamp left out")
