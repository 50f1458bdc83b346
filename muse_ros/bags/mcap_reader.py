"""Reads MCAP files from the front, whole or cut short: no index needed, no copies made, damage noted and stepped over.

A file that ends in the middle (power cut, SIGKILL, full disk) is read up to its last whole chunk. Imports no ROS.
"""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from muse_ros.bags.mcap_format import (
    CHANNEL,
    CHUNK,
    DATA_END,
    FOOTER,
    MAGIC,
    MESSAGE,
    MESSAGE_FIELDS,
    MESSAGE_START,
    METADATA,
    RECORD,
    SCHEMA,
    U16,
    U32,
    U64,
    FieldReader,
)


class McapError(ValueError):
    """A file is no MCAP file, or is packed in a way that cannot be read; the message names the file."""


@dataclass(frozen=True)
class Channel:
    """One channel of the file: a topic with its type, as one publisher had it."""

    id: int
    topic: str
    type: str
    definition: str
    definition_encoding: str
    message_encoding: str
    metadata: dict[str, str]


@dataclass
class McapFile:
    """What a file holds.

    Attributes:
        channels: Channel id to channel.
        messages: (channel id, log time [ns], CDR bytes) in the order of the file. The bytes are views of the file.
        metadata: Name to values of each metadata record.
        notes: What was wrong with the file, in words; empty for a file closed properly.
        truncated: Whether the file ends before its end mark.
    """

    channels: dict[int, Channel] = field(default_factory=dict)
    messages: list[tuple[int, int, memoryview]] = field(default_factory=list)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    truncated: bool = False


def read_mcap(path: Path) -> McapFile:
    """Read a file.

    Raises:
        McapError: if it is no MCAP file, or its compression is not known here.
        OSError: if it cannot be opened.
    """
    with open(path, "rb") as file:
        head = file.read(len(MAGIC))
        if head != MAGIC:
            if not MAGIC.startswith(head):
                raise McapError(f"{path} is no MCAP file: it begins with {head!r}")
            return McapFile(notes=[f"{path.name}: cut short before its first record"], truncated=True)
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return _Scan(path, view).run()


class _Scan:
    """One pass over a file."""

    def __init__(self, path: Path, view: memoryview) -> None:
        self._path = path
        self._view = view
        self._schemas: dict[int, tuple[str, str, str]] = {}
        self._found = McapFile()

    def run(self) -> McapFile:
        position = len(MAGIC)
        finished = False
        for code, start, end in _records(self._view, position):
            position = end
            if code in (DATA_END, FOOTER):
                finished = True
                break
            self._top_level(code, start, end)
        if not finished:
            lost = len(self._view) - position
            self._found.truncated = True
            self._found.notes.append(
                f"{self._path.name}: cut short; read up to its last whole chunk, {lost} bytes lost"
            )
        return self._found

    def _top_level(self, code: int, start: int, end: int) -> None:
        if code == CHUNK:
            try:
                inner = self._unpacked(FieldReader(self._view[start:end]))
            except McapError:
                raise
            except Exception as error:  # each decompressor has its own
                self._found.notes.append(f"{self._path.name}: chunk at byte {start} is damaged and left out: {error}")
                return
            self._inside(inner)
        elif code == METADATA:
            reader = FieldReader(self._view[start:end])
            name = reader.string()
            self._found.metadata[name] = reader.string_map()
        elif code == MESSAGE:
            self._inside(self._view[start - RECORD.size : end])
        else:
            self._describe(code, self._view[start:end])

    def _unpacked(self, reader: FieldReader) -> memoryview:
        reader.number(U64), reader.number(U64)
        size, checksum = reader.number(U64), reader.number(U32)
        compression = reader.string()
        data = reader.bytes(U64)
        if compression:
            data = memoryview(_decompressor(self._path, compression)(data))
        if len(data) != size:
            raise ValueError(f"{size} bytes announced, {len(data)} found")
        if checksum and zlib.crc32(data) != checksum:
            raise ValueError("its checksum does not match")
        return data

    def _inside(self, view: memoryview) -> None:
        """Schemas, channels and messages of one chunk. The inner loop of every conversion: kept flat."""
        messages, channels = self._found.messages, self._found.channels
        unpack, start_size = MESSAGE_START.unpack_from, MESSAGE_START.size
        position, length = 0, len(view)
        while position + RECORD.size <= length:
            if view[position] == MESSAGE and position + start_size <= length:
                _, size, channel, _, log_time, _ = unpack(view, position)
                end = position + RECORD.size + size
                if channel in channels and end <= length and size >= MESSAGE_FIELDS:
                    messages.append((channel, log_time, view[position + start_size : end]))
            else:
                code, size = RECORD.unpack_from(view, position)
                end = position + RECORD.size + size
                self._describe(code, view[position + RECORD.size : end])
            position = end

    def _describe(self, code: int, content: memoryview) -> None:
        reader = FieldReader(content)
        if code == SCHEMA:
            schema_id = reader.number(U16)
            name, encoding = reader.string(), reader.string()
            self._schemas[schema_id] = (name, encoding, str(reader.bytes(), "utf-8", "replace"))
        elif code == CHANNEL:
            channel_id, schema_id = reader.number(U16), reader.number(U16)
            name, encoding, text = self._schemas.get(schema_id, ("", "", ""))
            topic, message_encoding = reader.string(), reader.string()
            self._found.channels[channel_id] = Channel(
                channel_id, topic, name, text, encoding, message_encoding, reader.string_map()
            )


def _records(view: memoryview, position: int) -> Iterator[tuple[int, int, int]]:
    """Code, start and end of the content of every whole record."""
    length = len(view)
    while position + RECORD.size <= length:
        code, size = RECORD.unpack_from(view, position)
        start = position + RECORD.size
        if not code or start + size > length:
            return
        position = start + size
        yield code, start, position


def _decompressor(path: Path, name: str) -> Callable[[memoryview], bytes]:
    if name == "lz4":
        import lz4.frame  # type: ignore[import-untyped]

        return lz4.frame.decompress
    if name == "zstd":
        try:
            from compression import zstd  # type: ignore[import-not-found]
        except ImportError:
            from backports import zstd
        return zstd.decompress
    raise McapError(f"{path}: chunks compressed with {name!r}; known are lz4 and zstd")
