"""Writes MCAP files of serialised messages so that a crash costs at most the last second. Imports no ROS.

Messages gather in a chunk, which goes to the file in one write when it is large or a second old. Closing adds indexes,
statistics and the summary that players seek by. When a write fails (disk full), the file is cut back to its last whole
chunk, so that all that was written before stays readable.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from muse_ros.bags.mcap_format import (
    CHANNEL,
    CHUNK,
    CHUNK_INDEX,
    DATA_END,
    FOOTER,
    HEADER,
    MAGIC,
    MESSAGE,
    MESSAGE_FIELDS,
    MESSAGE_INDEX,
    MESSAGE_START,
    METADATA,
    METADATA_INDEX,
    RECORD,
    SCHEMA,
    STATISTICS,
    SUMMARY_OFFSET,
    U16,
    U32,
    U64,
    record,
    string,
    string_map,
)

CHUNK_BYTES = 4 << 20
CHUNK_AGE_S = 1.0


class McapWriter:
    """One MCAP file being written.

    Args:
        path: A file that does not exist yet.
        clock_s: Where the age of a chunk is read from [s]; a test hands in its own.
    """

    def __init__(self, path: Path, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self.counts: dict[int, int] = {}
        self.first_ns: int | None = None
        self.last_ns = 0
        self._clock_s = clock_s
        self._schemas: dict[str, bytes] = {}
        self._channels: list[bytes] = []
        self._chunk = bytearray()
        self._chunk_since_s = 0.0
        self._chunk_index: dict[int, list[tuple[int, int]]] = {}
        self._chunk_indexes: list[bytes] = []
        self._metadata_indexes: list[bytes] = []
        self._file = open(path, "xb", buffering=0)  # noqa: SIM115 - closed by close()
        self._end = 0
        self._append(MAGIC + record(HEADER, string("ros2"), string("muse")))

    def add_channel(self, topic: str, type_name: str, definition: str, metadata: Mapping[str, str]) -> int:
        """Announce a topic; returns the id that :meth:`write` takes. `definition` is the type's ros2msg text."""
        if type_name not in self._schemas:
            fields = U16.pack(len(self._schemas) + 1), string(type_name), string("ros2msg"), string(definition)
            self._schemas[type_name] = record(SCHEMA, *fields)
            self._open_chunk()
            self._chunk += self._schemas[type_name]
        schema_id = list(self._schemas).index(type_name) + 1
        channel_id = len(self._channels) + 1
        head = U16.pack(channel_id) + U16.pack(schema_id)
        self._channels.append(record(CHANNEL, head, string(topic), string("cdr"), string_map(metadata)))
        self._open_chunk()
        self._chunk += self._channels[-1]
        self.counts[channel_id] = 0
        return channel_id

    def add_metadata(self, name: str, values: Mapping[str, str]) -> None:
        """Write named values at once, so that they are there even if the file is never closed."""
        self.flush()
        content = record(METADATA, string(name), string_map(values))
        index = record(METADATA_INDEX, U64.pack(self._end), U64.pack(len(content)), string(name))
        self._append(content)
        self._metadata_indexes.append(index)

    def write(self, channel_id: int, data: bytes | memoryview, log_ns: int) -> None:
        """Add one serialised message.

        Args:
            channel_id: From :meth:`add_channel`.
            data: CDR bytes.
            log_ns: When it was received [ns]; stands for when it was sent, too.

        Raises:
            OSError: if the disk refuses; the file is then cut back to its last whole chunk.
        """
        self._open_chunk()
        self._chunk_index.setdefault(channel_id, []).append((log_ns, len(self._chunk)))
        size = MESSAGE_FIELDS + len(data)
        self._chunk += MESSAGE_START.pack(MESSAGE, size, channel_id, 0, log_ns, log_ns)
        self._chunk += data
        if len(self._chunk) >= CHUNK_BYTES or self._clock_s() - self._chunk_since_s >= CHUNK_AGE_S:
            self.flush()

    def flush(self) -> None:
        """Put what has gathered into the file. Call it once a second where messages may cease."""
        if not self._chunk:
            return
        times = [log_ns for entries in self._chunk_index.values() for log_ns, _ in entries] or [0]
        span = U64.pack(min(times)) + U64.pack(max(times))
        size = U64.pack(len(self._chunk))
        head = span + size + U32.pack(zlib.crc32(self._chunk)) + string("") + size
        chunk = RECORD.pack(CHUNK, len(head) + len(self._chunk)) + head
        chunk_start, chunk_length = self._end, len(chunk) + len(self._chunk)
        offsets, indexes = b"", b""
        for channel_id, entries in self._chunk_index.items():
            place = chunk_start + chunk_length + len(indexes)
            offsets += U16.pack(channel_id) + U64.pack(place)
            packed = b"".join(U64.pack(log_ns) + U64.pack(offset) for log_ns, offset in entries)
            indexes += record(MESSAGE_INDEX, U16.pack(channel_id), U32.pack(len(packed)), packed)
        self._append(b"".join((chunk, self._chunk, indexes)))
        index = span + U64.pack(chunk_start) + U64.pack(chunk_length) + U32.pack(len(offsets)) + offsets
        self._chunk_indexes.append(record(CHUNK_INDEX, index, U64.pack(len(indexes)), string(""), size, size))
        self._count(times)
        self._chunk, self._chunk_index = bytearray(), {}

    def close(self) -> None:
        """Write what is left, the indexes and the end mark. Safe to call twice.

        Raises:
            OSError: if the disk refuses; the file is closed all the same, readable up to its last whole chunk.
        """
        if self._file.closed:
            return
        try:
            self.flush()
            self._append(record(DATA_END, U32.pack(0)))
            self._append(self._summary())
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Close the file as it is, after a failed write: readable up to its last whole chunk."""
        self._file.close()

    def _open_chunk(self) -> None:
        if not self._chunk:
            self._chunk_since_s = self._clock_s()

    def _count(self, times: list[int]) -> None:
        for channel_id, entries in self._chunk_index.items():
            self.counts[channel_id] += len(entries)
        if self._chunk_index:
            self.first_ns = min(times) if self.first_ns is None else min(self.first_ns, *times)
            self.last_ns = max(self.last_ns, *times)

    def _append(self, data: bytes) -> None:
        written = 0
        view = memoryview(data)
        try:
            while written < len(data):
                written += self._file.write(view[written:]) or 0
        except OSError:
            self._file.truncate(self._end)
            self._file.seek(self._end)
            raise
        self._end += len(data)

    def _summary(self) -> bytes:
        start = self._end
        counts = b"".join(U16.pack(channel) + U64.pack(count) for channel, count in self.counts.items())
        statistics = record(
            STATISTICS,
            U64.pack(sum(self.counts.values())) + U16.pack(len(self._schemas)) + U32.pack(len(self._channels)),
            U32.pack(0) + U32.pack(len(self._metadata_indexes)) + U32.pack(len(self._chunk_indexes)),
            U64.pack(self.first_ns or 0) + U64.pack(self.last_ns) + U32.pack(len(counts)) + counts,
        )
        groups = (
            (SCHEMA, b"".join(self._schemas.values())),
            (CHANNEL, b"".join(self._channels)),
            (STATISTICS, statistics),
            (CHUNK_INDEX, b"".join(self._chunk_indexes)),
            (METADATA_INDEX, b"".join(self._metadata_indexes)),
        )
        body, offsets = b"", b""
        for code, content in groups:
            if content:
                place = U64.pack(start + len(body)) + U64.pack(len(content))
                offsets += record(SUMMARY_OFFSET, bytes([code]), place)
                body += content
        footer = RECORD.pack(FOOTER, 20) + U64.pack(start) + U64.pack(start + len(body))
        checksum = zlib.crc32(body + offsets + footer)
        return body + offsets + footer + U32.pack(checksum) + MAGIC
