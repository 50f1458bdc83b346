"""The command ``muse export``: a dataset as one file of another format. Needs no ROS and no torch."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from muse_core.datasets.exchange.exchange import export_dataset
from muse_core.datasets.flag_values import share
from muse_core.datasets.opening import open_dataset
from muse_core.datasets.store import DatasetError

DONE, FAILED, INTERRUPTED = 0, 1, 130
_EPILOG = """\
FILE is one of:
  NAME.npz           the original Muse's layout: one flat array a key, all episodes in a row, `done` True in the last
                     row of each. numpy.load reads it. Images are RGB, which its key `meta` says; --colour_order bgr
                     writes what the original's own code expects
  NAME.hdf5, NAME.h5 robomimic's layout: data/demo_0/obs/..., actions, rewards, dones, mask/train and mask/valid. It
                     expects actions in [-1, 1]: where they are not you are told, and --scale_actions makes them so

Either holds the whole dataset: `muse import` makes the same dataset of it again.

examples:
  muse export data/lift -o lift.npz
  muse export data/coffee -o coffee.npz --colour_order bgr
  muse export data/lift -o lift.hdf5 --scale_actions
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit status: 1 where nothing could be exported."""
    arguments = _parse(argv)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("muse_core").setLevel(logging.INFO)
    try:
        if arguments.output.exists() and not arguments.replace:
            raise DatasetError(f"{arguments.output} exists; choose another name, or --replace it")
        store = open_dataset(arguments.dataset)
        export_dataset(store, arguments.output, **_options(arguments))
    except (DatasetError, OSError) as error:
        print(f"muse export: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"muse export: interrupted; {arguments.output} is as it was", file=sys.stderr)
        return INTERRUPTED
    size = arguments.output.stat().st_size
    print(f"{arguments.output}: {len(store)} episodes, {int(store.lengths.sum())} rows, {size / 1e6:.1f} MB")
    return DONE


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was asked for of this format.

    Raises:
        DatasetError: when something of the other format was asked for.
    """
    npz = {"colour_order": arguments.colour_order, "compress": False if arguments.uncompressed else None}
    robomimic = {
        "actions": arguments.actions,
        "scale_actions": arguments.scale_actions or None,
        "validation_fraction": arguments.validation_fraction,
    }
    mine, other = (npz, robomimic) if arguments.output.suffix == ".npz" else (robomimic, npz)
    foreign = [name for name, value in other.items() if value is not None]
    if foreign:
        flag = "uncompressed" if foreign[0] == "compress" else foreign[0]
        raise DatasetError(f"{arguments.output}: --{flag} is not for files of this format")
    return {name: value for name, value in mine.items() if value is not None}


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="muse export",
        description="Write a dataset as one file of another format.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="the dataset: data/NAME, or a file `muse` reads")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")
    parser.add_argument("--replace", action="store_true", help="replace FILE where it exists")
    npz = parser.add_argument_group(".npz")
    npz.add_argument("--colour_order", choices=("rgb", "bgr"), help="of images in the file (default: rgb)")
    npz.add_argument(
        "--uncompressed", action="store_true", help="larger, but trained on in place instead of unpacked first"
    )
    robomimic = parser.add_argument_group(".hdf5, .h5")
    robomimic.add_argument(
        "--actions", action="append", metavar="KEY", help="key to write as `actions`; repeated, they go side by side"
    )
    robomimic.add_argument(
        "--scale_actions", action="store_true", help="divide each dimension of the actions by its largest magnitude"
    )
    robomimic.add_argument(
        "--validation_fraction", type=share, metavar="SHARE", help="of episodes in mask/valid (default: 0.1)"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
