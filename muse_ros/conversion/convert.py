"""A whole conversion: many recordings into one dataset, in several processes, doing only what is not done yet.

What came of it is answered as a :class:`Summary` and written to ``conversion.json`` beside the dataset. No ROS needed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.store import DatasetError
from muse_core.files import write_text
from muse_core.worker_processes import begin_worker
from muse_ros.bags.bags import Bag, BagError, open_bag
from muse_ros.contract.contract import Contract, load_contract
from muse_ros.conversion.convert_recording import (
    CONVERTER_VERSION,
    Converted,
    Source,
    convert_recording,
    episodes_of,
    recorded_contract,
)
from muse_ros.conversion.dataset_report import dataset_report
from muse_ros.conversion.recordings import Recording, bag_bytes, fingerprint
from muse_ros.conversion.rows import row_spec

REPORT_FILE = "conversion.json"
DEFAULT_CONTRACT = "panda"
Progress = Callable[[Iterable[Any], int], Iterable[Any]]


@dataclass(frozen=True)
class Options:
    """How to convert.

    Attributes:
        include: Words of ``INCLUDE``: what is converted beside kept successes and unlabelled episodes.
        images: ``raw`` or ``jpeg``.
        namespace: Of the robot's topics; None takes what each recording says, the root where it says nothing.
        workers: Processes and threads to use.
        replace: Throw the dataset away first, where it was made under another contract.
        only: ``interventions``: rows that a teleoperator drove; empty: all.
    """

    include: tuple[str, ...] = ()
    images: str = "raw"
    namespace: str | None = None
    workers: int = 1
    replace: bool = False
    only: str = ""


@dataclass
class Summary:
    """What came of a conversion.

    Attributes:
        converted: Recordings of which episodes were made now.
        skipped: Ids of recordings that were in the dataset already, unchanged.
        excluded: Id to reason, for recordings that were not asked for.
        refused: Id to reason, for recordings that could not be converted.
        removed: Ids of episodes taken out because their recording is now excluded or refused.
        report: What ``conversion.json`` holds.
    """

    converted: list[Converted] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    excluded: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)


def convert(
    recordings: Sequence[Recording],
    output: Path,
    contract: Contract,
    options: Options = Options(),
    progress: Progress = lambda items, total: items,
) -> Summary:
    """Bring a dataset up to date with recordings.

    Args:
        recordings: From :func:`muse_ros.conversion.recordings.find_recordings`.
        output: The dataset's folder; made where it is missing.
        contract: What to translate.
        options: How.
        progress: Wraps the results as they come in, as tqdm does.

    Raises:
        DatasetError: if the folder holds a dataset of another contract and may not be replaced.
        FileExistsError: if the folder holds something else.
    """
    summary = Summary()
    folder = _open_dataset(output, contract, options)
    jobs = _choose_jobs(recordings, folder, contract, options, summary)
    for converted in progress(_results(jobs, folder, contract, options.workers), len(jobs)):
        if converted.refused is None:
            summary.converted.append(converted)
        else:
            summary.refused[converted.recording_id] = converted.refused
            summary.removed += _remove(folder, converted.recording_id)
    summary.converted.sort(key=lambda converted: converted.recording_id)
    summary.refused = dict(sorted(summary.refused.items()))
    folder = EpisodeFolder.open(output)  # anew: what was there before may have another length now
    summary.report = {
        **dataset_report(folder, contract),
        "excluded": summary.excluded,
        "refused": summary.refused,
    }
    report, path = json.dumps(summary.report, indent=2, ensure_ascii=False) + "\n", output / REPORT_FILE
    if not path.is_file() or path.read_text(encoding="utf-8") != report:  # what changed nothing leaves no newer date
        write_text(path, report)
    return summary


def choose_contract(recordings: Sequence[Recording], name: str | None) -> Contract:
    """The contract named, else the one that all recordings embed, else ``panda``.

    Raises:
        ContractError: if the named one cannot be read.
        DatasetError: if the recordings embed different ones and none is named.
    """
    if name is not None:
        return load_contract(name)
    found: dict[str, tuple[Contract, str]] = {}
    for recording in recordings:
        contract = _embedded(recording)
        if contract is not None:
            found.setdefault(contract.digest(), (contract, recording.id))
    if len(found) > 1:
        listed = "; ".join(f"{contract.name} {digest[:12]} ({where})" for digest, (contract, where) in found.items())
        raise DatasetError(f"the recordings were made under different contracts: {listed}; name one with --contract")
    return next(iter(found.values()))[0] if found else load_contract(DEFAULT_CONTRACT)


def _choose_jobs(
    recordings: Sequence[Recording], folder: EpisodeFolder, contract: Contract, options: Options, summary: Summary
) -> list[tuple[Recording, Source]]:
    """What has to be converted now; what becomes of the other recordings goes into the summary."""
    jobs = []
    for recording in recordings:
        word = recording.excluded_as
        if word is not None and word not in options.include:
            summary.excluded[recording.id] = f"{_EXCLUDED[word]} (--include {word})"
            summary.removed += _remove(folder, recording.id)
            continue
        namespace = recording.namespace if options.namespace is None else options.namespace
        source = Source(str(recording.path), fingerprint(recording), contract.digest(), namespace, options.only)
        if _is_done(folder, recording, source):
            summary.skipped.append(recording.id)
        elif other := _other_of_this_name(folder, recording):
            summary.refused[recording.id] = f"{folder.path} has an episode of this name from {other}; rename a session"
        else:
            jobs.append((recording, source))
    return jobs


_EXCLUDED = {
    "failures": "a failure, or ended by a fault of the arm",
    "unfinished": "cut short or still being recorded, nobody has kept it",
    "discarded": "discarded",
}


def _embedded(recording: Recording) -> Contract | None:
    """The contract in episode.json, else in the bag; a bag that cannot be read is told of when it is converted."""
    contract = recorded_contract(Bag(recording.path), recording)
    if contract is not None or recording.info:
        return contract
    try:
        return recorded_contract(open_bag(recording.path), recording)
    except BagError:
        return None


def _open_dataset(output: Path, contract: Contract, options: Options) -> EpisodeFolder:
    if (output / "dataset.json").exists():
        folder = EpisodeFolder.open(output)
        digest = Contract.from_dict(folder.contract).digest() if folder.contract else "none"
        if digest == contract.digest() and folder.images == options.images and dict(folder.spec) == row_spec(contract):
            return folder
        if not options.replace:
            raise DatasetError(
                f"{output} was made under another contract or image storage ({digest[:12]}, {folder.images}; now "
                f"{contract.digest()[:12]}, {options.images}); choose another name, or --replace it"
            )
        shutil.rmtree(output)
    elif output.is_file():
        raise FileExistsError(f"{output} is a file; choose another name")
    elif output.exists() and any(output.iterdir()):
        raise FileExistsError(f"{output} is a folder with other things in it; choose another name")
    provenance = {"made_by": "muse convert", "converter": CONVERTER_VERSION, "contract_digest": contract.digest()}
    return EpisodeFolder.create(output, row_spec(contract), contract.to_dict(), provenance, options.images)


def _is_done(folder: EpisodeFolder, recording: Recording, source: Source) -> bool:
    existing = [folder.metadata(name) for name in episodes_of(folder, recording.id)]
    whole = bool(existing) and len(existing) == existing[0].get("siblings")
    return whole and all(source.same_input(metadata.get("source", {})) for metadata in existing)


def _other_of_this_name(folder: EpisodeFolder, recording: Recording) -> str | None:
    """Another recording, still on disk, that the dataset's episodes of this name were made of."""
    for name in episodes_of(folder, recording.id):
        path = str(folder.metadata(name).get("source", {}).get("bag", ""))
        if path and Path(path).exists() and not recording.path.samefile(path):
            return path
    return None


