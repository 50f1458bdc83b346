"""Writing the original's flat .npz: plain numpy reads it, and so does Muse, to the last bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from muse_core.datasets.episode_folder import EpisodeFolder
from muse_core.datasets.npz.file import NpzFile
from muse_core.datasets.npz.writing import write_npz
from muse_core.datasets.store import DatasetError
from muse_core.spec import ArraySpec, Spec

SPEC = Spec(
    {
        "ee_position": ArraySpec((3,), unit="m", low=-1.0, high=1.0),
        "image": ArraySpec((4, 5, 3), "uint8", "rgb"),
        "target/ee_position": ArraySpec((3,), role="output"),
        "policy_name": ArraySpec((1,), "str", role="output"),
        "goal/ee_position": ArraySpec((3,), role="episode"),
        "action": ArraySpec((2,), "float64", role="action"),
    }
)


@pytest.fixture
def folder(tmp_path: Path) -> EpisodeFolder:
    """Two episodes, of 1 and 3 rows."""
    made = EpisodeFolder.create(tmp_path / "set", SPEC, contract={"rate_hz": 10}, provenance={"by": "a test"})
    rng = np.random.default_rng(0)
    for name, length in (("first", 1), ("second", 3)):
        arrays = SPEC.sample(rng, length)
        arrays["policy_name"] = np.array([[f"{name} é {row}"] for row in range(length)])
        made.add_episode(name, arrays, {"success": True, "task": name})
    return made


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("colour_order", ["rgb", "bgr"])
def test_what_is_written_is_read_back_to_the_last_bit(folder, tmp_path, compress, colour_order):
    write_npz(tmp_path / "out.npz", folder, compress=compress, colour_order=colour_order)
    back = NpzFile(tmp_path / "out.npz")
    assert dict(back.spec) == dict(SPEC) and back.ids == ["first", "second"] and back.lengths.tolist() == [1, 3]
    assert back.contract == {"rate_hz": 10} and back.provenance["by"] == "a test"
    assert back.can_be_mapped == (not compress and colour_order == "rgb")
    for number in range(2):
        assert back.metadata(number) == folder.metadata(number)
        for key, array in folder.get_episode(number).arrays.items():
            assert np.array_equal(np.asarray(back.get_episode(number).arrays[key]), array), key


def test_plain_numpy_reads_the_originals_layout(folder, tmp_path):
    write_npz(tmp_path / "out.npz", folder)
    with np.load(tmp_path / "out.npz") as file:  # allow_pickle=False
        assert set(file.files) == {*SPEC, "done", "rollout_timestep", "meta"}
        assert file["done"].tolist() == [True, False, False, True] and file["done"].dtype == bool
        assert file["rollout_timestep"].tolist() == [0, 0, 1, 2] and file["rollout_timestep"].dtype == np.int64
        assert file["image"].shape == (4, 4, 5, 3) and file["goal/ee_position"].shape == (2, 3)
        assert np.array_equal(file["image"][1:], folder.get_episode("second").arrays["image"])
        assert file["policy_name"][:, 0].tolist() == ["first é 0", "second é 0", "second é 1", "second é 2"]
        assert json.loads(str(file["meta"]))["colour_order"] == "rgb"


def test_images_may_be_written_as_the_originals_code_expects_them(folder, tmp_path):
    write_npz(tmp_path / "out.npz", folder, colour_order="bgr")
    with np.load(tmp_path / "out.npz") as file:
        assert np.array_equal(file["image"][1:, ..., ::-1], folder.get_episode("second").arrays["image"])


def test_the_same_dataset_gives_the_same_bytes(folder, tmp_path):
    for name in ("a.npz", "b.npz"):
        write_npz(tmp_path / name, folder)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_done_delimits_episodes_whatever_the_dataset_says(tmp_path):
    spec = Spec({"action": ArraySpec((1,), role="action"), "done": ArraySpec((1,), "bool", role="output")})
    made = EpisodeFolder.create(tmp_path / "set", spec)
    made.add_episode("e", {"action": np.zeros((3, 1), np.float32), "done": np.array([[True], [False], [False]])})
    write_npz(tmp_path / "out.npz", made)
    assert NpzFile(tmp_path / "out.npz").lengths.tolist() == [3]
    with np.load(tmp_path / "out.npz") as file:
        assert file["done"].tolist() == [[False], [False], [True]]


def test_a_writing_that_fails_leaves_the_old_file(folder, tmp_path):
    (tmp_path / "out.npz").write_bytes(b"old")
    (folder.path / "second" / "image.npy").unlink()
    with pytest.raises(DatasetError, match=r"image\.npy"):
        write_npz(tmp_path / "out.npz", folder)
    assert (tmp_path / "out.npz").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.npz", "set"]


def test_an_empty_dataset_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="holds no episodes"):
        write_npz(tmp_path / "out.npz", EpisodeFolder.create(tmp_path / "set", SPEC))
