"""Configs from plain data and back: what a checkpoint and ``config.json`` hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

from muse_core.configs.checks import ConfigError, suggestion


def plain(value: Any) -> Any:
    """The same value in dicts, lists, numbers and strings."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def construct(cls: type, data: Mapping[str, Any], where: str) -> Any:
    """The config of this class that `data` describes.

    Raises:
        ConfigError: naming an unknown key or kind, and the most similar known one.
    """
    known = [f.name for f in fields(cls)]
    for key in data:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}{suggestion(key, known)}")
    hints = get_type_hints(cls)
    values = {}
    for key, value in data.items():
        choices = config_classes(hints[key])
        if choices and isinstance(value, Mapping):
            value = construct(_choose(choices, value, f"{where}.{key}"), value, f"{where}.{key}")
        values[key] = tuple(value) if isinstance(value, list) else value
    return cls(**values)


def config_classes(hint: Any) -> list[type]:
    """The config classes that a field of this type may hold; none where it holds no config."""
    return [part for part in (get_args(hint) or (hint,)) if is_dataclass(part)]


def kind_of(cls: type) -> str:
    """What a config class calls itself in its field `kind`."""
    return next(f.default for f in fields(cls) if f.name == "kind")


def _choose(choices: list[type], data: Mapping[str, Any], where: str) -> type:
    if len(choices) == 1:
        return choices[0]
    kinds = {kind_of(cls): cls for cls in choices}
    if data.get("kind") not in kinds:
        raise ConfigError(f"{where}: unknown kind {data.get('kind')!r}{suggestion(str(data.get('kind')), [*kinds])}")
    return kinds[data["kind"]]
