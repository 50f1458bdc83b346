"""The seam to rosbag2: `open_bag` and `read_bag` read any bag, `open_writer` writes one. No rclpy.

Reading needs no ROS and takes MCAP and SQLite3, split files, compression, and files cut short. Writing goes through
``rosbag2_py`` where that imports and through :mod:`muse_ros.bags.mcap_writer` elsewhere; both make a folder that every
rosbag2 tool opens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from muse_ros.bags.reader import Bag, BagError, BagTopic, is_bag
from muse_ros.bags.reader import open_bag as open_bag
from muse_ros.bags.writer import BagWriteError, BagWriter, NativeBagWriter

__all__ = ["Bag", "BagError", "BagTopic", "BagWriteError", "BagWriter", "is_bag", "open_bag", "open_writer", "read_bag"]

WRITERS = ("auto", "rosbag2_py", "muse")


def read_bag(
    path: str | Path, topics: Iterable[str] | None = None
) -> Iterator[tuple[str, str, bytes | memoryview, int]]:
    """Every message of a bag in the order of the file: (topic, type, CDR bytes, receive time [ns]).

    Args:
        path: The bag's folder, or one ``.mcap`` or ``.db3`` file.
        topics: Absolute names of the topics wanted; None takes all.

    Raises:
        BagError: if there is no bag that can be read.
    """
    return open_bag(path).messages(topics)


def open_writer(
    folder: str | Path,
    contract: Mapping[str, Any] | None = None,
    contract_digest: str = "",
    custom: Mapping[str, str] | None = None,
    backend: str = "auto",
) -> BagWriter:
    """Begin a bag in a folder that does not exist yet.

    Args:
        folder: The bag's folder.
        contract: The contract in force, as plain data, embedded in the bag.
        contract_digest: Its digest.
        custom: Further names and texts to embed.
        backend: ``rosbag2_py``, ``muse``, or ``auto``: the former where it imports.

    Raises:
        BagWriteError: if the folder exists, or the disk refuses.
        ImportError: if `backend` is ``rosbag2_py`` and that does not import.
    """
    if backend not in WRITERS:
        raise ValueError(f"backend must be one of {', '.join(WRITERS)}, got {backend!r}")
    embedded = dict(custom or {})
    if contract is not None:
        embedded["muse_contract"] = json.dumps(contract, sort_keys=True)
        embedded["muse_contract_digest"] = contract_digest
    if backend != "muse":
        try:
            from muse_ros.bags.rosbag2_writer import Rosbag2Writer

            return Rosbag2Writer(Path(folder), embedded)
        except ImportError:
            if backend == "rosbag2_py":
                raise
    return NativeBagWriter(Path(folder), embedded)
