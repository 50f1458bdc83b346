"""What every config checks of its fields, and what it says when one is wrong."""

from __future__ import annotations

import difflib
from dataclasses import fields
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


class ConfigError(ValueError):
    """A config that cannot be used; the message says which file and field, what was found and what would do."""


def require(condition: bool, where: str, expected: str, found: object) -> None:
    """Raise unless `condition` holds.

    Raises:
        ConfigError: ``<where> must be <expected>, got <found>``.
    """
    if not condition:
        raise ConfigError(f"{where} must be {expected}, got {found!r}")


def check_types(config: Any) -> None:
    """Raise unless every field of a dataclass holds what its annotation says.

    Raises:
        ConfigError: naming the field, what it takes and what was found.
    """
    hints = get_type_hints(type(config))
    for one in fields(config):
        value = getattr(config, one.name)
        require(_is_of_type(value, hints[one.name]), one.name, _type_name(hints[one.name]), value)


def suggestion(name: str, known: list[str]) -> str:
    """``; did you mean ...?`` where a known name is close, else the list of all."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _is_of_type(value: Any, hint: Any) -> bool:
    kind, parts = get_origin(hint), get_args(hint)
    if kind is Literal:
        return value in parts
    if kind in (UnionType, Union):
        return any(_is_of_type(value, part) for part in parts)
    if kind is tuple:
        return isinstance(value, tuple) and _items_are_of_type(value, parts)
    if kind is dict:
        return isinstance(value, dict) and all(
            _is_of_type(key, parts[0]) and _is_of_type(item, parts[1]) for key, item in value.items()
        )
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint)


def _items_are_of_type(value: tuple, parts: tuple) -> bool:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return all(_is_of_type(item, parts[0]) for item in value)
    return len(value) == len(parts) and all(map(_is_of_type, value, parts))


def _type_name(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(repr, get_args(hint)))}"
    if get_origin(hint) in (UnionType, Union):
        return " or ".join(_type_name(part) for part in get_args(hint))
    if hint is type(None):
        return "None"
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)


def check_transformer(width: int, heads: int, layers: int, dropout: float, where: str = "model") -> None:
    """Raise unless a transformer of these sizes can be made; errors name fields of the config at `where`."""
    require(width > 0 and heads > 0 and width % heads == 0, f"{where}.width", f"a multiple of {heads} heads", width)
    require(layers > 0, f"{where}.layers", "positive", layers)
    require(0 <= dropout < 1, f"{where}.dropout", "in [0, 1)", dropout)
