"""Writing a dataset as one flat ``.npz`` in the original Muse's layout, an array at a time, whole or not at all.

``numpy.load`` reads it without ``allow_pickle``: text is stored as unicode. Beside the original's keys there is
``meta``, JSON text that says what the flat layout cannot: spec, episode names, metadata, contract, provenance, and the
order of the colours.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from muse_core.datasets.array_files import Rows, rows_at_once
from muse_core.datasets.npz.layout import META_KEY, META_VERSION, ColourOrder
from muse_core.datasets.store import DatasetError, EpisodeStore
from muse_core.files import replacing
from muse_core.spec import ArraySpec, Spec

_DELIMITERS = Spec(
    {"done": ArraySpec((), "bool", role="output"), "rollout_timestep": ArraySpec((), "int64", role="output")}
)


def write_npz(
    path: str | Path, store: EpisodeStore, *, colour_order: ColourOrder = "rgb", compress: bool = True
) -> None:
    """Write every episode of a dataset, in its order.

    ``done`` is True in the last row of each episode and nowhere else, for it is what delimits episodes there.

    Args:
        path: The file; one that exists is replaced when the new one is whole.
        store: The dataset.
        colour_order: Of the images in the file; ``bgr`` is what the original's own code expects.
        compress: Smaller, but unpacked before it is trained on; what is not compressed is trained on in place.

    Raises:
        DatasetError: when there is nothing to write, or a key has a name that the layout needs.
    """
    if not len(store):
        raise DatasetError(f"{store.path}: holds no episodes to write")
    if META_KEY in store.spec:
        raise DatasetError(f"{store.path}: the key {META_KEY!r} is needed for what the file says of itself; rename it")
    from tqdm import tqdm

    added = [key for key in _DELIMITERS if key not in store.spec]
    spec = Spec({**store.spec, **_DELIMITERS.select(added)})
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with replacing(path) as partial, zipfile.ZipFile(partial, "w", method, compresslevel=2) as file:
        bar = tqdm(total=len(spec) * len(store), unit="array", desc=f"writing {Path(path).name}")
        with bar:
            for key, array in spec.items():
                _write_key(file, key, array, store, colour_order == "bgr", bar)
        _write_array(file, META_KEY, np.array(json.dumps(_meta(store, colour_order, added), ensure_ascii=False)))


def _meta(store: EpisodeStore, colour_order: ColourOrder, added: list[str]) -> dict[str, Any]:
    return {
        "muse_npz": META_VERSION,
        "colour_order": colour_order,
        "spec": store.spec.to_dict(),
        "added": added,
        "ids": store.ids,
        "metadata": [store.metadata(i) for i in range(len(store))],
        "contract": store.contract,
        "provenance": store.provenance,
    }


def _write_key(file: zipfile.ZipFile, key: str, spec: ArraySpec, store: EpisodeStore, swap: bool, bar: Any) -> None:
    per_episode = spec.role == "episode"
    count = len(store) if per_episode else int(store.lengths.sum())
    if spec.dtype == "str":
        parts = list(_parts(key, spec, store, bar))
        _write_array(file, key, np.concatenate(parts))
        return
    swap = swap and spec.is_image and spec.shape[-1] == 3
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(spec.dtype)), "fortran_order": False}
    with file.open(_entry(file, key), "w", force_zip64=True) as out:
        np.lib.format.write_array_header_1_0(out, {**header, "shape": (count, *spec.shape)})
        for part in _parts(key, spec, store, bar):
            out.write(np.ascontiguousarray(part[..., ::-1] if swap else part, spec.dtype).data)


def _parts(key: str, spec: ArraySpec, store: EpisodeStore, bar: Any) -> Iterator[np.ndarray]:
    """All rows of a key, a few at a time."""
    for number, length in enumerate(store.lengths.tolist()):
        if key in _DELIMITERS:
            yield _delimiter(key, spec, length)
        else:
            found = store.get_episode(number, [key]).arrays[key]
            whole = spec.role == "episode" or spec.dtype == "str"
            yield from [np.asarray(found).reshape(-1, *spec.shape)] if whole else _chunks(found, spec, length)
        bar.update()


def _chunks(array: Rows, spec: ArraySpec, length: int) -> Iterator[np.ndarray]:
    step = rows_at_once(spec.shape, spec.dtype)
    return (np.asarray(array[begin : begin + step]) for begin in range(0, length, step))


def _delimiter(key: str, spec: ArraySpec, length: int) -> np.ndarray:
    rows = np.arange(length)
    values = rows == length - 1 if key == "done" else rows
    return values.reshape(length, *spec.shape).astype(spec.dtype)


def _write_array(file: zipfile.ZipFile, key: str, array: np.ndarray) -> None:
    with file.open(_entry(file, key), "w", force_zip64=True) as out:
        np.lib.format.write_array(out, np.asanyarray(array), allow_pickle=False)


def _entry(file: zipfile.ZipFile, key: str) -> zipfile.ZipInfo:
    """A member whose bytes depend on the data alone: no time of writing."""
    entry = zipfile.ZipInfo(f"{key}.npy")
    entry.compress_type, entry._compresslevel = file.compression, file.compresslevel
    entry.external_attr = 0o644 << 16
    return entry
