"""Datasets in robomimic's HDF5 layout, read in bounded memory.

    data                attributes total, env_args (JSON)
    data/demo_3         attribute num_samples; datasets actions, rewards, dones, states, ...
    data/demo_3/obs     one dataset a key, images (T, H, W, 3) uint8 RGB
    mask/train, ...     names of demos

Observations keep their names; ``actions``, ``rewards`` and ``dones`` become ``action``, ``reward`` and ``done``, other
datasets of a demo keep theirs. ``next_obs`` repeats the observations a row later and is not read. Datasets that lie in
one piece are memory-mapped in place, others read by slices. Needs h5py (the extra ``train``).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from muse_core.datasets.known_keys import describe
from muse_core.datasets.store import DatasetError, Episode, number_of
from muse_core.spec import ArraySpec, Spec, SpecError

logger = logging.getLogger(__name__)

RENAMED = {"actions": "action", "rewards": "reward", "dones": "done"}
MUSE_ATTRIBUTE = "muse"  # on `data`, in files that Muse writes: JSON of spec, contract and provenance
PER_EPISODE = "muse_per_episode"  # on datasets that belong to a whole episode
_NOT_READ = ("next_obs",)


class RobomimicFile:
    """An HDF5 file in robomimic's layout; an :class:`~muse_core.datasets.store.EpisodeStore` to read from.

    Attributes:
        path: The file.
        spec: Of its episodes, from the first demo.
        contract: The contract that made the data, where a file of Muse's own says so.
        provenance: Where the data comes from, with ``env_args`` of the file.
    """

    def __init__(self, path: str | Path) -> None:
        """Read what the file holds; arrays are read when they are asked for.

        Raises:
            FileNotFoundError: when there is no such file.
            DatasetError: when it is no HDF5 file, damaged, or laid out otherwise.
        """
        self.path = Path(path)
        self.path.stat()
        try:
            self._file = h5py.File(self.path, "r")
        except OSError as error:
            raise DatasetError(f"{self.path}: not readable as HDF5: {error}; copy it again from its source") from error
        data = self._file.get("data")
        if not isinstance(data, h5py.Group):
            raise DatasetError(
                f"{self.path}: no group `data`, which holds the demos; found {', '.join(self._file) or 'nothing'}"
            )
        names = sorted((n for n in data if isinstance(data[n], h5py.Group)), key=_in_number_order)
        if not names:
            raise DatasetError(f"{self.path}: `data` holds no demos; expected groups demo_0, demo_1, ...")
        self._demos: dict[str, str] = {str(data[name].attrs.get("id", name)): name for name in names}
        self._bytes: np.ndarray | None = None
        said = self._json(data, MUSE_ATTRIBUTE)
        self.contract: dict[str, Any] | None = said.get("contract")
        env_args = self._json(data, "env_args")
        self.provenance: dict[str, Any] | None = {
            **_recorded_rate(env_args),
            **(said.get("provenance") or {}),
            "read_from": self.path.name,
            **({"env_args": env_args} if env_args else {}),
        }
        self._lengths = np.array([self._length(name) for name in names], np.int64)
        self._filters = self._read_filters()
        self._places = self._find_places(names[0])
        self.spec = self._describe(names[0], said)

    @property
    def ids(self) -> list[str]:
        """Names of the demos, ``demo_2`` before ``demo_10``; in files that Muse wrote, of the episodes they were."""
        return list(self._demos)

    @property
    def lengths(self) -> np.ndarray:
        """Rows of each demo, (E,) int64."""
        return self._lengths.copy()

    def __len__(self) -> int:
        return len(self._demos)

    def filter_keys(self) -> dict[str, list[str]]:
        """The lists under ``mask``, such as train and valid, as ids of episodes."""
        ids = {demo: episode_id for episode_id, demo in self._demos.items()}
        return {name: [ids[demo] for demo in demos if demo in ids] for name, demos in self._filters.items()}

    def get_episode(self, which: int | str, names: Sequence[str] | None = None) -> Episode:
        """The episode of this number or name, with these of its arrays; all by default.

        Raises:
            KeyError: if there is none of this name.
            IndexError: if there is none of this number.
            DatasetError: if it is not laid out as the first one is.
        """
        number = number_of(self, which)
        length, demo = int(self._lengths[number]), self._demos[self.ids[number]]
        arrays = {key: self._array(demo, key, length) for key in (self.spec if names is None else names)}
        return Episode(self.ids[number], arrays, self.metadata(number), length)

    def metadata(self, which: int | str) -> dict[str, Any]:
        """Attributes of a demo, and under ``filter_keys`` the lists of ``mask`` it is in."""
        episode_id = self.ids[number_of(self, which)]
        group = self._file["data"][self._demos[episode_id]]
        found = self._json(group, "metadata")
        own = ("num_samples", "id", "metadata")
        found.update({name: _plain(value) for name, value in group.attrs.items() if name not in own})
        filters = [name for name, demos in self._filters.items() if self._demos[episode_id] in demos]
        return {**found, **({"filter_keys": filters} if filters else {})}

    def add_episode(
        self, episode_id: str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Refuse: a file is written whole.

        Raises:
            DatasetError: always, saying what to do instead.
        """
        raise DatasetError(
            f"{self.path}: nothing is added to an HDF5 file; `muse import {self.path} -o data/NAME` makes a dataset "
            "folder of it, which grows"
        )

    def _json(self, group: h5py.Group, name: str) -> dict[str, Any]:
        text = group.attrs.get(name)
        if text is None:
            return {}
        try:
            value = json.loads(text)
        except (TypeError, ValueError) as error:
            raise DatasetError(f"{self.path}, {group.name}: attribute {name!r} is no JSON: {error}") from error
        return value if isinstance(value, dict) else {}

    def _read_filters(self) -> dict[str, list[str]]:
        masks = self._file.get("mask", {})
        return {name: masks[name].asstr()[()].tolist() for name in masks if isinstance(masks[name], h5py.Dataset)}

    def _length(self, demo: str) -> int:
        group = self._file["data"][demo]
        if "actions" not in group:
            raise DatasetError(f"{self.path}, {group.name}: no `actions`; found {', '.join(group) or 'nothing'}")
        length = len(group["actions"])
        said = int(group.attrs.get("num_samples", length))
        if said != length or not length:
            raise DatasetError(f"{self.path}, {group.name}: num_samples is {said}, but there are {length} actions")
        return length

    def _find_places(self, demo: str) -> dict[str, str]:
        """Key to the path of its dataset within a demo."""
        found: dict[str, str] = {}

        def visit(place: str, node: Any) -> None:
            if not isinstance(node, h5py.Dataset) or place.split("/")[0] in _NOT_READ:
                return
            key = RENAMED.get(place, place.removeprefix("obs/"))
            if key in found:
                raise DatasetError(f"{self.path}, {node.parent.name}: both {found[key]} and {place} would be {key!r}")
            found[key] = place

        self._file["data"][demo].visititems(visit)
        return found

    def _describe(self, demo: str, said: Mapping[str, Any]) -> Spec:
        group, length = self._file["data"][demo], int(self._lengths[0])
        try:
            known = dict(Spec.from_dict(said.get("spec", {})))
        except SpecError as error:
            raise DatasetError(f"{self.path}: attribute {MUSE_ATTRIBUTE!r}: {error}") from error
        arrays: dict[str, ArraySpec] = {}
        for key, place in self._places.items():
            if key not in said.get("added", ()):
                found = known.get(key) or self._describe_array(
                    key, group[place], length, in_obs=place.startswith("obs/")
                )
                arrays |= {key: found} if found else {}
        return Spec({key: arrays[key] for key in (*known, *arrays) if key in arrays})

    def _describe_array(self, key: str, dataset: h5py.Dataset, length: int, in_obs: bool) -> ArraySpec | None:
        """What a dataset is, by its name and form; None, and a warning, for one that fits no spec."""
        per_episode = bool(dataset.attrs.get(PER_EPISODE, False))
        text = h5py.check_string_dtype(dataset.dtype) is not None
        if not per_episode and (not dataset.shape or dataset.shape[0] != length):
            logger.warning("%s, %s: shape %s, not one row a step; left out", self.path, dataset.name, dataset.shape)
            return None
        if not text and dataset.dtype.kind not in "biuf":
            logger.warning("%s, %s: dtype %s is left out", self.path, dataset.name, dataset.dtype)
            return None
        row = dataset.shape if per_episode else dataset.shape[1:]
        dtype = np.dtype(str) if text else np.dtype(bool) if key == "done" else dataset.dtype
        spec = describe(key, row, dtype, per_episode)
        return spec if in_obs or key == "action" else _as_output(spec)

    def _array(self, demo: str, key: str, length: int) -> np.ndarray:
        spec = self.spec[key]
        place = f"{demo}/{self._places[key]}"
        dataset = self._file["data"].get(place)
        if dataset is None:
            raise DatasetError(f"{self.path}: no data/{place}, which the first demo has; repair or remove the demo")
        expected = spec.shape if spec.role == "episode" else (length, *spec.shape)
        if dataset.size != int(np.prod(expected, dtype=np.int64)) or dataset.shape[:1] != expected[:1]:
            raise DatasetError(f"{self.path}, {dataset.name}: expected shape {expected}, found {dataset.shape}")
        if spec.dtype == "str":
            return np.array(dataset.asstr()[()], dtype=str).reshape(expected)
        if dataset.dtype != np.dtype(spec.dtype) or dataset.shape != expected:
            return dataset[()].astype(spec.dtype).reshape(expected)
        return self._mapped(dataset) if dataset.id.get_offset() is not None else SlicedDataset(dataset)

    def _mapped(self, dataset: h5py.Dataset) -> np.ndarray:
        """A dataset that lies in one piece, out of one map of the whole file."""
        if self._bytes is None:
            self._bytes = np.asarray(np.memmap(self.path, np.uint8, "r"))
        return np.ndarray(dataset.shape, dataset.dtype, self._bytes, dataset.id.get_offset())


class SlicedDataset:
    """A dataset of a file that is read when it is sliced, for it is stored in chunks; reads like an array."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset = dataset
        self.shape: tuple[int, ...] = dataset.shape
        self.dtype = dataset.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        return self._dataset[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self._dataset[()].astype(dtype or self.dtype, copy=False)


def _recorded_rate(env_args: Mapping[str, Any]) -> dict[str, float]:
    """``rate_hz``, where robosuite's settings of the environment say it."""
    settings = env_args.get("env_kwargs")
    rate = settings.get("control_freq") if isinstance(settings, dict) else None
    return {"rate_hz": float(rate)} if isinstance(rate, int | float) and rate > 0 else {}


def _as_output(spec: ArraySpec) -> ArraySpec:
    return spec if spec.role == "episode" else ArraySpec(spec.shape, spec.dtype, spec.unit, role="output")


def _in_number_order(name: str) -> tuple[int, str]:
    number = name.rsplit("_", 1)[-1]
    return (int(number) if number.isdigit() else 2**63, name)


def _plain(value: Any) -> Any:
    """An attribute as JSON can hold it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
