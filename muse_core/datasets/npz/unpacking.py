"""Unpacking a compressed ``.npz`` once into a dataset folder beside it, an episode at a time.

The folder appears under its name only when it is whole; a second process that wants it meanwhile waits. It is used
again as long as the file's contents and the way they were read are the same.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.npz.columns import NpzColumns, RowStream
from muse_core.datasets.npz.layout import NpzLayout
from muse_core.datasets.store import DatasetError
from muse_core.files import sync_folder
from muse_core.spec import SpecError

logger = logging.getLogger(__name__)

VERSION = 1


def unpacked_path(path: Path) -> Path:
    """Where a file is unpacked to."""
    return path.with_name(f"{path.name}.unpacked")


def unpacked(columns: NpzColumns, layout: NpzLayout, provenance: Mapping[str, Any] | None) -> EpisodeFolder:
    """The episodes of a file as a folder, unpacked now where they are not yet.

    Raises:
        DatasetError: when the file is damaged, the folder cannot be written, or the disk is full.
    """
    source, target = columns.path, unpacked_path(columns.path)
    wanted = {
        "version": VERSION,
        "digest": columns.digest(),
        "swapped": sorted(layout.swapped),
        "keys": list(layout.spec),
        "rows": int(layout.lengths.sum()),
    }
    try:
        with _alone(target):
            folder = _usable(target, wanted, len(layout.ids))
            if folder is None:
                _unpack(columns, layout, target, {**(provenance or {}), "unpacked": wanted})
                folder = EpisodeFolder.open(target)
            return folder
    except OSError as error:
        size = sum(c.member.file_size for c in columns.columns.values())
        free = shutil.disk_usage(source.parent).free
        why = "the disk is full" if error.errno == errno.ENOSPC else str(error)
        raise DatasetError(
            f"{source}: cannot be unpacked beside itself: {why}. It takes {size / 1e9:.1f} GB, {free / 1e9:.1f} GB are "
            f"free; make room, or unpack it elsewhere: `muse import {source} -o DISK/NAME`"
        ) from error


def _usable(target: Path, wanted: Mapping[str, Any], episodes: int) -> EpisodeFolder | None:
    """What was unpacked before, if it is of this file as it is now."""
    if not target.exists():
        return None
    with contextlib.suppress(DatasetError):
        folder = EpisodeFolder.open(target)
        if (folder.provenance or {}).get("unpacked") == wanted and len(folder) == episodes:
            return folder
    logger.info("%s is of another version of the file; unpacking again", target)
    shutil.rmtree(target)
    return None


def _unpack(columns: NpzColumns, layout: NpzLayout, target: Path, provenance: dict[str, Any]) -> None:
    size = sum(columns.columns[key].member.file_size for key in layout.spec)
    if shutil.disk_usage(target.parent).free < size:
        raise OSError(errno.ENOSPC, "the disk is full")
    logger.info("unpacking %s into %s, %.2f GB, once", columns.path, target, size / 1e9)
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
    try:
        folder = EpisodeFolder.create(partial, layout.spec, layout.meta.get("contract"), provenance)
        folder.must_be_finite = False  # what is not matters only to those who train on that key, and they are told
        write_episodes(columns, layout, folder, layout.ids, layout.metadata)
        partial.rename(target)
        sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def write_episodes(
    columns: NpzColumns,
    layout: NpzLayout,
    folder: EpisodeFolder,
    names: Sequence[str],
    metadata: Sequence[Mapping[str, Any]],
    jpeg_quality: int = 95,
) -> None:
    """Add every episode of a file to a folder, reading each column once from its first row to its last.

    Args:
        columns: Of the file.
        layout: Of the file.
        folder: What to add to; it has the keys of the layout.
        names: What each episode is called there.
        metadata: Of each episode.
        jpeg_quality: Of images, where the folder stores JPEG.

    Raises:
        DatasetError: when the file is damaged or an array is not what the folder takes; the message names the key.
    """
    from tqdm import tqdm

    with contextlib.ExitStack() as stack:
        streams = {key: stack.enter_context(columns.rows(key, folder.path)) for key in layout.spec}
        total, title = int(layout.lengths.sum()), f"reading {columns.path.name}"
        bar = stack.enter_context(tqdm(total=total, unit="row", desc=title))
        for number, length in enumerate(layout.lengths.tolist()):
            arrays = {key: _part(key, stream, layout, length) for key, stream in streams.items()}
            try:
                folder.add_episode(names[number], arrays, metadata[number], jpeg_quality)
            except SpecError as error:
                begin = int(layout.lengths[:number].sum())
                raise DatasetError(
                    f"{columns.path}, rows {begin} to {begin + length - 1} (episode {number}): {error}; repair them, "
                    "or leave the key out with `muse import --leave_out KEY`"
                ) from error
            bar.update(length)


def _part(key: str, stream: RowStream, layout: NpzLayout, length: int) -> Any:
    """One episode's share of a column."""
    swap = key in layout.swapped
    if layout.spec[key].role != "episode":
        return _EpisodeRows(stream, (length, *layout.spec[key].shape), swap)
    value = stream.take(1)[0]
    for _ in range(length - 1 if key in layout.cut else 0):
        row = stream.take(1)[0]
        value = row if layout.cut[key] == "last" else value
    return value[..., ::-1] if swap else value


class _EpisodeRows:
    """Rows of one episode, read from a stream when they are sliced; every row is read once, in order."""

    def __init__(self, stream: RowStream, shape: tuple[int, ...], swap: bool) -> None:
        self._stream, self.shape, self._swap, self._at = stream, shape, swap, 0

    def __getitem__(self, rows: slice) -> np.ndarray:
        begin, end, _ = rows.indices(self.shape[0])
        if begin != self._at:
            raise IndexError(f"rows are read in order: row {self._at} is next, got {begin}")
        self._at = end
        found = self._stream.take(end - begin)
        return found[..., ::-1] if self._swap else found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[self._at : self.shape[0]], dtype)


@contextlib.contextmanager
def _alone(target: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process that holds it."""
    with open(target.with_name(f".{target.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
