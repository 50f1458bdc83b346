"""Writing files so that a crash leaves the old one or the new one, never half of one."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A path beside `path` to write to; on leaving without an error it is flushed to disk and takes `path`'s place.

    On an error what was written is removed and `path` stays as it was. The folder is made where it is missing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        with open(partial, "rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def building_folder(target: str | Path) -> Iterator[Path]:
    """A folder beside `target` that takes its name when all went well, and vanishes otherwise."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.rename(target)
        sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def check_room(folder: Path, size: int) -> None:
    """Raise where a disk cannot take so many more bytes.

    Raises:
        OSError: naming the folder, and what is free.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        why = f"the disk is full: {size / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB are free; make room"
        raise OSError(errno.ENOSPC, why, str(folder))


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data`, whole or not at all."""
    with replacing(path) as partial:
        partial.write_bytes(data)


def sync_folder(folder: str | Path) -> None:
    """Make renames inside `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: str | Path) -> None:
    """Make everything inside `folder`, at any depth, survive a power cut."""
    for inner, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(inner, name), "rb") as file:
                os.fsync(file.fileno())
        sync_folder(inner)
