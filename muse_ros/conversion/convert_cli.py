"""The command ``muse convert``: recordings into a dataset. Needs no ROS."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muse_core.processors import usable_processors

if TYPE_CHECKING:
    from muse_ros.conversion.convert import Summary

DONE, NOTHING, SOME_REFUSED, INTERRUPTED = 0, 1, 3, 130
_EPILOG = """\
Recordings are folders of the collect node, or rosbag2 bags of any other recorder (MCAP or SQLite3): every bag below
the named folders is found. What has been converted already and has not changed is skipped; what has changed (a new
label, a longer bag) is converted again. Every episode is written whole or not at all, and one that fails does not stop
the others.

exit status: 0 all is in the dataset; 3 some recordings were refused, the others are in it; 1 nothing could be done

examples:
  muse convert recordings/monday -o data/lift
  muse convert recordings -o data/all --contract config/robot/mine.yaml --include failures
  muse convert recordings/policy -o data/corrections --only interventions --include failures
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    arguments = _parse(argv)
    from muse_core.datasets.store import DatasetError
    from muse_ros.contract.contract import ContractError
    from muse_ros.conversion.convert import Options, choose_contract, convert
    from muse_ros.conversion.recordings import bag_bytes, find_recordings

    began = time.monotonic()
    try:
        recordings = find_recordings(arguments.recordings)
        contract = choose_contract(recordings, arguments.contract)
        options = Options(
            tuple(arguments.include),
            arguments.images,
            arguments.namespace,
            arguments.workers,
            arguments.replace,
            arguments.only,
        )
        print(
            f"contract {contract.name} ({contract.digest()[:12]}), {contract.rate_hz:g} Hz; "
            f"{len(recordings)} recordings"
        )
        summary = convert(recordings, arguments.output, contract, options, _progress)
    except (FileNotFoundError, FileExistsError, ContractError, DatasetError) as error:
        print(f"muse convert: {error}", file=sys.stderr)
        return NOTHING
    except KeyboardInterrupt:
        print("muse convert: interrupted; what is in the dataset is whole, the same command goes on", file=sys.stderr)
        return INTERRUPTED
    done = {converted.recording_id for converted in summary.converted}
    size = sum(bag_bytes(recording) for recording in recordings if recording.id in done)
    _tell(summary, arguments.output, time.monotonic() - began, size, contract.rate_hz)
    if summary.refused:
        return SOME_REFUSED if summary.report["episodes"] else NOTHING
    return DONE if summary.report["episodes"] else NOTHING


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="muse convert",
        description="Convert recordings into a dataset to train on, by a contract that says what becomes what.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recordings", nargs="+", type=Path, metavar="RECORDINGS", help="folders with bags, or bags")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="data/NAME", help="the dataset's folder, made or added to"
    )
    parser.add_argument(
        "--contract",
        metavar="FILE|NAME",
        help="contract file, or the name of one in config/robot (default: the one in the recordings, else panda)",
    )
    parser.add_argument(
        "--include",
        action="append",
        default=[],
        choices=("failures", "unfinished", "discarded"),
        help="convert these as well: failures and what the arm's fault ended, cut short, discarded; may be repeated",
    )
    parser.add_argument(
        "--only",
        choices=("interventions",),
        default="",
        help="convert only what a teleoperator drove: of a policy's episodes the interventions, as DAgger trains on",
    )
    parser.add_argument(
        "--images",
        choices=("raw", "jpeg"),
        default="raw",
        help="how images are stored (default: raw, fastest to train on)",
    )
    parser.add_argument(
        "--namespace", metavar="NAME", help="namespace of the robot's topics, such as left (default: as recorded)"
    )
    parser.add_argument(
        "--workers",
        type=_count,
        default=usable_processors(),
        metavar="N",
        help="processes to use (default: every core, here %(default)s)",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="throw away a dataset that was made under another contract, and begin anew",
    )
    return parser.parse_args(argv)


def _progress(items: Iterable[Any], total: int) -> Iterable[Any]:
    from tqdm import tqdm

    return tqdm(items, total=total, unit="bag", desc="converting", disable=not total, mininterval=0.5)


def _tell(summary: Summary, output: Path, wall_s: float, size: int, rate_hz: float) -> None:
    from muse_ros.conversion.stream_report import table

    report = summary.report
    if report["episodes"]:
        print(table(report["streams"]))
    notes: dict[str, int] = {}
    for converted in summary.converted:
        for note in converted.notes:
            notes[note] = notes.get(note, 0) + 1
    for note, count in notes.items():
        print(f"note: {note}" + (f" ({count} recordings)" if count > 1 else ""))
    ticks = report["ticks"]
    print(
        f"{report['episodes']} episodes in {report['segments']} segments, {report['successes']} successes, "
        f"{report['rows']} rows ({report['duration_s']:.1f} s).\nOf {ticks['ticks']} ticks: {ticks['leading']} "
        f"before the first row, {ticks['trailing']} after the last, {ticks['gaps']} in gaps, {ticks['short']} in "
        "segments of one row."
    )
    for reason, count in list(report["reasons"].items())[:5]:
        print(f"  {count} ticks without a row: {reason}")
    for recording_id, reason in summary.excluded.items():
        print(f"excluded {recording_id}: {reason}")
    for recording_id, reason in summary.refused.items():
        print(f"refused {recording_id}: {reason}", file=sys.stderr)
    if summary.removed:
        print(f"taken out of the dataset: {', '.join(summary.removed)}")
    rows = sum(converted.rows for converted in summary.converted)
    speed = f", {rows / rate_hz / wall_s:.0f} x real time, {size / wall_s / 1e6:.0f} MB/s" if rows else ""
    print(
        f"{len(summary.converted)} recordings converted, {len(summary.skipped)} up to date, {len(summary.excluded)} "
        f"excluded, {len(summary.refused)} refused in {wall_s:.1f} s{speed}. The dataset: {output}"
    )


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
