"""The seam to rosbag2: `open_bag` and `read_bag` read any bag, `open_writer` writes one. No rclpy.

Reading needs no ROS and takes MCAP and SQLite3, split files, compression, and files cut short. Every rosbag2 tool
opens what is written. rosbag2's own writer is not used even where it is installed: it holds a chunk back until that is
768 kB large, which is half a minute of an arm's state, and a process that is killed takes it along.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from muse_ros.bags.reader import Bag, BagError, BagTopic, is_bag
from muse_ros.bags.reader import open_bag as open_bag
from muse_ros.bags.writer import BagWriteError, BagWriter

__all__ = ["Bag", "BagError", "BagTopic", "BagWriteError", "BagWriter", "is_bag", "open_bag", "open_writer", "read_bag"]


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
) -> BagWriter:
    """Begin a bag in a folder that does not exist yet.

    Args:
        folder: The bag's folder.
        contract: The contract in force, as plain data, embedded in the bag.
        contract_digest: Its digest.

    Raises:
        BagWriteError: if the folder exists, or the disk refuses.
    """
    embedded = {}
    if contract is not None:
        embedded = {"muse_contract": json.dumps(contract, sort_keys=True), "muse_contract_digest": contract_digest}
    return BagWriter(Path(folder), embedded)
