"""How a flat ``.npz`` of the original Muse is laid out: which rows make an episode, and what each key is.

Every key holds one array over all rows of all episodes, one after the other. ``done`` alone says where episodes end.
A key with one entry for each episode belongs to whole episodes; ``param/`` and ``goal/`` keys that hold all rows are
cut to the first or last of each episode. Files that Muse writes carry a key ``meta`` (JSON text) with spec, names,
metadata and the order of the colours; without it images are in OpenCV's order, BGR, as the original stored them.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from muse_core.datasets.known_keys import describe
from muse_core.datasets.npz.columns import Column, NpzColumns
from muse_core.datasets.store import DatasetError
from muse_core.spec import ArraySpec, Spec, SpecError

logger = logging.getLogger(__name__)

META_KEY = "meta"
META_VERSION = 1
ColourOrder = Literal["bgr", "rgb"]
Unfinished = Literal["refuse", "keep", "drop"]
_CUTS: dict[str, Literal["first", "last"]] = {"param/": "first", "goal/": "last"}


@dataclass(frozen=True)
class NpzLayout:
    """What a file holds.

    Attributes:
        spec: Of its episodes; images as RGB.
        lengths: (E,) int64, rows of each episode.
        ids: Names of the episodes.
        metadata: Of each episode.
        swapped: Image keys whose colours are stored as BGR.
        cut: Keys that hold all rows but belong to episodes: the ``first`` or ``last`` row of each counts.
        meta: What a file of Muse's own says of itself.
    """

    spec: Spec
    lengths: np.ndarray
    ids: list[str]
    metadata: list[dict[str, Any]]
    swapped: frozenset[str]
    cut: dict[str, str]
    meta: dict[str, Any] = field(default_factory=dict)


def read_layout(
    columns: NpzColumns,
    colour_order: ColourOrder | None = None,
    unfinished: Unfinished = "refuse",
    leave_out: tuple[str, ...] = (),
) -> NpzLayout:
    """Work out what a file holds, from its headers and `done`.

    Args:
        columns: Of the file.
        colour_order: Of its images; None goes by what the file says, else BGR.
        unfinished: What becomes of rows after the last `done`.
        leave_out: Keys not to read.

    Raises:
        DatasetError: when `done` is missing or odd, or the length of a key fits neither rows nor episodes.
    """
    path, meta = columns.path, _read_meta(columns)
    lengths = _episode_lengths(columns, unfinished)
    rows = columns.columns["done"].shape[0]
    unknown = [key for key in leave_out if key not in columns.columns]
    if unknown:
        raise DatasetError(f"{path}: no key {unknown[0]!r} to leave out; there are {', '.join(columns.columns)}")
    said = _said_spec(path, meta)
    arrays, cut = {}, {}
    for key, column in columns.columns.items():
        if key in leave_out or key in meta.get("added", ()) or (key == META_KEY and meta):
            continue
        if not column.shape:
            logger.warning("%s: %s is a single value, neither per row nor per episode; it is left out", path, key)
            continue
        per_episode = _belongs_to_episodes(path, column, rows, len(lengths), said)
        if per_episode and column.shape[0] == rows != len(lengths):
            cut[key] = next(which for prefix, which in _CUTS.items() if key.startswith(prefix))
            logger.warning("%s: %s has a value for every row; the %s of each episode counts", path, key, cut[key])
        try:
            found = describe(key, column.row_shape, np.dtype("U") if column.is_text else column.dtype, per_episode)
        except SpecError as error:
            raise DatasetError(f"{path}, key {key!r}: {error}; leave it out with --leave_out {key}") from error
        same = key in said and (said[key].shape, said[key].dtype) == (found.shape, found.dtype)
        arrays[key] = said[key] if same else found
    order = colour_order or meta.get("colour_order") or "bgr"
    swapped = [k for k, a in arrays.items() if a.is_image and a.shape[-1] == 3] if order == "bgr" else []
    if swapped:
        logger.info("%s: %s: colours converted from BGR to RGB", path, ", ".join(swapped))
    ids = meta.get("ids", [])
    if len(ids) != len(lengths) or len(set(ids)) != len(ids):
        ids = [f"episode_{number:05d}" for number in range(len(lengths))]
    metadata = meta.get("metadata", [])
    metadata = metadata if len(metadata) == len(lengths) else [{} for _ in lengths]
    return NpzLayout(Spec(arrays), lengths, ids, metadata, frozenset(swapped), cut, meta)


def _episode_lengths(columns: NpzColumns, unfinished: Unfinished) -> np.ndarray:
    path = columns.path
    if "done" not in columns.columns:
        raise DatasetError(
            f"{path}: no key `done`, which says where episodes end; found {', '.join(columns.columns)}. It must "
            "be True in the last row of each episode"
        )
    column = columns.columns["done"]
    if column.is_text or column.shape not in ((len_ := (column.shape or (0,))[0],), (len_, 1)):
        raise DatasetError(f"{path}: `done` must be one truth value a row, got {column.dtype} of shape {column.shape}")
    done = columns.read("done").reshape(-1) != 0
    ends = np.flatnonzero(done) + 1
    last = int(ends[-1]) if len(ends) else 0
    rest = len(done) - last
    if not len(done):
        raise DatasetError(f"{path}: holds no rows; was it saved before anything was collected?")
    if rest and (unfinished == "refuse" or (unfinished == "drop" and not len(ends))):
        raise DatasetError(
            f"{path}: the last {rest} of {len(done)} rows, from row {last}, end with no `done`; `muse import {path} "
            f"--unfinished keep` makes an episode of them, `--unfinished drop` leaves them out"
        )
    if rest and unfinished == "keep":
        ends = np.append(ends, len(done))
    return np.diff(ends, prepend=0).astype(np.int64)


def _belongs_to_episodes(path: Any, column: Column, rows: int, episodes: int, said: dict[str, ArraySpec]) -> bool:
    key, count = column.key, column.shape[0]
    if count not in (rows, episodes):
        raise DatasetError(
            f"{path}, key {key!r}: {count} entries; expected {rows}, one for each row, or {episodes}, one for each "
            f"episode. Repair the file, or leave the key out with `muse import {path} --leave_out {key}`"
        )
    if key in said and count == rows == episodes:
        return said[key].role == "episode"
    return (count == episodes and count != rows) or key.startswith(tuple(_CUTS))


def _read_meta(columns: NpzColumns) -> dict[str, Any]:
    column = columns.columns.get(META_KEY)
    if column is None or column.shape or column.dtype.kind != "U":
        return {}
    try:
        meta = json.loads(str(columns.read(META_KEY)))
        version = meta.get("muse_npz")
    except (ValueError, AttributeError) as error:
        raise DatasetError(f"{columns.path}: its key `meta` is not readable as JSON: {error}") from error
    if version != META_VERSION:
        raise DatasetError(f"{columns.path}: its key `meta` has version {version}; this Muse reads {META_VERSION}")
    return meta


def _said_spec(path: Any, meta: dict[str, Any]) -> dict[str, ArraySpec]:
    try:
        return dict(Spec.from_dict(meta.get("spec", {})))
    except SpecError as error:
        raise DatasetError(f"{path}: its key `meta`: {error}") from error
