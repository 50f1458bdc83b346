"""What a converted dataset says about its recordings, per stream and in all; made from the dataset alone. No ROS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.store import DatasetError
from muse_ros.contract.contract import Contract
from muse_ros.contract.stream import Stream
from muse_ros.conversion.stream_report import merged, percentiles

SCHEMA_VERSION = 1


def dataset_report(folder: EpisodeFolder, contract: Contract) -> dict[str, Any]:
    """Counts, labels, and per key the sync quality, over every episode of a dataset.

    Raises:
        DatasetError: if rows do not agree with the ticks that they were made of.
    """
    metadata = [folder.metadata(name) for name in folder.ids]
    firsts = [each for each in metadata if each["segment"] == 0]
    ticks: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for each in firsts:
        ticks.update({name: count for name, count in each["ticks"].items() if name != "reasons"})
        reasons.update(each["ticks"]["reasons"])
    rows = int(folder.lengths.sum())
    _check_counts(folder, ticks, rows)
    return {
        "schema_version": SCHEMA_VERSION,
        "contract": contract.name,
        "contract_digest": contract.digest(),
        "rate_hz": contract.rate_hz,
        "episodes": len({each["parent"] for each in metadata}),
        "segments": len(metadata),
        "successes": sum(each["success"] is True for each in firsts),
        "failures": sum(each["success"] is False for each in firsts),
        "rows": rows,
        "duration_s": round(rows / contract.rate_hz, 3),
        "ticks": {name: ticks[name] for name in ("ticks", "rows", "leading", "trailing", "gaps", "short")},
        "reasons": dict(reasons.most_common()),
        "live_ticks": sum(each["live_ticks"] for each in metadata),
        "clean_labels": sum(each["clean_labels"] for each in metadata),
        "streams": _streams(folder, contract, metadata, firsts),
        "notes": {each["parent"]: each["notes"] for each in firsts if each["notes"]},
    }


def _check_counts(folder: EpisodeFolder, ticks: Mapping[str, int], rows: int) -> None:
    accounted = sum(ticks[name] for name in ("rows", "leading", "trailing", "gaps", "short"))
    if ticks["rows"] != rows or accounted != ticks["ticks"]:
        raise DatasetError(
            f"{folder.path}: {rows} rows on disk, {ticks['rows']} made; {accounted} of {ticks['ticks']} ticks "
            "accounted for. The dataset has lost episodes: convert again with --replace"
        )


def _streams(
    folder: EpisodeFolder,
    contract: Contract,
    metadata: Sequence[Mapping[str, Any]],
    firsts: Sequence[Mapping[str, Any]],
) -> dict[str, dict[str, Any]]:
    ages = _ages(folder, contract)
    rows = int(folder.lengths.sum())
    topics = {
        topic: merged([each["streams"][topic] for each in firsts if topic in each["streams"]])
        for topic in contract.topics()
    }
    found = {}
    for key, stream in contract.streams.items():
        found[key] = _figures(stream, topics[stream.topic], rows)
        if key in ages:
            found[key]["age_s"] = percentiles(ages[key])
            found[key]["late"] = sum(each["late"][key] for each in metadata)
        if stream.label_topic and topics[stream.label_topic]["count"]:
            found[f"{key} (label)"] = {
                **_figures(stream, topics[stream.label_topic], rows),
                "topic": stream.label_topic,
            }
    return found


def _figures(stream: Stream, topic: Mapping[str, Any], rows: int) -> dict[str, Any]:
    limit = stream.max_age_s if stream.role == "observation" else None
    return {"topic": stream.topic, **topic, "rows": rows, "max_age_s": limit, "age_s": None}


def _ages(folder: EpisodeFolder, contract: Contract) -> dict[str, np.ndarray]:
    """Observation key to the age of every row's sample [s]."""
    parts = [(episode.arrays["stamp_ns"][:, None] - episode.arrays["sample_stamp_ns"]) * 1e-9 for episode in folder]
    if not parts:
        return {}
    every = np.concatenate(parts)
    return {key: every[:, column] for column, key in enumerate(contract.observations)}