def _remove(folder: EpisodeFolder, recording_id: str) -> list[str]:
    folder.refresh()
    names = episodes_of(folder, recording_id)
    for name in names:
        folder.remove_episode(name)
    return names


def _results(
    jobs: Sequence[tuple[Recording, Source]], folder: EpisodeFolder, contract: Contract, workers: int
) -> Iterable[Converted]:
    """Results as they come. Bags go to processes of their own; a single one has its images decoded by threads."""
    processes = min(workers, len(jobs))
    if processes <= 1:
        for recording, source in jobs:
            yield _work(recording, contract, folder.path, source, workers)
        return
    threads = max(1, workers // len(jobs))
    largest_first = sorted(jobs, key=lambda job: -bag_bytes(job[0]))
    with ProcessPoolExecutor(processes, get_context("spawn"), begin_worker) as pool:
        try:
            running = [
                pool.submit(_work, recording, contract, folder.path, source, threads)
                for recording, source in largest_first
            ]
            for future in as_completed(running):
                yield future.result()
        except BaseException:  # an interrupt must not wait for what has not begun
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _work(recording: Recording, contract: Contract, output: Path, source: Source, threads: int) -> Converted:
    """One recording, in whatever process: an error of any kind refuses this recording and no other."""
    try:
        import cv2  # type: ignore[import-untyped]

        cv2.setNumThreads(1)  # each worker is one of many
        return convert_recording(recording, contract, EpisodeFolder.open(output), source, threads)
    except Exception as error:
        return Converted(recording.id, refused=f"{type(error).__name__}: {error}")
