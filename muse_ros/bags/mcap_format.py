"""The MCAP container format, as far as rosbag2 uses it: record codes and the packing of their fields.

Written from the format's public specification (mcap.dev/spec). Used by the reader and the writer beside this file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

MAGIC = b"\x89MCAP0\r\n"
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
MESSAGE_INDEX, CHUNK_INDEX, STATISTICS, METADATA = 0x07, 0x08, 0x0B, 0x0C
METADATA_INDEX, SUMMARY_OFFSET, DATA_END = 0x0D, 0x0E, 0x0F

RECORD = struct.Struct("<BQ")  # code, length of what follows
MESSAGE_START = struct.Struct("<BQHIQQ")  # code, length, channel, sequence, log time, publish time
MESSAGE_FIELDS = MESSAGE_START.size - RECORD.size
U16, U32, U64 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q")


def record(code: int, *parts: bytes) -> bytes:
    """One record: its code, its length, its content."""
    content = b"".join(parts)
    return RECORD.pack(code, len(content)) + content


def string(text: str) -> bytes:
    """A length-prefixed UTF-8 string."""
    data = text.encode()
    return U32.pack(len(data)) + data


def string_map(values: Mapping[str, str]) -> bytes:
    """A length-prefixed map from string to string."""
    content = b"".join(string(key) + string(value) for key, value in values.items())
    return U32.pack(len(content)) + content


class FieldReader:
    """Reads the fields of one record one after the other."""

    def __init__(self, data: memoryview, position: int = 0) -> None:
        self._data = data
        self.position = position

    def number(self, kind: struct.Struct) -> int:
        """A whole number of this size."""
        value = kind.unpack_from(self._data, self.position)[0]
        self.position += kind.size
        return int(value)

    def bytes(self, length_kind: struct.Struct = U32) -> memoryview:
        """Length-prefixed bytes, not copied.

        Raises:
            ValueError: if the record ends before they do.
        """
        length = self.number(length_kind)
        value = self._data[self.position : self.position + length]
        if len(value) != length:
            raise ValueError(f"{length} bytes announced, {len(value)} found")
        self.position += length
        return value

    def string(self) -> str:
        """A length-prefixed UTF-8 string."""
        return str(self.bytes(), "utf-8")

    def string_map(self) -> dict[str, str]:
        """A length-prefixed map from string to string."""
        inner = FieldReader(self.bytes())
        values = {}
        while inner.position < len(inner._data):
            key = inner.string()
            values[key] = inner.string()
        return values
