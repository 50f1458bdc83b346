"""Pickled columns of text: what numpy writes is read, what could run is refused and does not run."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.npz.text_pickle import TextPickleError, read_text_pickle

NAMES = ["human", "", "bc_rnn é 机器人", "human"]


def read(data: bytes, count: int = len(NAMES)) -> list[str]:
    return read_text_pickle(io.BytesIO(data), count).tolist()


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("entry", [str, np.str_], ids=["python", "numpy"])
def test_what_numpy_writes_is_read(protocol: int, shape: tuple[int, ...], entry: type):
    array = np.empty(4, object)
    array[:] = [entry(name) for name in NAMES]
    assert read(pickle.dumps(array.reshape(shape), protocol)) == NAMES


@pytest.mark.parametrize(("there", "other"), [(b"numpy._core", b"numpy.core"), (b"numpy.core", b"numpy._core")])
def test_what_the_other_numpy_writes_is_read(there: bytes, other: bytes):
    data = pickle.dumps(np.array(NAMES, object), 2)  # names are lines of text in this protocol
    assert read(data.replace(there, other)) == NAMES


def test_an_array_in_each_row_and_none_are_read():
    array = np.empty(2, object)
    array[0], array[1] = np.array(["a"], object), None
    assert read(pickle.dumps(array), 2) == ["a", ""]


class Attack:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_pickle_that_would_run_a_command_is_refused_and_does_not(tmp_path: Path, protocol: int):
    array = np.empty(4, object)
    array[:] = Attack(tmp_path / "ran")
    with pytest.raises(TextPickleError, match=r"asks for (posix|nt)\.system"):
        read(pickle.dumps(array, protocol))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cmultiarray\nscalar\n(tR.",
        b"cnumpy.core\nmultiarray\n.",
        b"cnumpy._core.numpy\ndtype\n.",
    ],
)
def test_any_other_name_is_refused(data: bytes):
    with pytest.raises(TextPickleError, match="the pickle asks for"):
        read(data)


def test_other_values_than_text_are_refused():
    with pytest.raises(TextPickleError, match="an entry is a int, expected a string"):
        read(pickle.dumps(np.array([1, "a", "b", "c"], object)))
    with pytest.raises(TextPickleError, match="does not hold an array"):
        read(pickle.dumps(["a"]))
    with pytest.raises(TextPickleError, match="holds 4 entries, the array has 5"):
        read(pickle.dumps(np.array(NAMES, object)), 5)


def test_a_damaged_pickle_is_refused():
    data = pickle.dumps(np.array(NAMES, object))
    for end in range(1, len(data)):
        with pytest.raises((TextPickleError, EOFError)):
            read(data[:end])
    rng = np.random.default_rng(0)
    for _ in range(300):
        spoiled = bytearray(data)
        spoiled[rng.integers(len(data))] = rng.integers(256)
        with contextlib.suppress(TextPickleError, EOFError):
            assert len(read(bytes(spoiled))) == 4
