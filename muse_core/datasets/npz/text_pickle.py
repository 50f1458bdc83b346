"""Columns of text that numpy pickled, read without running anything that a pickle could name.

The original Muse keeps ``policy_name`` as an array of Python objects, which numpy writes as a pickle. A pickle is a
program that may call whatever it names. Here the few names that an array of strings needs stand for inert records of
this file, so that not even numpy is called; any other name is refused. The records are read after the pickle is done.
"""

from __future__ import annotations

import pickle
from typing import Any, BinaryIO

import numpy as np


class TextPickleError(ValueError):
    """The pickle is not an array of strings; the message says what it asked for."""


def read_text_pickle(file: BinaryIO, count: int) -> np.ndarray:
    """The strings of a pickled array of objects.

    Args:
        file: Where the pickle begins; what follows it is not read.
        count: Entries that there must be.

    Returns:
        (count,) array of unicode. None becomes the empty string.

    Raises:
        TextPickleError: when the pickle names anything but numpy's arrays and strings, is damaged, or holds other
            values than strings.
    """
    try:
        found = _unpickler(file).load()
    except TextPickleError:
        raise
    except (EOFError, OSError):
        raise
    except Exception as error:  # whatever a damaged or hostile pickle makes of the machine that reads it
        raise TextPickleError(f"the pickle is damaged: {type(error).__name__}: {error}") from error
    values = _entries(found)
    if values is None:
        raise TextPickleError("the pickle does not hold an array")
    if len(values) != count:
        raise TextPickleError(f"the pickle holds {len(values)} entries, the array has {count}")
    return np.array([_text(value) for value in values], dtype=str) if count else np.zeros(0, "<U1")


def _entries(value: Any) -> list | None:
    """The flat list of an array's record."""
    state = getattr(value, "state", None)
    return state[4] if isinstance(state, tuple) and len(state) == 5 and isinstance(state[4], list) else None


def _text(value: Any) -> str:
    nested = _entries(value)
    if nested is not None and len(nested) == 1:  # an array of one string in each row
        value = nested[0]
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raw = getattr(value, "raw", value)
    if isinstance(raw, bytes):  # a numpy string is UTF-32, a Python one is not
        encoding = "utf-32-le" if raw is not value else "utf-8"
        try:
            return raw.decode(encoding).rstrip("\0")
        except UnicodeDecodeError as error:
            raise TextPickleError(f"an entry is no text: {error}") from error
    raise TextPickleError(f"an entry is a {type(value).__name__}, expected a string")


def _unpickler(file: BinaryIO) -> pickle.Unpickler:
    """One whose names are all inert. The classes are made anew each time, for a pickle may change a class it names."""

    class Array:
        state: Any = None

        def __setstate__(self, state: Any) -> None:
            self.state = state

    class Placeholder:
        def __init__(self, *_: Any) -> None:
            pass

        def __setstate__(self, _: Any) -> None:
            pass

    class Scalar:
        def __init__(self, _: Any, raw: Any = None) -> None:
            self.raw = raw

    def reconstruct(*_: Any) -> Array:
        return Array()

    def encode(text: Any, *_: Any) -> bytes:
        if not isinstance(text, str):
            raise TextPickleError(f"an entry is a {type(text).__name__}, expected a string")
        return text.encode("latin-1")

    names = {
        ("multiarray", "_reconstruct"): reconstruct,
        ("multiarray", "scalar"): Scalar,
        ("numpy", "ndarray"): Placeholder,
        ("numpy", "dtype"): Placeholder,
        ("_codecs", "encode"): encode,  # how pickles of the protocols 0 to 2 hold bytes
    }
    for builtins in ("__builtin__", "builtins"):
        names[builtins, "bytes"] = lambda *_: b""  # how those protocols hold empty ones
    packages = ("numpy.core.", "numpy._core.")  # of numpy 1 and numpy 2

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            short = module
            for package in packages:
                short = short.removeprefix(package)
            if (short, name) not in names or (short == "multiarray") != module.startswith(packages):
                raise TextPickleError(f"the pickle asks for {module}.{name}, which an array of strings has no use for")
            return names[short, name]

    return Unpickler(file)
