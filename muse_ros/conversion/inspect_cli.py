"""The command ``muse inspect``: what is in a bag, a folder of recordings, or a dataset. Needs no ROS."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from muse_ros.conversion.text_table import text_table

_EPILOG = """\
examples:
  muse inspect recordings/monday/episode_0003          the topics of one bag, and whether it serves a contract
  muse inspect recordings/monday                       one line per recording
  muse inspect data                                    the datasets in a folder
  muse inspect data/lift                               keys, episodes and sync quality of a dataset
  muse inspect data/real/coffee.npz                    keys and episodes of a .npz, .hdf5 or .h5 file
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit status: 1 where there is nothing to see, or a contract is not served."""
    parser = argparse.ArgumentParser(
        prog="muse inspect",
        description="Say what a bag, a folder of recordings, or a dataset holds.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="a bag, a dataset, or a folder of recordings or of datasets"
    )
    parser.add_argument("--contract", metavar="FILE|NAME", help="check a bag against it (default: the one in the bag)")
    parser.add_argument("--namespace", default="", metavar="NAME", help="namespace of the robot's topics, such as left")
    arguments = parser.parse_args(argv)
    from muse_core.datasets.opening import datasets_in, is_dataset_file
    from muse_core.datasets.store import DatasetError
    from muse_ros.bags.bags import BagError, is_bag
    from muse_ros.contract.contract import ContractError

    try:
        if (arguments.path / "dataset.json").is_file() or is_dataset_file(arguments.path):
            return _dataset(arguments.path)
        if arguments.path.exists() and is_bag(arguments.path):
            return _bag(arguments.path, arguments.contract, arguments.namespace)
        if names := datasets_in(arguments.path):
            print("\n".join(str(arguments.path / name) for name in names))
            print(f"{len(names)} datasets; `muse inspect {arguments.path / names[0]}` says what one holds")
            return 0
        return _recordings(arguments.path)
    except (BagError, ContractError, DatasetError, FileNotFoundError) as error:
        print(f"muse inspect: {error}", file=sys.stderr)
        return 1


def _bag(path: Path, contract_name: str | None, namespace: str) -> int:
    import numpy as np

    from muse_ros.bags.bags import open_bag
    from muse_ros.contract.audit import problems
    from muse_ros.contract.contract import load_contract
    from muse_ros.conversion.convert_recording import recorded_contract
    from muse_ros.conversion.recordings import find_recordings

    bag = open_bag(path)
    times: dict[str, list[int]] = {name: [] for name in bag.topics}
    sizes = dict.fromkeys(bag.topics, 0)
    for name, _, data, received_ns in bag.messages():
        times[name].append(received_ns)
        sizes[name] += len(data)
    lines = [("topic", "type", "messages", "Hz", "longest s", "MB")]
    for name, topic in sorted(bag.topics.items()):
        steps = np.diff(np.sort(np.array(times[name], np.int64))) * 1e-9
        rate = f"{1 / np.median(steps):.1f}" if len(steps) and np.median(steps) > 0 else "-"
        longest = f"{steps.max():.3f}" if len(steps) else "-"
        lines.append((name, topic.type, str(topic.count), rate, longest, f"{sizes[name] / 1e6:.1f}"))
    print(text_table(lines, left=2))
    every = [stamp for stamps in times.values() for stamp in stamps]
    span = (max(every) - min(every)) * 1e-9 if every else 0.0
    print(f"{len(every)} messages in {span:.1f} s, {sum(sizes.values()) / 1e6:.1f} MB")
    for note in bag.notes:
        print(f"note: {note}")
    recording = find_recordings([path])[0]
    for name in ("task", "operator", "outcome", "note", "seed", "ended_because", "degraded_because"):
        if recording.info.get(name) not in (None, "", []):
            print(f"{name}: {recording.info[name]}")
    contract = load_contract(contract_name) if contract_name else recorded_contract(bag, recording)
    if contract is None:
        print("no contract in the bag; --contract panda checks it against one")
        return 0
    found = problems(contract, {name: topic.type for name, topic in bag.topics.items()}, namespace)
    print(f"contract {contract.name} ({contract.digest()[:12]}): {'served' if not found else 'not served'}")
    for problem in found:
        print(f"  {problem}")
    return 1 if found else 0


def _recordings(path: Path) -> int:
    from muse_ros.conversion.recordings import bag_bytes, find_recordings

    lines = [("recording", "kind", "outcome", "task", "s", "MB")]
    for recording in find_recordings([path]):
        info = recording.info
        duration = f"{info['duration_s']:.1f}" if isinstance(info.get("duration_s"), (int, float)) else "-"
        outcome, task = str(info.get("outcome", "-")), str(info.get("task") or "-")
        lines.append((recording.id, recording.kind, outcome, task, duration, f"{bag_bytes(recording) / 1e6:.1f}"))
    print(text_table(lines, left=4))
    print(f"{len(lines) - 1} recordings")
    return 0


def _dataset(path: Path) -> int:
    from muse_core.datasets.episode_folder import EpisodeFolder
    from muse_core.datasets.opening import open_dataset
    from muse_ros.contract.contract import Contract
    from muse_ros.conversion.dataset_report import dataset_report
    from muse_ros.conversion.stream_report import table

    store = open_dataset(path)
    lines = [("key", "role", "shape", "dtype", "unit")]
    for key, array in store.spec.items():
        lines.append((key, array.role, str(list(array.shape)), array.dtype, array.unit))
    print(text_table(lines, left=5))
    lengths = store.lengths
    print(f"{len(store)} episodes, {int(lengths.sum())} rows", end="")
    print(f", {int(lengths.min())} to {int(lengths.max())} each" if len(store) else "", end="")
    if not isinstance(store, EpisodeFolder):
        colours = (store.provenance or {}).get("source_colour_order", "rgb")
        print(f"; images {colours} in the file" if any(array.is_image for array in store.spec.values()) else "")
        return 0
    print(f"; images {store.images}" if len(store) else "")
    if store.contract and len(store) and "ticks" in store.metadata(0):
        report = dataset_report(store, Contract.from_dict(store.contract))
        print(f"contract {report['contract']} ({report['contract_digest'][:12]}), {report['rate_hz']:g} Hz; ", end="")
        print(f"{report['successes']} successes, {report['failures']} failures of {report['episodes']} recordings")
        print(table(report["streams"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
