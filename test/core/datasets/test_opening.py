"""Finding and opening datasets of any format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.npz.file import NpzFile
from muse_core.datasets.opening import datasets_in, find_dataset, open_dataset
from muse_core.datasets.store import DatasetError
from muse_core.spec import ArraySpec, Spec


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of datasets: lift/, real/coffee.npz."""
    spec = Spec({"action": ArraySpec((1,), role="action")})
    EpisodeFolder.create(tmp_path / "lift", spec).add_episode("e", {"action": np.zeros((2, 1), np.float32)})
    (tmp_path / "real").mkdir()
    arrays = {"action": np.zeros((2, 1), np.float32), "done": np.array([False, True])}
    np.savez_compressed(tmp_path / "real" / "coffee.npz", **arrays)
    return tmp_path


def test_what_is_there_decides_the_format(data):
    assert isinstance(open_dataset(data / "lift"), EpisodeFolder)
    coffee = open_dataset(data / "real" / "coffee.npz")
    assert isinstance(coffee, NpzFile) and coffee.get_episode(0).length == 2


def test_a_name_is_found_with_or_without_its_suffix(data):
    assert find_dataset(data, "lift") == data / "lift"
    for name in ("coffee", "coffee.npz"):
        assert find_dataset(data / "real", name) == data / "real" / "coffee.npz"
    assert find_dataset(data, "real/coffee") == data / "real" / "coffee.npz"
    np.savez(data / "v1.2.npz", done=np.ones(1, bool))
    assert find_dataset(data, "v1.2") == data / "v1.2.npz"


def test_what_was_unpacked_is_no_dataset_of_its_own(data):
    open_dataset(data / "real" / "coffee.npz").get_episode(0).arrays["action"]
    assert (data / "real" / "coffee.npz.unpacked").is_dir()
    assert datasets_in(data) == ["lift", "real/coffee.npz"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("coffee", "no dataset 'coffee' in .*did you mean real/coffee.npz.*has lift, real/coffee.npz"),
        ("lfit", "did you mean lift"),
        ("", "no dataset '' in .*: .* has lift, real/coffee.npz"),
    ],
)
def test_a_name_that_is_not_there_says_what_is(data, name: str, message: str):
    with pytest.raises(DatasetError, match=message):
        find_dataset(data, name)


def test_a_path_that_is_no_dataset_is_refused(data):
    (data / "note.txt").write_text("x")
    with pytest.raises(DatasetError, match=r"note\.txt: no dataset by its name; expected a folder, \.npz, \.hdf5"):
        open_dataset(data / "note.txt")
    with pytest.raises(DatasetError, match=r"no such dataset; .*real has coffee\.npz"):
        open_dataset(data / "real" / "coffe.npz")
    with pytest.raises(DatasetError, match="is no dataset; `muse convert"):
        open_dataset(data / "real")
    with pytest.raises(DatasetError, match="holds none; `muse convert`"):
        find_dataset(data / "nowhere", "lift")
