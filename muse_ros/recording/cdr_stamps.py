"""Stamps read straight from serialised messages, without deserialising them.

A message that begins with a ``std_msgs/Header`` or a ``builtin_interfaces/Time`` has its stamp in bytes 4 to 12 of its
CDR form, behind the four bytes that name the encoding. Imports no ROS.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

_STAMP_FIRST = ("std_msgs/Header", "builtin_interfaces/Time")
_LITTLE, _BIG = struct.Struct("<iI"), struct.Struct(">iI")
_NS_PER_S = 1_000_000_000


def begins_with_stamp(fields: Mapping[str, str]) -> bool:
    """Whether messages with these fields (name to type, in order) begin with a stamp."""
    return next(iter(fields.values()), "") in _STAMP_FIRST


def stamp_ns(data: bytes) -> int | None:
    """Stamp [ns] of a serialised message whose type begins with one; None where the message is too short for it."""
    if len(data) < 12:
        return None
    layout = _LITTLE if data[1] & 1 else _BIG
    seconds, nanoseconds = layout.unpack_from(data, 4)
    return seconds * _NS_PER_S + nanoseconds
