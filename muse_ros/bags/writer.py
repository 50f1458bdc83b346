"""Writes a bag: a folder with one MCAP file and rosbag2's metadata. Needs no rosbag2, no rclpy."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from muse_core.files import sync_tree
from muse_ros.bags.mcap_writer import McapWriter
from muse_ros.bags.message_types import UnknownTypeError, definition, type_hash
from muse_ros.bags.metadata import TopicRecord, qos_text, write_metadata
from muse_ros.bags.qos import Qos, offers

UNFINISHED_SUFFIX = ".recording"
"""What a bag's folder is called, beyond its name, until somebody has decided to keep it."""


class BagWriteError(OSError):
    """A bag could not be written; the message says why, and what is left of it."""


class BagWriter:
    """Writes serialised messages into one bag.

    Attributes:
        counts: Topic to messages written so far.
    """

    def __init__(self, folder: Path, custom: Mapping[str, str]) -> None:
        """Begin a bag in a folder that does not exist yet.

        Args:
            folder: The bag's folder.
            custom: Names and texts to embed.

        Raises:
            BagWriteError: if the folder exists, or the disk refuses.
        """
        self.folder = folder
        self.counts: dict[str, int] = {}
        self._custom = dict(custom)
        self._topics: dict[str, tuple[int, str, tuple[Qos, ...], str]] = {}
        self._failure: OSError | None = None
        self._closed = False
        try:
            folder.mkdir(parents=True)
            name = folder.name.removesuffix(UNFINISHED_SUFFIX) or folder.name
            self._file = McapWriter(folder / f"{name}_0.mcap")
            if custom:
                self._file.add_metadata("muse", custom)
        except OSError as error:
            raise _explained(folder, error) from error

    def add_topic(self, topic: str, type_name: str, qos: Any = None) -> None:
        """Announce a topic, with what its publishers offer: rclpy QoS profiles or :class:`Qos`, one or several."""
        if topic in self._topics:
            return
        try:
            text, digest = definition(type_name), type_hash(type_name)
        except UnknownTypeError:
            text, digest = "", ""
        offered = offers(qos)
        metadata = {"offered_qos_profiles": qos_text(offered), "topic_type_hash": digest}
        channel = self._file.add_channel(topic, type_name, text, metadata)
        self._topics[topic] = channel, type_name, offered, digest
        self.counts[topic] = 0

    def write(self, topic: str, type_name: str, data: bytes | memoryview, received_ns: int) -> None:
        """Add one serialised message; a topic that was not announced is, without QoS.

        Raises:
            BagWriteError: if the disk refuses. What was written before stays readable; further writes fail.
        """
        self._raise_failure()
        if topic not in self._topics:
            self.add_topic(topic, type_name)
        try:
            self._file.write(self._topics[topic][0], data, received_ns)
        except OSError as error:
            self._failure = error
            self._raise_failure()
        self.counts[topic] += 1

    def flush(self) -> None:
        """Hand what has gathered to the operating system: once a second keeps a crash from costing more than that.

        Raises:
            BagWriteError: if the disk refused, now or before.
        """
        self._raise_failure()
        try:
            self._file.flush()
        except OSError as error:
            self._failure = error
            self._raise_failure()

    def close(self) -> None:
        """Finish the bag; on return it is on the disk whole. Safe to call twice.

        Raises:
            BagWriteError: if the disk refused, now or before.
        """
        if self._closed:
            return
        self._closed = True
        if self._failure is not None:
            self._file.abandon()
            self._raise_failure()
        try:
            self._file.close()
            topics = [
                TopicRecord(topic, type_name, qos, digest, self._file.counts[channel])
                for topic, (channel, type_name, qos, digest) in self._topics.items()
            ]
            first = self._file.first_ns or 0
            write_metadata(
                self.folder, self._file.path.name, topics, first, max(first, self._file.last_ns), self._custom
            )
            sync_tree(self.folder)
        except OSError as error:
            self._failure = error
            self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise _explained(self.folder, self._failure) from self._failure


def _explained(folder: Path, error: OSError) -> BagWriteError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        text = "the disk is full; free some space. What was recorded before is readable"
    elif error.errno == errno.EEXIST:
        text = "exists already; a bag is never written over another"
    else:
        text = f"cannot be written: {error.strerror or error}. What was recorded before is readable"
    return BagWriteError(error.errno, f"{folder}: {text}")
