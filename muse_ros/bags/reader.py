"""Reads rosbag2 bags of any recorder: MCAP and SQLite3, split, compressed, or cut short. No ROS needed.

Plain MCAP goes through :mod:`muse_ros.bags.mcap_reader` (no copies, damage survived), plain SQLite3 through Python's
own module, and what rosbag2 has compressed itself (``.zstd`` files or messages) through the rosbags package.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from muse_ros.bags.mcap_reader import McapError, read_mcap
from muse_ros.bags.message_types import codec
from muse_ros.bags.metadata import FILE_NAME, read_metadata
from muse_ros.contract.sample_buffer import Codec

Message = tuple[str, str, "bytes | memoryview", int]


class BagError(ValueError):
    """A bag cannot be read; the message names the file and what to do."""


@dataclass
class BagTopic:
    """One topic of a bag: absolute name, message type, embedded definition (may be empty), number of messages."""

    name: str
    type: str
    definition: str = ""
    count: int = 0


@dataclass
class Bag:
    """An open bag.

    Attributes:
        path: Its folder or file.
        topics: Absolute name to topic.
        custom: Names and texts that the recorder embedded.
        notes: What was wrong with the files, in words.
        truncated: Whether a file ends before its end mark.
    """

    path: Path
    topics: dict[str, BagTopic] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    truncated: bool = False
    _messages: list[tuple[str, bytes | memoryview, int]] = field(default_factory=list, repr=False)

    def messages(self, topics: Iterable[str] | None = None) -> Iterator[Message]:
        """Messages in the order of the file: (topic, type, CDR bytes, receive time [ns])."""
        wanted = self.topics if topics is None else {name: self.topics[name] for name in topics if name in self.topics}
        types = {name: topic.type for name, topic in wanted.items()}
        for name, data, received_ns in self._messages:
            if name in types:
                yield name, types[name], data, received_ns

    def codec(self, topics: Iterable[str] | None = None) -> Codec:
        """Reads this bag's messages by the definitions embedded in it.

        Raises:
            UnknownTypeError: if a type of one of `topics` (None: of any) has no definition in the bag or in reach.
        """
        wanted = self.topics.values() if topics is None else [self.topics[name] for name in topics]
        return codec({topic.type: topic.definition for topic in wanted})

    def _see(self, name: str, type_name: str, definition: str) -> None:
        topic = self.topics.setdefault(name, BagTopic(name, type_name, definition))
        topic.definition = topic.definition or definition

    def _take(self, name: str, data: bytes | memoryview, received_ns: int) -> None:
        self.topics[name].count += 1
        self._messages.append((name, data, received_ns))


def is_bag(path: Path) -> bool:
    """Whether this folder or file is a bag, whole or not."""
    if path.is_file():
        return path.suffix in (".mcap", ".db3")
    return (path / FILE_NAME).is_file() or bool(_storage_files(path))


def open_bag(path: str | Path) -> Bag:
    """Read a bag: its topics, its notes, and where its messages lie.

    Raises:
        BagError: if there is none, or it cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise BagError(f"{path}: no such file or folder")
    if not is_bag(path):
        raise BagError(f"{path} is no bag: it has neither {FILE_NAME} nor .mcap nor .db3 files")
    bag = Bag(path)
    information = read_metadata(path) if path.is_dir() else None
    if information is None and path.is_dir():
        bag.notes.append(f"no readable {FILE_NAME}: the bag was not closed; its files are read as they are")
    for name, value in ((information or {}).get("custom_data") or {}).items():
        bag.custom[str(name)] = str(value)
    compressed = (information or {}).get("compression_mode", "").lower() in ("file", "message")
    try:
        if compressed:
            _read_with_rosbags(bag)
        else:
            files = _listed_files(path, information)
            for file in files:
                (_read_mcap_file if file.suffix == ".mcap" else _read_sqlite_file)(bag, file)
    except (McapError, sqlite3.Error, OSError) as error:
        raise BagError(f"{path}: {error}") from error
    return bag


def _listed_files(path: Path, information: Mapping[str, Any] | None) -> list[Path]:
    if path.is_file():
        return [path]
    listed = [path / Path(str(name)).name for name in (information or {}).get("relative_file_paths", [])]
    missing = [file.name for file in listed if not file.is_file()]
    if missing:
        raise BagError(f"{path}: {FILE_NAME} names {', '.join(missing)}, which are not there")
    files = listed or _storage_files(path)
    if not files:
        raise BagError(f"{path}: holds no .mcap or .db3 file")
    return files


def _storage_files(folder: Path) -> list[Path]:
    """Files of a bag without metadata, in the order of their split numbers (``name_2`` before ``name_10``)."""
    files = [file for file in folder.iterdir() if file.suffix in (".mcap", ".db3")] if folder.is_dir() else []
    return sorted(files, key=lambda file: (len(file.name), file.name))


def _read_mcap_file(bag: Bag, file: Path) -> None:
    found = read_mcap(file)
    for channel in found.channels.values():
        if channel.message_encoding == "cdr":
            bag._see(channel.topic, channel.type, channel.definition)
        else:
            bag.notes.append(f"{channel.topic} is serialised as {channel.message_encoding!r}, not cdr: left out")
    topics = {id_: channel.topic for id_, channel in found.channels.items() if channel.message_encoding == "cdr"}
    for channel_id, received_ns, data in found.messages:
        if channel_id in topics:
            bag._take(topics[channel_id], data, received_ns)
    bag.custom.update(found.metadata.get("muse", {}))
    bag.notes += found.notes
    bag.truncated |= found.truncated


def _read_sqlite_file(bag: Bag, file: Path) -> None:
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"topics", "messages"} <= tables:
            raise BagError(
                f"{file}: an SQLite file without the tables of a bag; tables are {', '.join(sorted(tables))}"
            )
        texts = {}
        if "message_definitions" in tables:
            query = "SELECT topic_type, encoded_message_definition FROM message_definitions"
            texts = {name: str(text) for name, text in database.execute(query)}
        names = {}
        for topic_id, name, type_name in database.execute("SELECT id, name, type FROM topics"):
            names[topic_id] = name
            bag._see(name, type_name, texts.get(type_name, ""))
        for topic_id, received_ns, data in database.execute(
            "SELECT topic_id, timestamp, data FROM messages ORDER BY timestamp, id"
        ):
            bag._take(names[topic_id], data, received_ns)
    database.close()


def _read_with_rosbags(bag: Bag) -> None:
    from rosbags.rosbag2 import Reader, ReaderError

    try:
        with Reader(bag.path) as reader:
            for connection in reader.connections:
                bag._see(connection.topic, connection.msgtype, connection.msgdef.data)
            for connection, received_ns, data in reader.messages():
                bag._take(connection.topic, bytes(data), received_ns)
    except ReaderError as error:
        raise BagError(f"{bag.path}: {error}") from error
