"""Opening a dataset by what is there, and finding one by name. Each format is imported only where it is met."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

from muse_core.datasets.store import DatasetError, EpisodeStore


def _folder(path: Path) -> EpisodeStore:
    from muse_core.datasets.episode_folder import EpisodeFolder

    return EpisodeFolder.open(path)


def _npz(path: Path) -> EpisodeStore:
    from muse_core.datasets.npz.file import NpzFile

    return NpzFile(path)


def _robomimic(path: Path) -> EpisodeStore:
    from muse_core.datasets.robomimic.file import RobomimicFile

    return RobomimicFile(path)


FORMATS: dict[str, Callable[[Path], EpisodeStore]] = {".npz": _npz, ".hdf5": _robomimic, ".h5": _robomimic}


def is_dataset_file(path: Path) -> bool:
    """Whether this is a file that its name says to be a dataset."""
    return path.is_file() and path.suffix in FORMATS


def open_dataset(path: str | Path) -> EpisodeStore:
    """The dataset at a path: a folder of episodes, the original Muse's ``.npz``, or robomimic's ``.hdf5`` or ``.h5``.

    Raises:
        DatasetError: when nothing there is a dataset, saying what was found; or when it is damaged.
    """
    path = Path(path)
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise DatasetError(f"{path}: no such dataset; {_listing(path.parent)}")
    if path.suffix not in FORMATS:
        raise DatasetError(f"{path}: no dataset by its name; expected a folder, {', '.join(FORMATS)}")
    return FORMATS[path.suffix](path)


def find_dataset(data_dir: str | Path, name: str) -> Path:
    """Where the dataset of this name is below `data_dir`: a folder NAME, NAME.npz, NAME.hdf5 or NAME.h5.

    Args:
        data_dir: Where datasets are kept.
        name: With or without the suffix; it may begin with sub-folders.

    Raises:
        DatasetError: when there is none of this name, naming the nearest.
    """
    base = Path(data_dir) / name
    if name and (base / "dataset.json").is_file():
        return base
    if name and is_dataset_file(base):
        return base
    for suffix in FORMATS if name else ():
        file = base.with_name(base.name + suffix)
        if file.is_file():
            return file
    raise DatasetError(f"no dataset {name!r} in {data_dir}: {_listing(Path(data_dir), name)}")


def datasets_in(folder: Path) -> list[str]:
    """Names of the datasets in a folder and its sub-folders, two levels deep."""
    found = set()
    for depth in ("*", "*/*"):
        for path in folder.glob(depth):
            inside_one = (path.parent / "dataset.json").is_file()
            hidden = path.name.startswith(".") or path.name.endswith(".unpacked") or inside_one
            if not hidden and ((path / "dataset.json").is_file() or is_dataset_file(path)):
                found.add(path.relative_to(folder).as_posix())
    return sorted(found)


def _listing(folder: Path, name: str = "") -> str:
    there = datasets_in(folder)
    if not there:
        return f"{folder} holds none; `muse convert` makes one of recordings, `muse import` of other formats"
    close = difflib.get_close_matches(name, there, n=1) if name else []
    inside = [each for each in there if name and Path(each).with_suffix("").name == Path(name).name]
    hint = f"did you mean {(inside or close)[0]}? " if inside or close else ""
    return f"{hint}{folder} has {', '.join(there)}"
