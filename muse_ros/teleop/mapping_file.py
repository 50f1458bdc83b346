"""Reads a mapping from YAML, strictly: a key that means nothing is an error that lists those that do.

``config/teleop/*.yaml`` are the mappings that Muse ships; a copy of one is what a user edits. Must not import rclpy.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from muse_ros.resources import resource
from muse_ros.teleop.mapping import BUTTONS, LAYOUTS, MOTIONS, VERBS, AxisRule, ButtonRule, Mapping

FOLDER = "config/teleop"
_SECTIONS = {"motion": MOTIONS, "buttons": BUTTONS, "verbs": VERBS}


class MappingError(ValueError):
    """A mapping file that cannot be used; the message names the file, the key, and what is legal."""


def find_file(name: str) -> Path:
    """The file that a mapping's name or path means.

    Raises:
        MappingError: listing the names there are.
    """
    path = Path(name).expanduser()
    if path.suffix in (".yaml", ".yml") or path.name != name:
        if path.is_file():
            return path
        raise MappingError(f"mapping {name}: there is no such file")
    shipped = {file.stem: file for file in sorted(resource(FOLDER).glob("*.yaml"))}
    if name not in shipped:
        raise MappingError(f"there is no mapping {name!r}; there are {', '.join(shipped)}, or the path of a YAML file")
    return shipped[name]


def read_yaml(path: Path) -> dict[str, Any]:
    """The contents of a mapping file.

    Raises:
        MappingError: where it cannot be read, or holds no keys.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise MappingError(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise MappingError(f"{path}: must hold keys and values, got {type(content).__name__}")
    return content


def load_mapping(path: Path) -> Mapping:
    """Read a mapping of axes and buttons.

    Raises:
        MappingError: naming what is wrong and what is legal.
    """
    content, where = read_yaml(path), str(path)
    check_keys(content, ("layout", *_SECTIONS), where)
    layout = content.get("layout", "index")
    if layout not in LAYOUTS:
        raise MappingError(f"{where}: layout must be one of {', '.join(LAYOUTS)}, got {layout!r}")
    names = LAYOUTS[layout]
    rules: dict[str, dict[str, Any]] = {}
    for section, known in _SECTIONS.items():
        entries = content.get(section) or {}
        if not isinstance(entries, dict):
            raise MappingError(f"{where}: {section} must hold keys, got {entries!r}")
        check_keys(entries, known, f"{where}: {section}")
        kind = AxisRule if section == "motion" else ButtonRule
        rules[section] = {
            name: _rule(kind, entry, names, f"{where}: {section}.{name}") for name, entry in entries.items()
        }
    try:
        return Mapping(path.stem, layout, **rules)
    except ValueError as error:
        raise MappingError(f"{where}: {error}") from error


def check_keys(entries: dict[str, Any], known: Iterable[str], where: str) -> None:
    """Refuse keys that mean nothing.

    Raises:
        MappingError: naming the key, the nearest known one, and all that are known.
    """
    known = tuple(known)
    for key in entries:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise MappingError(f"{where}: there is no key {key!r}; {hint}known are {', '.join(known)}")


def _rule(kind: type, entry: Any, names: tuple[tuple[str, ...], tuple[str, ...]], where: str) -> Any:
    if not isinstance(entry, dict):
        raise MappingError(f"{where}: must hold keys such as {{button: 0}}, got {entry!r}")
    types = {field.name: str(field.type) for field in fields(kind)}
    check_keys(entry, types, where)
    values = {}
    for key, value in entry.items():
        if types[key].startswith("int |"):
            value = _index(value, names[0] if key.endswith("axis") else names[1], f"{where}.{key}")
        elif types[key] != "str" and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise MappingError(f"{where}.{key}: must be a number, got {value!r}")
        values[key] = value
    try:
        return kind(**values)
    except ValueError as error:
        raise MappingError(f"{where}: {error}") from error


def _index(value: Any, names: tuple[str, ...], where: str) -> int:
    """An index from a number, or from one of the layout's names."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if value in names:
        return names.index(value)
    legal = f"one of {', '.join(names)}, or " if names else ""
    raise MappingError(f"{where}: must be {legal}an index from 0, got {value!r}")
