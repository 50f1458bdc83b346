"""The command ``muse import``: a dataset of another format into a dataset folder. Needs no ROS and no torch."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from muse_core.datasets.exchange.exchange import ImportOptions, import_dataset
from muse_core.datasets.flag_values import positive, whole
from muse_core.datasets.store import DatasetError

DONE, FAILED, INTERRUPTED = 0, 1, 130
_EPILOG = """\
FILE is one of:
  NAME.npz           the original Muse's flat arrays; `done` says where episodes end. Its images are BGR, as OpenCV has
                     them, and are converted to RGB. Pickled text is read without running what else a pickle may hold
  NAME.hdf5, NAME.h5 robomimic's demos; `actions`, `rewards`, `dones` become `action`, `reward`, `done`

Importing is not needed for training, which reads these files as they are. It is for adding episodes, for leaving out
keys, for storing images as JPEG, and for repairing. What is made appears when it is whole.

examples:
  muse import data/real/make-coffee_eimgs_100ep.npz -o data/coffee
  muse import collected.npz -o data/all --unfinished keep --leave_out qdot --leave_out raw/action
  muse import square.hdf5 -o data/square --images jpeg
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit status: 1 where nothing could be imported."""
    arguments = _parse(argv)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("muse_core").setLevel(logging.INFO)
    options = ImportOptions(
        images=arguments.images,
        jpeg_quality=arguments.jpeg_quality,
        colour_order=arguments.colour_order,
        unfinished=arguments.unfinished,
        leave_out=tuple(arguments.leave_out),
        rate_hz=arguments.rate_hz,
    )
    try:
        folder = import_dataset(arguments.file, arguments.output, options)
    except (DatasetError, OSError) as error:
        print(f"muse import: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"muse import: interrupted; nothing was left at {arguments.output}", file=sys.stderr)
        return INTERRUPTED
    print(f"{folder.path}: {len(folder)} episodes, {int(folder.lengths.sum())} rows of {', '.join(folder.spec)}")
    return DONE


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="muse import",
        description="Make a dataset folder of a dataset in another format.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the dataset to import")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="data/NAME", help="the folder to make")
    parser.add_argument(
        "--images",
        choices=("raw", "jpeg"),
        default="raw",
        help="how images are stored (default: raw, fastest to train)",
    )
    parser.add_argument(
        "--jpeg_quality",
        type=whole(1, 100),
        default=95,
        metavar="1..100",
        help="of --images jpeg (default: %(default)s)",
    )
    parser.add_argument(
        "--colour_order",
        choices=("bgr", "rgb"),
        help="of the images in a .npz (default: what the file says; bgr where it says nothing)",
    )
    parser.add_argument(
        "--unfinished",
        choices=("refuse", "keep", "drop"),
        default="refuse",
        help="what to do with the rows of a .npz after its last `done` (default: refuse the file)",
    )
    parser.add_argument(
        "--leave_out", action="append", default=[], metavar="KEY", help="do not import this key; may be repeated"
    )
    parser.add_argument(
        "--rate_hz",
        type=positive,
        metavar="HZ",
        help="rows per second, which neither format says and a live policy needs",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
