"""Config files: Python files that end in ``export = TrainConfig(...)``."""

from __future__ import annotations

import re
import runpy
import traceback
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

from muse_core.configs.checks import ConfigError, suggestion
from muse_core.configs.construction import config_classes
from muse_core.configs.training import TrainConfig


def load_config(path: str | Path) -> TrainConfig:
    """The config that a Python file exports.

    Raises:
        ConfigError: when there is no such file, it exports no config, or it names an unknown field.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"{path}: no such config file{_nearby(path)}")
    try:
        config = runpy.run_path(str(path)).get("export")
    except Exception as error:  # the file is the user's code: it can raise anything
        raise ConfigError(f"{_place(path, error)}: {_explain(error)}") from error
    if not isinstance(config, TrainConfig):
        raise ConfigError(f"{path}: expected a line `export = TrainConfig(...)`, found export = {config!r}")
    return config


def _nearby(path: Path) -> str:
    names = sorted(str(p) for p in path.parent.glob("*.py")) if path.parent.is_dir() else []
    return suggestion(str(path), names) if names else ""


def _place(path: Path, error: Exception) -> str:
    """The file, and the line of it that raised the error."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    return f"{path}:{line}" if line else str(path)


def _explain(error: Exception) -> str:
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg}"
    found = re.search(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", str(error))
    classes = {each.__name__: each for each in _parts(TrainConfig)}
    if not found or found[1] not in classes:
        return f"{type(error).__name__}: {error}"
    return f"{found[1]} has no field {found[2]!r}{suggestion(found[2], [f.name for f in fields(classes[found[1]])])}"


def _parts(config: type) -> set[type]:
    """A config class, and those of all that may be in its fields."""
    return {config}.union(*(_parts(part) for hint in get_type_hints(config).values() for part in config_classes(hint)))
