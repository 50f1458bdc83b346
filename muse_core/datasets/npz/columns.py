"""The arrays in a ``.npz`` file, one by one, without unpacking more of one than is asked for.

A ``.npz`` is a zip file of ``.npy`` files. Its arrays are read as a stream of rows, or mapped in place where they are
stored as they are. Whatever is wrong with the file is a DatasetError that names file and key.
"""

from __future__ import annotations

import io
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from muse_core.datasets.npz.text_pickle import TextPickleError, read_text_pickle
from muse_core.datasets.store import DatasetError

_LOCAL_HEADER = struct.Struct("<26xHH")  # lengths of name and extra field in a member's own header
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OSError)


@dataclass(frozen=True)
class Column:
    """One array of the file, as its header describes it.

    Attributes:
        key: Its name; it may hold slashes.
        shape: Of the whole array.
        dtype: As stored; of the kind ``O`` where it is pickled.
        fortran_order: Whether the first index runs fastest.
        data_at: Where the data begins in the unpacked member [byte].
        member: Its entry in the zip file.
    """

    key: str
    shape: tuple[int, ...]
    dtype: np.dtype
    fortran_order: bool
    data_at: int
    member: zipfile.ZipInfo

    @property
    def is_text(self) -> bool:
        """Whether it holds strings, pickled or not."""
        return self.dtype.kind in "OSU"

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Of one row."""
        return self.shape[1:]

    @property
    def can_be_mapped(self) -> bool:
        """Whether the bytes in the file are the array as numpy has it in memory."""
        plain = self.member.compress_type == zipfile.ZIP_STORED and not self.member.flag_bits & 1
        return plain and not self.is_text and self.dtype.isnative and not (self.fortran_order and len(self.shape) > 1)


class NpzColumns:
    """The columns of one file, by key."""

    def __init__(self, path: Path) -> None:
        """Read the headers.

        Raises:
            FileNotFoundError: when there is no such file.
            DatasetError: when it is no ``.npz``, or damaged.
        """
        self.path = path
        if not path.stat().st_size:
            raise DatasetError(f"{path}: the file is empty; copy it again from where it was made")
        try:
            self._zip = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            with open(path, "rb") as file:
                start = file.read(4)
            if start == b"PK\x03\x04":
                raise DatasetError(f"{path}: the file is cut short ({error}); copy it again from its source") from error
            raise DatasetError(f"{path}: no .npz file: it begins with {start.hex(' ')}, a .npz with 50 4b") from error
        self.columns = {c.key: c for c in (self._column(member) for member in self._zip.infolist()) if c}
        if not self.columns:
            raise DatasetError(f"{path}: holds no arrays; it has {', '.join(self._zip.namelist()) or 'nothing'}")

    def digest(self) -> str:
        """Of the contents: it changes when any array does. From the zip's own checksums, so that it costs nothing."""
        entries = sorted((m.filename, m.CRC, m.file_size) for m in self._zip.infolist())
        return f"{zlib.crc32(repr(entries).encode()):08x}-{sum(m.file_size for m in self._zip.infolist())}"

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    def read(self, key: str) -> np.ndarray:
        """A whole column; text as unicode.

        Raises:
            DatasetError: when it is damaged, or its pickle is not one of strings.
        """
        column = self.columns[key]
        with self._reading(key), self._zip.open(column.member) as file:
            file.read(column.data_at)
            if column.dtype.kind == "O":
                count = int(np.prod(column.shape, dtype=np.int64))
                return read_text_pickle(file, count).reshape(column.shape, order="F" if column.fortran_order else "C")
            array = _read_array(file, column.shape, column.dtype, column.fortran_order)
            if column.dtype.kind == "S":
                return np.char.decode(array, "utf-8")
            return array.astype(column.dtype.newbyteorder("="), copy=False)

    def map(self, key: str) -> np.ndarray:
        """A column that can be mapped, in place and read-only."""
        column = self.columns[key]
        with self._reading(key), open(self.path, "rb") as file:
            file.seek(column.member.header_offset)
            name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        offset = column.member.header_offset + _LOCAL_HEADER.size + name + extra + column.data_at
        if not all(column.shape):
            return np.zeros(column.shape, column.dtype)
        with self._reading(key):
            return np.memmap(self.path, column.dtype, "r", offset, column.shape)

    @contextmanager
    def rows(self, key: str, scratch: Path) -> Iterator[RowStream]:
        """A column's rows from the first on.

        Args:
            key: Of the column.
            scratch: Folder for what must be unpacked before its first row is known (Fortran order).
        """
        column = self.columns[key]
        if column.is_text:
            yield RowStream(self, key, whole=self.read(key))
            return
        with self._reading(key):
            file = self._zip.open(column.member)
            file.read(column.data_at)
        try:
            if column.fortran_order and len(column.shape) > 1:
                with tempfile.TemporaryFile(dir=scratch) as spool:
                    with self._reading(key):
                        shutil.copyfileobj(file, spool, 2**20)
                    spool.flush()
                    yield RowStream(self, key, whole=np.memmap(spool, column.dtype, "r", 0, column.shape, "F"))
            else:
                yield RowStream(self, key, file=file)
        finally:
            file.close()

    @contextmanager
    def _reading(self, key: str) -> Iterator[None]:
        try:
            yield
        except DatasetError:
            raise
        except TextPickleError as error:
            raise DatasetError(
                f"{self.path}, key {key!r}: refused: {error}. Nothing of it was run. Leave the key out with "
                f"`muse import {self.path} --leave_out {key}`"
            ) from error
        except _DAMAGES as error:
            if isinstance(error, OSError) and error.errno:  # the disk's own troubles, such as none left
                raise
            raise DatasetError(
                f"{self.path}, key {key!r}: damaged or cut short: {error}; copy the file again from its source, or "
                f"leave the key out with `muse import {self.path} --leave_out {key}`"
            ) from error

    def _column(self, member: zipfile.ZipInfo) -> Column | None:
        if not member.filename.endswith(".npy"):
            return None
        key = member.filename.removesuffix(".npy")
        with self._reading(key), self._zip.open(member) as file:
            version = np.lib.format.read_magic(file)
            if version not in ((1, 0), (2, 0)):
                raise ValueError(f"its .npy header has version {version}, expected 1.0 or 2.0")
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran_order, dtype = read(file)
            if dtype.kind not in "biufOSU" or dtype.hasobject != (dtype.kind == "O"):
                raise ValueError(f"its dtype is {dtype}, expected numbers, truth values or text")
            promised = file.tell() + int(np.prod(shape, dtype=np.float64) * dtype.itemsize)
            if dtype.kind != "O" and promised != member.file_size:
                raise ValueError(f"its header promises {promised} bytes, it has {member.file_size}")
            return Column(key, shape, dtype, fortran_order, file.tell(), member)


