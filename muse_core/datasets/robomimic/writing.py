"""Writing a dataset as an HDF5 file that robomimic trains on, an array at a time, whole or not at all.

Images are stored in one piece and uncompressed, which robomimic reads fastest. What its layout has no place for (other
arrays of the rows, what belongs to whole episodes, names, metadata, spec) is kept where robomimic looks past it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from muse_core.datasets.array_files import rows_at_once
from muse_core.datasets.robomimic.file import MUSE_ATTRIBUTE, PER_EPISODE, RENAMED
from muse_core.datasets.split import split_episodes
from muse_core.datasets.store import DatasetError, EpisodeStore
from muse_core.files import check_room, replacing
from muse_core.spec import ArraySpec

logger = logging.getLogger(__name__)

_ENVIRONMENT = {"env_name": "muse", "type": 2, "env_kwargs": {}}  # robomimic's number for gym: its light-weight kind
_PLACES = {key: place for place, key in RENAMED.items()}


def write_robomimic(
    path: str | Path,
    store: EpisodeStore,
    *,
    actions: Sequence[str] | None = None,
    scale_actions: bool = False,
    validation_fraction: float = 0.1,
) -> None:
    """Write every episode of a dataset as a demo, in its order.

    Args:
        path: The file; one that exists is replaced when the new one is whole.
        store: The dataset.
        actions: Keys that are put side by side as ``actions``; by default ``action``, or else all of the role.
        scale_actions: Divide each dimension of the actions by the largest magnitude it has, so that all lie in [-1, 1],
            as robomimic expects. The divisors are kept in the attribute ``action_scale`` of ``data``.
        validation_fraction: Share of the episodes listed under ``mask/valid``, by the hash of their ids. A dataset that
            came from such a file keeps its lists.

    Raises:
        DatasetError: when there is nothing to write, or no such actions.
    """
    if not len(store):
        raise DatasetError(f"{store.path}: holds no episodes to write")
    from tqdm import tqdm

    keys = _action_keys(store, actions)
    scale = _action_scale(store, keys)
    if scale.max() > 1.0 and not scale_actions:
        logger.warning(
            "%s: actions reach %.3g; robomimic expects them in [-1, 1] and does not check. --scale_actions divides "
            "each dimension by its largest magnitude: %s", path, scale.max(), ", ".join(f"{s:.3g}" for s in scale),
        )  # fmt: skip
    divisor = np.where(scale > 0, scale, 1.0) if scale_actions else None
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    # A disk that fills up while HDF5 writes ends the process itself, so that it is asked before.
    check_room(Path(path).parent, _size(store))
    with replacing(path) as partial, h5py.File(partial, "w") as file:
        data = file.create_group("data")
        data.attrs["total"] = int(store.lengths.sum())
        data.attrs["env_args"] = json.dumps((store.provenance or {}).get("env_args") or _ENVIRONMENT)
        as_they_are = keys == ["action"] and not scale_actions
        spec = {n: a for n, a in store.spec.to_dict().items() if n not in keys or as_they_are}
        added = [key for key in ("reward", "done") if key not in store.spec]  # robomimic looks for them
        kept = {"spec": spec, "added": added, "contract": store.contract, "provenance": store.provenance}
        data.attrs[MUSE_ATTRIBUTE] = json.dumps(kept)
        if divisor is not None:
            data.attrs["action_scale"] = divisor
        for number in tqdm(range(len(store)), unit="episode", desc=f"writing {Path(path).name}"):
            _write_demo(data.create_group(f"demo_{number}"), store, number, keys, divisor)
        for name, demos in _masks(store, validation_fraction).items():
            file.create_dataset(f"mask/{name}", data=np.array(demos, "S"))


def _size(store: EpisodeStore) -> int:
    """Bytes of all arrays, text apart, and some for what HDF5 notes of each."""
    numbers = [array for array in store.spec.values() if array.dtype != "str"]
    row = sum(int(np.prod(array.shape)) * np.dtype(array.dtype).itemsize for array in numbers)
    return row * int(store.lengths.sum()) + 2048 * (len(store.spec) + 4) * len(store)


def _action_keys(store: EpisodeStore, wanted: Sequence[str] | None) -> list[str]:
    every = [key for key, array in store.spec.items() if array.role == "action"]
    keys = list(wanted) if wanted else ["action"] if "action" in every else every
    missing = [key for key in keys if key not in store.spec]
    if not keys or missing:
        wrong = f"no {missing[0]!r}" if missing else "no array of the role action"
        raise DatasetError(f"{store.path}: {wrong} to write as actions; there are {', '.join(store.spec)}")
    return keys


def _actions(arrays: Any, keys: Sequence[str], length: int) -> np.ndarray:
    return np.concatenate([np.asarray(arrays[key]).reshape(length, -1) for key in keys], axis=1)


def _action_scale(store: EpisodeStore, keys: Sequence[str]) -> np.ndarray:
    """Largest magnitude of each dimension."""
    largest = []
    for number in range(len(store)):
        episode = store.get_episode(number, keys)
        largest.append(np.abs(_actions(episode.arrays, keys, len(episode)).astype(np.float64)).max(axis=0))
    return np.max(largest, axis=0)


def _write_demo(
    demo: h5py.Group, store: EpisodeStore, number: int, keys: Sequence[str], divisor: np.ndarray | None
) -> None:
    episode = store.get_episode(number)
    length = len(episode)
    actions = _actions(episode.arrays, keys, length)
    demo.create_dataset("actions", data=actions if divisor is None else actions / divisor)
    ends = np.arange(length) == length - 1
    for key, array in store.spec.items():
        if key not in keys:
            _write_array(demo, _place(key, array), array, episode.arrays[key], length)
    if "reward" not in store.spec:
        demo.create_dataset("rewards", data=np.zeros(length))
    if "done" not in store.spec:
        demo.create_dataset("dones", data=ends.astype(np.int64))
    demo.attrs["num_samples"] = length
    demo.attrs["id"] = episode.id
    metadata = dict(episode.metadata)
    model = metadata.pop("model_file", None)  # the scene of a simulated demo, where robomimic looks for it
    if model is not None:
        demo.attrs["model_file"] = model
    demo.attrs["metadata"] = json.dumps(metadata)


def _place(key: str, array: ArraySpec) -> str:
    if key == "action":  # not among those that are written as `actions`
        return f"other/{key}"
    return _PLACES.get(key) or (f"obs/{key}" if array.role == "observation" else key)


def _write_array(demo: h5py.Group, place: str, spec: ArraySpec, source: Any, length: int) -> None:
    if spec.dtype == "str":
        dataset = demo.create_dataset(place, data=np.asarray(source).astype(object), dtype=h5py.string_dtype())
    elif spec.role == "episode":
        dataset = demo.create_dataset(place, data=np.asarray(source))
    else:
        flat = place in ("rewards", "dones")
        dtype = np.int64 if place == "dones" else spec.dtype
        dataset = demo.create_dataset(place, (length,) if flat else (length, *spec.shape), dtype)
        for begin in range(0, length, rows_at_once(spec.shape, spec.dtype)):
            rows = np.asarray(source[begin : begin + rows_at_once(spec.shape, spec.dtype)])
            dataset[begin : begin + len(rows)] = rows.reshape(len(rows)) if flat else rows
    if spec.role == "episode":
        dataset.attrs[PER_EPISODE] = True


def _masks(store: EpisodeStore, validation_fraction: float) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for number in range(len(store)):
        for name in store.metadata(number).get("filter_keys", ()):
            lists.setdefault(name, []).append(f"demo_{number}")
    if lists:
        return lists
    train, valid = split_episodes(store.ids, validation_fraction)
    return {"train": [f"demo_{i}" for i in train], "valid": [f"demo_{i}" for i in valid]}
