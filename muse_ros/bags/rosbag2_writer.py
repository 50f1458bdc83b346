"""The bag writer over ``rosbag2_py``, for machines with a ROS install. Importing it raises ImportError elsewhere.

rosbag2 finds the message definitions and chooses the metadata version of its own release.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rosbag2_py  # type: ignore[import-not-found]
from rosbag2_py import _storage

from muse_core.files import sync_tree
from muse_ros.bags.metadata import qos_text
from muse_ros.bags.qos import Qos, offers
from muse_ros.bags.writer import BagWriteError


class Rosbag2Writer:
    """Writes a bag through rosbag2's own sequential writer; see :class:`muse_ros.bags.writer.BagWriter`."""

    def __init__(self, folder: Path, custom: Mapping[str, str]) -> None:
        if folder.exists():
            raise BagWriteError(f"{folder}: exists already; a bag is never written over another")
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.counts: dict[str, int] = {}
        self._writer: Any = rosbag2_py.SequentialWriter()
        # No cache: a message is in the storage plugin's chunk when write() returns, and no thread can lose it.
        options = rosbag2_py.StorageOptions(uri=str(folder), storage_id="mcap", max_cache_size=0)
        if hasattr(options, "custom_data"):  # Iron and newer
            options.custom_data = dict(custom)
        try:
            self._writer.open(options, rosbag2_py.ConverterOptions("cdr", "cdr"))
        except RuntimeError as error:
            raise BagWriteError(f"{folder}: rosbag2 cannot write there: {error}") from error

    def add_topic(self, topic: str, type_name: str, qos: Any = None) -> None:
        """See :class:`muse_ros.bags.writer.BagWriter`."""
        if topic in self.counts:
            return
        metadata = {"name": topic, "type": type_name, "serialization_format": "cdr"}
        offered = offers(qos)
        if hasattr(_storage, "QoS"):  # Jazzy and newer: an id, and QoS as objects
            profiles = [_profile(offer) for offer in offered]
            described = rosbag2_py.TopicMetadata(id=len(self.counts), **metadata, offered_qos_profiles=profiles)
        else:  # up to Iron: no id, and QoS as text
            described = rosbag2_py.TopicMetadata(**metadata, offered_qos_profiles=qos_text(offered))
        self._writer.create_topic(described)
        self.counts[topic] = 0

    def write(self, topic: str, type_name: str, data: bytes | memoryview, received_ns: int) -> None:
        """See :class:`muse_ros.bags.writer.BagWriter`."""
        self.add_topic(topic, type_name)
        try:
            self._writer.write(topic, bytes(data), received_ns)
        except RuntimeError as error:
            raise BagWriteError(f"{self.folder}: rosbag2 could not write: {error}; see the free space") from error
        self.counts[topic] += 1

    def flush(self) -> None:
        """Nothing to do: without a cache, rosbag2 holds back no more than the storage plugin's current chunk."""

    def close(self) -> None:
        """See :class:`muse_ros.bags.writer.BagWriter`."""
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        if hasattr(writer, "close"):
            writer.close()
        del writer
        sync_tree(self.folder)


def _profile(offer: Qos) -> Any:
    """The offer as rosbag2_py's own object."""
    profile = _storage.QoS(offer.depth)
    for policy in ("history", "reliability", "durability", "liveliness"):
        names = getattr(_storage, f"rmw_qos_{policy}_policy_t")
        wanted = f"RMW_QOS_POLICY_{policy}_{getattr(offer, policy)}".upper()
        unknown = f"RMW_QOS_POLICY_{policy}_UNKNOWN".upper()
        getattr(profile, policy)(getattr(names, wanted, getattr(names, unknown)))
    return profile