class RowStream:
    """Rows of a column in order: each :meth:`take` begins where the last one ended."""

    def __init__(self, columns: NpzColumns, key: str, whole: np.ndarray | None = None, file: Any = None) -> None:
        self._columns, self._column, self._whole, self._file = columns, columns.columns[key], whole, file
        self._at = 0

    def take(self, count: int) -> np.ndarray:
        """The next rows, (count, ...)."""
        begin, self._at = self._at, self._at + count
        if self._whole is not None:
            rows = self._whole[begin : self._at]
        else:
            with self._columns._reading(self._column.key):
                rows = _read_array(self._file, (count, *self._column.row_shape), self._column.dtype, False)
        return rows if rows.dtype.isnative else rows.astype(rows.dtype.newbyteorder("="))


def _read_array(file: io.BufferedIOBase, shape: tuple[int, ...], dtype: np.dtype, fortran_order: bool) -> np.ndarray:
    count = int(np.prod(shape, dtype=np.int64))
    if not count * dtype.itemsize:
        return np.zeros(shape, dtype)
    data = bytearray(count * dtype.itemsize)
    view, at = memoryview(data), 0
    while at < len(data):
        got = file.readinto(view[at : at + 2**20])
        if not got:
            raise EOFError(f"{len(data) - at} bytes are missing")
        at += got
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran_order else "C")
