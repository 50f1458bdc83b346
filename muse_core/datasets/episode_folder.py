"""The dataset on disk: one folder, one sub-folder per episode, one memory-mapped ``.npy`` per key.

    data/<name>/dataset.json              schema version, spec, contract, provenance, image storage
    data/<name>/<episode_id>/episode.json length and metadata of one episode
    data/<name>/<episode_id>/<key>.npy    (T, *shape) array; JPEG images: <key>.jpg.npy and <key>.ends.npy

A slash in a key makes a sub-folder (``target/ee_position.npy``); other characters that file names had better not hold
are written as in URLs. What belongs to a whole episode (role ``episode``) has no T. Text is stored as numpy's unicode.

Episodes are written whole under a temporary name and renamed in, so that a folder with an ``episode.json`` is complete
and several processes may add episodes at once. Nothing here imports ROS, torch or pickle.
"""

from __future__ import annotations

import errno
import itertools
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from muse_core.datasets.array_files import checked_rows, key_path, write_npy
from muse_core.datasets.jpeg_frames import JpegFrames, write_jpeg_frames
from muse_core.datasets.store import DatasetError, Episode
from muse_core.files import sync_folder, sync_tree, write_text
from muse_core.spec import ArraySpec, Spec, SpecError, dtype_name

SCHEMA_VERSION = 1
IMAGE_STORAGES = ("raw", "jpeg")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class EpisodeFolder:
    """A dataset of episodes in a folder, in the order of their ids. Made by :meth:`create` or :meth:`open`."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self.spec = Spec.from_dict(header["spec"])
        self.contract: dict[str, Any] | None = header.get("contract")
        self.provenance: dict[str, Any] | None = header.get("provenance")
        self.images: str = header.get("images", "raw")
        self.must_be_finite = True  # whether add_episode refuses values that are not
        self._lengths: dict[str, int] = {}
        self.refresh()

    @classmethod
    def create(
        cls,
        path: str | Path,
        spec: Spec,
        contract: Mapping[str, Any] | None = None,
        provenance: Mapping[str, Any] | None = None,
        images: str = "raw",
    ) -> EpisodeFolder:
        """Make an empty dataset.

        Args:
            path: The folder; it may exist if it holds no dataset yet.
            spec: Every array that each episode holds.
            contract: The contract that made the data, as plain data.
            provenance: Where the data comes from, as plain data.
            images: How images are stored: ``raw`` (uint8, fastest) or ``jpeg`` (some 10 times smaller, lossy).

        Raises:
            DatasetError: if there is a dataset already.
            SpecError: if a key cannot be a file's name.
        """
        path = Path(path)
        if (path / "dataset.json").exists():
            raise DatasetError(f"{path} holds a dataset already; open it, or choose another name")
        for key in spec:
            key_path(key)
        if images not in IMAGE_STORAGES:
            raise DatasetError(f"images must be one of {', '.join(IMAGE_STORAGES)}, got {images!r}")
        header = {
            "schema_version": SCHEMA_VERSION,
            "spec": spec.to_dict(),
            "images": images,
            "contract": None if contract is None else dict(contract),
            "provenance": None if provenance is None else dict(provenance),
        }
        path.mkdir(parents=True, exist_ok=True)
        write_text(path / "dataset.json", _json(header))
        return cls(path, header)

    @classmethod
    def open(cls, path: str | Path) -> EpisodeFolder:
        """Open a dataset that exists.

        Raises:
            DatasetError: if it is none, is of a newer schema, or is damaged.
        """
        path = Path(path)
        header = _read_json(path / "dataset.json", "is no dataset; `muse convert RECORDINGS -o data/NAME` makes one")
        version = header.get("schema_version")
        if version != SCHEMA_VERSION:
            raise DatasetError(f"{path / 'dataset.json'}: schema_version {version!r}; this Muse reads {SCHEMA_VERSION}")
        try:
            return cls(path, header)
        except (KeyError, SpecError) as error:
            raise DatasetError(f"{path / 'dataset.json'}: {error}") from error

    def refresh(self) -> None:
        """Look again at which episodes are there, for those that other processes have added."""
        found = sorted(p.name for p in self.path.iterdir() if _ID.fullmatch(p.name) and (p / "episode.json").exists())
        self._lengths = {id_: self._lengths.get(id_) or int(self._record(id_)["length"]) for id_ in found}

    @property
    def ids(self) -> list[str]:
        """Names of the episodes, sorted."""
        return list(self._lengths)

    @property
    def lengths(self) -> np.ndarray:
        """Rows of each episode, (E,) int64."""
        return np.fromiter(self._lengths.values(), np.int64, len(self._lengths))

    def __len__(self) -> int:
        return len(self._lengths)

    def __contains__(self, episode_id: object) -> bool:
        return episode_id in self._lengths

    def __iter__(self) -> Iterator[Episode]:
        return (self.get_episode(episode_id) for episode_id in self.ids)

    def get_episode(self, which: int | str, names: Sequence[str] | None = None) -> Episode:
        """The episode of this number or id, with these of its arrays; all by default.

        Raises:
            KeyError: if there is none of this id.
            IndexError: if there is none of this number.
            DatasetError: if its files disagree with the spec or with each other.
        """
        episode_id = which if isinstance(which, str) else self.ids[which]
        record = self._record(self._known(episode_id))
        arrays = {
            key: self._load(episode_id, key, int(record["length"])) for key in (self.spec if names is None else names)
        }
        return Episode(episode_id, arrays, record["metadata"], int(record["length"]))

    def metadata(self, which: int | str) -> dict[str, Any]:
        """The metadata of one episode, without touching its arrays."""
        episode_id = which if isinstance(which, str) else self.ids[which]
        return self._record(self._known(episode_id))["metadata"]

    def add_episode(
        self,
        episode_id: str,
        arrays: Mapping[str, np.ndarray],
        metadata: Mapping[str, Any] | None = None,
        jpeg_quality: int = 95,
    ) -> None:
        """Check an episode against the spec, write it whole, and rename it in.

        Args:
            episode_id: Letters, digits, dots, dashes and underscores.
            arrays: Exactly the keys of the spec, each (T, *shape) with T >= 1; what belongs to the whole episode lacks
                the T. Anything with a shape that gives arrays when sliced will do: it is read a few rows at a time.
            metadata: Plain data for JSON.
            jpeg_quality: Quality of images in a dataset that stores JPEG.

        Raises:
            DatasetError: if the id is taken or not legal.
            SpecError: if an array is not what the spec says.
            OSError: if it cannot be written, saying what space there is.
        """
        if not _ID.fullmatch(episode_id) or len(episode_id) > 200:
            raise DatasetError(f"episode id must be letters, digits and . _ -, got {episode_id!r}")
        target = self.path / episode_id
        if target.exists():
            raise DatasetError(f"{target} exists; episodes are never overwritten, remove_episode it first")
        length = self._check(arrays)
        temporary = Path(tempfile.mkdtemp(dir=self.path, prefix=f".{episode_id}."))
        try:
            temporary.chmod(0o755)
            for key, array_spec in self.spec.items():
                stem = temporary / key_path(key)
                stem.parent.mkdir(parents=True, exist_ok=True)
                rows = checked_rows(key, array_spec, arrays[key], self.must_be_finite)
                if self._is_jpeg(array_spec):
                    write_jpeg_frames(stem.parent, stem.name, itertools.chain.from_iterable(rows), jpeg_quality)
                else:
                    write_npy(stem.with_name(f"{stem.name}.npy"), array_spec, arrays[key].shape, rows)
            record = {"id": episode_id, "length": length, "metadata": dict(metadata or {})}
            (temporary / "episode.json").write_text(_json(record), encoding="utf-8")
            sync_tree(temporary)
            temporary.rename(target)
        except BaseException as error:
            shutil.rmtree(temporary, ignore_errors=True)
            if not isinstance(error, OSError):
                raise
            if target.exists():
                raise DatasetError(f"{target} exists: another process was faster to add it") from error
            free = shutil.disk_usage(self.path).free / 1e6
            why = f"{error.strerror or error}; {free:.0f} MB are free. Nothing of the episode is left, others are whole"
            raise OSError(error.errno or errno.ENOSPC, why, str(target)) from error
        sync_folder(self.path)
        self._lengths = dict(sorted({**self._lengths, episode_id: length}.items()))

    def remove_episode(self, episode_id: str) -> None:
        """Take an episode out: it vanishes at once, whatever happens while its files are deleted."""
        doomed = Path(tempfile.mkdtemp(dir=self.path, prefix=".removed."))
        (self.path / self._known(episode_id)).rename(doomed / episode_id)
        sync_folder(self.path)
        shutil.rmtree(doomed)
        del self._lengths[episode_id]

    def _check(self, arrays: Mapping[str, np.ndarray]) -> int:
        unknown = [key for key in arrays if key not in self.spec]
        if unknown:
            raise SpecError(f"unknown array {', '.join(unknown)}; the dataset's spec has {', '.join(self.spec)}")
        missing = [key for key in self.spec if key not in arrays]
        if missing:
            raise SpecError(f"missing {', '.join(missing)}; found {', '.join(arrays) or 'nothing'}")
        lengths = {key: arrays[key].shape[0] for key, array in self.spec.items() if array.role != "episode"}
        if len(set(lengths.values())) != 1 or not next(iter(lengths.values())):
            raise SpecError(f"every array must have the same number of rows, at least 1; got {lengths}")
        return next(iter(lengths.values()))

    def _known(self, episode_id: str) -> str:
        if episode_id not in self._lengths:
            raise KeyError(f"no episode {episode_id!r} in {self.path}; it has {len(self)} of them, see `.ids`")
        return episode_id

    def _record(self, episode_id: str) -> dict[str, Any]:
        path = self.path / episode_id / "episode.json"
        record = _read_json(path, "is missing; remove the episode's folder or convert it again")
        if not isinstance(record.get("length"), int) or not isinstance(record.get("metadata"), dict):
            raise DatasetError(f"{path}: must hold `length` and `metadata`, got {', '.join(record)}")
        return record

    def _load(self, episode_id: str, key: str, length: int) -> np.ndarray:
        stem, spec = self.path / episode_id / key_path(key), self.spec[key]
        path = stem.with_name(f"{stem.name}.npy")
        expected = spec.shape if spec.role == "episode" else (length, *spec.shape)
        try:
            if self._is_jpeg(spec):
                array: Any = JpegFrames(stem.parent, stem.name, spec.shape)
            else:
                array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path}: {error}; convert the episode again") from error
        if tuple(array.shape) != expected or dtype_name(array.dtype) != spec.dtype:
            raise DatasetError(
                f"{path}: expected {spec.dtype} {expected}, found {dtype_name(array.dtype)} {tuple(array.shape)}"
            )
        return array

    def _is_jpeg(self, array: ArraySpec) -> bool:
        return self.images == "jpeg" and array.is_image and array.role != "episode"


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _read_json(path: Path, if_missing: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(f"{path}: {if_missing}") from None
    except ValueError as error:
        raise DatasetError(f"{path}: not readable as JSON: {error}") from error
    if not isinstance(value, dict):
        raise DatasetError(f"{path}: must hold a JSON object, got {type(value).__name__}")
    return value
