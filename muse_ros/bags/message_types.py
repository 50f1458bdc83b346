"""Message definitions without ROS: their text for bags, their hash, and a codec that reads serialised messages.

Texts come from the ``.msg`` files of the ROS install in reach and of this package, else from the tables of the rosbags
package. Messages of a bag are read by the definitions embedded in it. Imports no rclpy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from muse_ros.contract.sample_buffer import Codec
from muse_ros.resources import resource, share_folders

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

_BUILTIN = re.compile(r"(bool|byte|char|float32|float64|u?int(8|16|32|64)|w?string)\b")
_FIELD = re.compile(r"\s*([A-Za-z][\w/]*)(<=\d+)?(\[[^\]]*\])?\s+[A-Za-z]\w*")
_SEPARATOR = "=" * 80
_HEADER = "std_msgs/msg/Header"


class UnknownTypeError(LookupError):
    """A message type of which no definition is in reach."""


@cache
def definition(type_name: str) -> str:
    """The ``ros2msg`` text of a type and of all that it contains, as rosbag2 embeds it.

    Raises:
        UnknownTypeError: if a definition is nowhere to be found.
    """
    texts: dict[str, str] = {}
    waiting = [type_name]
    while waiting:
        name = waiting.pop(0)
        if name not in texts:
            texts[name] = _own_text(name)
            waiting += _contained(name, texts[name])
    main, *others = texts.items()
    parts = [main[1]] + [f"{_SEPARATOR}\nMSG: {_short(name)}\n{text}" for name, text in others]
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


@cache
def type_hash(type_name: str) -> str:
    """The type's REP-2011 hash (``RIHS01_...``), from its definition."""
    return str(_store({type_name: definition(type_name)}).hash_rihs01(type_name))


def codec(definitions: Mapping[str, str]) -> Codec:
    """Reads messages of these types.

    Args:
        definitions: Message type to its embedded text (``ros2msg`` or IDL); an empty text stands for a type of the ROS
            install in reach, of this package, or of ROS 2 Jazzy.

    Raises:
        UnknownTypeError: naming the types of which no definition is in reach.
    """
    store = _store(definitions)

    def parse(type_name: str, data: bytes | memoryview) -> Any:
        return store.deserialize_cdr(data, type_name)

    def has_header(type_name: str) -> bool:
        fields = store.fielddefs[type_name][1]
        return bool(fields) and fields[0][1][1] == _HEADER

    return Codec(parse, has_header)


def serializer(types: Iterable[str]) -> Typestore:
    """A rosbags type store that knows these types: it makes messages of them and serialises them."""
    return _store({name: definition(name) for name in types})


def _store(definitions: Mapping[str, str]) -> Typestore:
    from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore

    known: dict[str, Any] = {}
    for name, text in definitions.items():
        text = text or definition(name)
        if text.startswith(f"{_SEPARATOR}\nIDL: "):
            known.update(get_types_from_idl(text))
        else:
            known.update(get_types_from_msg(text, name))
    store = get_typestore(Stores.EMPTY)
    store.register({name: fields for name, fields in known.items() if name not in store.fielddefs})
    return store


def _own_text(name: str) -> str:
    package, short = name.split("/")[0], name.split("/")[-1]
    if package == "muse_ros":
        try:
            return resource(f"msg/{short}.msg").read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise UnknownTypeError(str(error)) from error
    for folder in share_folders(package):
        path = folder / "msg" / f"{short}.msg"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    table = _jazzy()
    if name not in table.fielddefs:
        raise UnknownTypeError(f"no definition of {name}; source the ROS workspace that has package {package}")
    return str(table.generate_msgdef(name, ros_version=2)[0].split(_SEPARATOR)[0])


@cache
def _jazzy() -> Typestore:
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS2_JAZZY)


def _contained(name: str, text: str) -> list[str]:
    """The message types that the fields of a definition name, in their order."""
    found = []
    for line in text.splitlines():
        match = _FIELD.match(line.split("#")[0])
        if match and not _BUILTIN.fullmatch(match[1]):
            parts = match[1].split("/")
            package = parts[0] if len(parts) > 1 else ("std_msgs" if parts[0] == "Header" else name.split("/")[0])
            found.append(f"{package}/msg/{parts[-1]}")
    return found


def _short(name: str) -> str:
    package, _, message = name.split("/")
    return f"{package}/{message}"
