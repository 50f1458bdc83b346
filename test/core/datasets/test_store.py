"""The checks of every format, on each that there is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conformance.datasets import EpisodeStoreConformance

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.npz.file import NpzFile
from muse_core.datasets.npz.writing import write_npz
from muse_core.datasets.store import EpisodeStore
from muse_core.spec import ArraySpec, Spec

SPEC = Spec(
    {
        "q": ArraySpec((2,), unit="rad"),
        "image": ArraySpec((16, 24, 3), "uint8", "rgb"),
        "action": ArraySpec((3,), role="action"),
        "param/mass": ArraySpec((1,), role="episode"),
    }
)


def a_folder(path: Path, images: str = "raw") -> EpisodeFolder:
    """Three episodes of a few rows."""
    folder = EpisodeFolder.create(path, SPEC, images=images)
    for number, length in enumerate((3, 5, 2)):
        arrays = SPEC.sample(np.random.default_rng(number), length)
        arrays["image"][:] = 40 * number  # of one colour, which JPEG keeps
        folder.add_episode(f"e{number}", arrays, {"success": number > 0})
    return folder


class TestEpisodeFolder(EpisodeStoreConformance):
    def make(self, folder: Path) -> EpisodeStore:
        return a_folder(folder / "set")


class TestEpisodeFolderOfJpegs(EpisodeStoreConformance):
    def make(self, folder: Path) -> EpisodeStore:
        pytest.importorskip("cv2")
        return a_folder(folder / "set", "jpeg")


class TestNpz(EpisodeStoreConformance):
    def make(self, folder: Path) -> EpisodeStore:
        write_npz(folder / "set.npz", a_folder(folder / "set"), colour_order="bgr")
        return NpzFile(folder / "set.npz")


class TestNpzInPlace(EpisodeStoreConformance):
    def make(self, folder: Path) -> EpisodeStore:
        write_npz(folder / "set.npz", a_folder(folder / "set"), compress=False)
        return NpzFile(folder / "set.npz")


class TestRobomimic(EpisodeStoreConformance):
    def make(self, folder: Path) -> EpisodeStore:
        pytest.importorskip("h5py")
        from muse_core.datasets.robomimic.file import RobomimicFile
        from muse_core.datasets.robomimic.writing import write_robomimic

        write_robomimic(folder / "set.hdf5", a_folder(folder / "set"))
        return RobomimicFile(folder / "set.hdf5")
