"""Datasets between formats: any into a folder, and any into the original's ``.npz`` or robomimic's HDF5.

Whatever is made appears under its name only when it is whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.npz.file import NpzFile
from muse_core.datasets.npz.layout import ColourOrder, Unfinished
from muse_core.datasets.opening import open_dataset
from muse_core.datasets.store import DatasetError, EpisodeStore
from muse_core.files import building_folder
from muse_core.spec import Spec, SpecError


@dataclass(frozen=True)
class ImportOptions:
    """How to read what is imported, and how to store it.

    Attributes:
        images: How the folder stores images.
        jpeg_quality: Of images stored as JPEG.
        colour_order: Of images in a ``.npz``; None goes by what the file says, and BGR where it says nothing.
        unfinished: What becomes of rows of a ``.npz`` after its last `done`.
        leave_out: Keys not to import.
        rate_hz: Rows per second, where the source does not say.
    """

    images: Literal["raw", "jpeg"] = "raw"
    jpeg_quality: int = 95
    colour_order: ColourOrder | None = None
    unfinished: Unfinished = "refuse"
    leave_out: tuple[str, ...] = ()
    rate_hz: float | None = None


def import_dataset(source: str | Path, target: str | Path, options: ImportOptions = ImportOptions()) -> EpisodeFolder:
    """Make a dataset folder of a dataset of any format, an episode at a time.

    Episodes keep their names where a folder has them in the same order; otherwise they are numbered, and their metadata
    says what they were called.

    Args:
        source: A ``.npz``, ``.hdf5`` or ``.h5`` file, or a folder.
        target: The folder to make.
        options: How.

    Raises:
        DatasetError: when the source is damaged or not whole, or the target exists.
    """
    source, target = Path(source), Path(target)
    if target.exists():
        raise DatasetError(f"{target} exists; choose another name, or remove it first")
    store = _open(source, options)
    provenance = {**(store.provenance or {}), "read_from": source.name}
    if options.rate_hz:
        provenance["rate_hz"] = options.rate_hz
    spec = Spec({key: array for key, array in store.spec.items() if key not in options.leave_out})
    names = store.ids if sorted(store.ids) == store.ids else [f"episode_{n:05d}" for n in range(len(store))]
    with building_folder(target) as partial:
        folder = EpisodeFolder.create(partial, spec, store.contract, provenance, options.images)
        metadata = [_metadata(store, n, names[n]) for n in range(len(store))]
        if isinstance(store, NpzFile) and not store.can_be_mapped:
            store.write_to(folder, names, metadata, options.jpeg_quality)
        else:
            _copy(store, folder, names, metadata, options.jpeg_quality)
    return EpisodeFolder.open(target)


def export_dataset(store: EpisodeStore, target: str | Path, **options: Any) -> None:
    """Write a dataset as one file, in the format that its name says.

    Args:
        store: The dataset.
        target: ``.npz`` for the original Muse's layout, ``.hdf5`` or ``.h5`` for robomimic's.
        options: Of :func:`~muse_core.datasets.npz.writing.write_npz` or
            :func:`~muse_core.datasets.robomimic.writing.write_robomimic`.

    Raises:
        DatasetError: when the name says no format, or the dataset cannot be written in it.
    """
    target = Path(target)
    if target.suffix == ".npz":
        from muse_core.datasets.npz.writing import write_npz

        write_npz(target, store, **options)
    elif target.suffix in (".hdf5", ".h5"):
        from muse_core.datasets.robomimic.writing import write_robomimic

        write_robomimic(target, store, **options)
    else:
        raise DatasetError(
            f"{target}: the name must end in .npz (the original Muse's layout), .hdf5 or .h5 (robomimic's)"
        )


def _open(source: Path, options: ImportOptions) -> EpisodeStore:
    if source.suffix == ".npz" and source.is_file():
        return NpzFile(
            source, colour_order=options.colour_order, unfinished=options.unfinished, leave_out=options.leave_out
        )
    if options.colour_order or options.unfinished != "refuse":
        raise DatasetError(f"{source}: the order of colours and unfinished episodes are questions of .npz files alone")
    store = open_dataset(source)
    unknown = [key for key in options.leave_out if key not in store.spec]
    if unknown:
        raise DatasetError(f"{source}: no key {unknown[0]!r} to leave out; there are {', '.join(store.spec)}")
    return store


def _metadata(store: EpisodeStore, number: int, name: str) -> dict[str, Any]:
    called = store.ids[number]
    return {**store.metadata(number), **({} if called == name else {"source_id": called})}


def _copy(
    store: EpisodeStore,
    folder: EpisodeFolder,
    names: Sequence[str],
    metadata: Sequence[Mapping[str, Any]],
    jpeg_quality: int,
) -> None:
    from tqdm import tqdm

    for number in tqdm(range(len(store)), unit="episode", desc=f"reading {store.path.name}"):
        episode = store.get_episode(number, list(folder.spec))
        try:
            folder.add_episode(names[number], episode.arrays, metadata[number], jpeg_quality)
        except SpecError as error:
            raise DatasetError(
                f"{store.path}, episode {episode.id}: {error}; repair it, or leave the key out with --leave_out KEY"
            ) from error
