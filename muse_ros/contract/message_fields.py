"""Reads fields and stamps out of message-like objects: rclpy messages, messages of the rosbags package, or any fake.

Duck-typed, so that the live node and the converter share it. Imports no ROS.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

_NS = 1_000_000_000
_STAMP_FIRST = ("std_msgs/Header", "builtin_interfaces/Time")
_STAMPS = {0: struct.Struct(">iI"), 1: struct.Struct("<iI")}


class DecodeError(ValueError):
    """A message does not hold what the contract says; names the field, what was found and what there is."""


def stamp_ns(message: Any) -> int | None:
    """The message's header stamp [ns]; None where it has no header."""
    header = getattr(message, "header", None)
    stamp = getattr(header, "stamp", None)
    return None if stamp is None else time_ns(stamp)


def time_ns(time: Any) -> int:
    """A ``builtin_interfaces/Time`` or ``Duration`` in nanoseconds."""
    return int(time.sec) * _NS + int(time.nanosec)


def xyz(vector: Any) -> np.ndarray:
    """(3,) float64 from a Point or a Vector3."""
    return np.array([vector.x, vector.y, vector.z])


def xyzw(quaternion: Any) -> np.ndarray:
    """(4,) float64 from a Quaternion."""
    return np.array([quaternion.x, quaternion.y, quaternion.z, quaternion.w])


def begins_with_stamp(fields: Mapping[str, str]) -> bool:
    """Whether messages with these fields (name to type, in order) begin with a stamp, alone or in a header."""
    return next(iter(fields.values()), "") in _STAMP_FIRST


def cdr_stamp_ns(data: bytes | memoryview) -> int:
    """The stamp [ns] of a serialised message that begins with one, without parsing the rest.

    Raises:
        DecodeError: if the bytes are no CDR message.
    """
    if len(data) < 12 or data[0] or data[1] not in _STAMPS:
        raise DecodeError(f"{len(data)} bytes that are no CDR message with a header")
    seconds, nanoseconds = _STAMPS[data[1]].unpack_from(data, 4)
    return seconds * _NS + nanoseconds


def field_value(message: Any, path: str) -> Any:
    """The value at a dotted path such as ``pose.position.x``, ``position.panda_joint1`` or ``values.0``.

    Behind an array, a number picks by index, and a name by its place in the message's ``name`` array (JointState).

    Raises:
        DecodeError: naming the field that is missing and those that there are.
    """
    value, parent = message, None
    for part in path.split("."):
        if _is_array(value):
            value, parent = _element(value, parent, part, path), None
        else:
            if not hasattr(value, part):
                raise DecodeError(f"no field {part!r} of {path!r}; {_kind(value)} has {', '.join(_names(value))}")
            value, parent = getattr(value, part), value
    return value


def _element(array: Any, parent: Any, part: str, path: str) -> Any:
    if part.isdigit():
        index = int(part)
    else:
        names = [str(name) for name in getattr(parent, "name", ())]
        if part not in names:
            raise DecodeError(f"no element {part!r} of {path!r}; the message names {', '.join(names) or 'none'}")
        index = names.index(part)
    if index >= len(array):
        raise DecodeError(f"{path!r} is element {index} of an array of {len(array)}")
    return array[index]


def _is_array(value: Any) -> bool:
    return _is_array_type(type(value))


@cache
def _is_array_type(kind: type) -> bool:
    return issubclass(kind, (np.ndarray, Sequence)) and not issubclass(kind, (str, bytes))


def _kind(value: Any) -> str:
    return type(value).__name__.rsplit("__", 1)[-1]


def _names(value: Any) -> list[str]:
    if hasattr(value, "get_fields_and_field_types"):
        return list(value.get_fields_and_field_types())
    if hasattr(value, "__dataclass_fields__"):
        return [name for name in value.__dataclass_fields__ if not name.startswith("__")]
    return [name for name in getattr(value, "__dict__", {}) if not name.startswith("_")]
